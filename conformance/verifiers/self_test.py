"""Judges the judges: they pass a good server, find each single fault of a bad one, and a permissive judge is found out."""

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
from delegation import Delegation
from demo import Keys
from fake_http import ReplayCache
from faults import FAULTS
from node import Node
from reference import Reference, serving
from results import Case, CaseResult, Outcome, run_cases

Cases = Callable[[Context], Iterator[Case]]
KEY_NAMES = ("tenant-rsa", "firebase", "layer")


def accept_every_token(token: str, _: jwt_verifiers.Expected) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def open_every_blob(*_: object) -> tuple[int, bytes]:
    return 200, b"hello"


def take_every_response(*_: object) -> None:
    pass


def take_everything_again(*_: object) -> bool:
    return True


# For each judge with a verifier of its own: where that stands, and its replacement that refuses nothing.
PERMISSIVE = {
    "app_tokens": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "firebase": (jwt_verifiers, "by_pyjwt", accept_every_token),
    "azure_blob": (Azurite, "send", open_every_blob),
    "fake_upstreams": (ReplayCache, "is_new", take_everything_again),
    "saml": (saml_receivers, "by_python3_saml", take_every_response),
    "aws": (saml_receivers, "by_node_saml", take_every_response),
    "sap": (saml_receivers, "by_node_saml", take_every_response),
    "salesforce": (jwt_verifiers, "by_pyjwt", accept_every_token),
}


@dataclass(frozen=True)
class ReferenceRunner:
    """Where references are built, served and judged."""

    node: Node
    scratch: Path
    keys: Keys
    upstreams: str

    def judged(self, group: str, cases: Cases, fault: str | None = None) -> list[CaseResult]:
        with serving(Reference(self.keys, fault, self.upstreams)) as base_url:
            context = Context(Delegation(base_url), self.keys, self.node, self.scratch, self.upstreams)
            return list(run_cases(group, cases(context), lambda _: True))


def results(node: Node, scratch: Path, groups: dict[str, Cases], only: list[str]) -> Iterator[CaseResult]:
    keys = make_keys(scratch / "keys")
    wanted = {name: cases for name, cases in groups.items() if not only or name in only}
    with fake_upstreams.serving(keys, port=0) as upstreams:
        yield from judged_judges(wanted, ReferenceRunner(node, scratch, keys, upstreams))


def judged_judges(wanted: dict[str, Cases], runner: ReferenceRunner) -> Iterator[CaseResult]:
    for group, cases in wanted.items():
        for result in runner.judged(group, cases):
            yield CaseResult(f"self-test/{result.name}", result.outcome, result.detail)
    for fault, group in FAULTS.items():
        if group in wanted:
            yield found_out(f"self-test/{group}-finds-{fault}", runner.judged(group, wanted[group], fault))
    for group, (place, name, permissive) in PERMISSIVE.items():
        if group in wanted:
            with patch.object(place, name, permissive):
                yield found_out(f"self-test/{group}-finds-a-permissive-verifier", runner.judged(group, wanted[group]))


def found_out(name: str, judged: list[CaseResult]) -> CaseResult:
    """A fault is found when a case fails for what it saw, not because the verifier itself broke."""
    failed = [result for result in judged if result.outcome is Outcome.FAIL]
    broken = [result for result in failed if "the verifier itself broke" in result.detail]
    if broken:
        return CaseResult(name, Outcome.FAIL, broken[0].detail)
    if not failed:
        return CaseResult(name, Outcome.FAIL, "no case noticed")
    return CaseResult(name, Outcome.OK, f"{failed[0].name} says: {failed[0].detail}")


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
