"""Tests the verifiers: the reference passes, each of its single faults is found, and so is a permissive verifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

import fake_upstreams
import jwt_verifiers
import saml_receivers
from azurite import Azurite
from context import Context
from demo import Keys
from fake_http import ReplayCache
from faults import FAULTS
from locum_server import LocumServer
from node import Node
from reference import Reference, serving
from results import CRASHED, Case, CaseResult, Outcome, run_cases

Cases = Callable[[Context], Iterator[Case]]
KEY_NAMES = ("tenant-rsa", "firebase", "layer", "worker")


def accept_every_token(token: str, _: jwt_verifiers.Expected) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def open_every_blob(*_: object) -> tuple[int, bytes]:
    return 200, b"hello"


def accept_every_response(*_: object) -> None:
    pass


def accept_every_replay(*_: object) -> bool:
    return True


# For each group whose verifier can be replaced: the module or class, the name in it, and a replacement that refuses
# nothing.
PERMISSIVE = {
    "app_tokens": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "firebase": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "azure_blob": (Azurite, "send", open_every_blob),
    "fake_upstreams": (ReplayCache, "is_new", accept_every_replay),
    "saml": (saml_receivers, "by_python3_saml", accept_every_response),
    "aws": (saml_receivers, "by_node_saml", accept_every_response),
    "entra": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "gcp": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "sap": (saml_receivers, "by_node_saml", accept_every_response),
    "salesforce": (jwt_verifiers, "by_pyjwt", accept_every_token),
}


@dataclass(frozen=True)
class ReferenceRunner:
    """Runs groups of cases against the reference, which is served anew for each group and fault."""

    node: Node
    scratch: Path
    keys: Keys
    upstreams_url: str

    def run(self, group: str, cases: Cases, fault: str | None = None) -> list[CaseResult]:
        with serving(Reference(self.keys, fault, self.upstreams_url)) as base_url:
            context = Context(LocumServer(base_url), self.keys, self.node, self.scratch, self.upstreams_url)
            return list(run_cases(group, cases(context), lambda _: True))


def run(node: Node, scratch: Path, groups: dict[str, Cases], only: list[str]) -> Iterator[CaseResult]:
    keys = make_keys(scratch / "keys")
    wanted = {name: cases for name, cases in groups.items() if not only or name in only}
    with fake_upstreams.serving(keys, port=0) as upstreams_url:
        yield from run_groups(wanted, ReferenceRunner(node, scratch, keys, upstreams_url))


def run_groups(wanted: dict[str, Cases], runner: ReferenceRunner) -> Iterator[CaseResult]:
    for group, cases in wanted.items():
        for result in runner.run(group, cases):
            yield CaseResult(f"self-test/{result.name}", result.outcome, result.detail)
    for fault, group in FAULTS.items():
        if group in wanted:
            yield expect_found(f"self-test/{group}-finds-{fault}", runner.run(group, wanted[group], fault))
    for group, (owner, name, permissive) in PERMISSIVE.items():
        if group in wanted:
            with patch.object(owner, name, permissive):
                yield expect_found(f"self-test/{group}-finds-a-permissive-verifier", runner.run(group, wanted[group]))


def expect_found(name: str, results: list[CaseResult]) -> CaseResult:
    """A fault is found if a case fails because of the server's output, and none because the verifier crashed."""
    failed = [result for result in results if result.outcome is Outcome.FAIL]
    crashed = [result for result in failed if CRASHED in result.detail]
    if crashed:
        return CaseResult(name, Outcome.FAIL, crashed[0].detail)
    if not failed:
        return CaseResult(name, Outcome.FAIL, "no case failed")
    return CaseResult(name, Outcome.OK, f"{failed[0].name} fails: {failed[0].detail}")


def make_keys(directory: Path) -> Keys:
    directory.mkdir()
    for name in KEY_NAMES:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (directory / f"{name}.pem").write_bytes(private)
        (directory / f"{name}.pub.pem").write_bytes(public)
        if name == "tenant-rsa":
            (directory / f"{name}.cert.pem").write_bytes(self_signed(key).public_bytes(Encoding.PEM))
    return Keys(directory)


def self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return (
        builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())
    )
