"""Certificates for servers of this machine that must be reached over https."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID


def certificates(scratch: Path) -> tuple[Path, Path]:
    """The authority's certificate, and the server's with its key, as files."""
    authority_key, server_key = (generate_private_key(65537, 2048) for _ in range(2))
    authority_name = named("A test authority")
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = builder(authority_name, authority_name, authority_key).add_extension(constraints, critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = builder(named("localhost"), authority_name, server_key).add_extension(names, critical=False)
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    authority_file, server_file = scratch / "authority.pem", scratch / "server.pem"
    authority_file.write_bytes(authority.sign(authority_key, hashes.SHA256()).public_bytes(pem))
    server_file.write_bytes(
        server.sign(authority_key, hashes.SHA256()).public_bytes(pem)
        + server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
    )
    return authority_file, server_file


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def builder(subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
    )
