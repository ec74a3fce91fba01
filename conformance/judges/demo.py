"""What the demo tenant promises: its clients, users and keys, as the judges rely on them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://acme.example.com/"
TENANT_KID = "tenant-2026"

SECRETS = {
    "spa": b"spa-secret-0123456789-0123456789-0123456789",
    "legacy-spa": base64.urlsafe_b64decode("bGVnYWN5LXNlY3JldC1ieXRlcy0wMTIzNDU2Nzg5LTAxMjM0NTY3ODk="),
    "orders-api": b"orders-secret-0123456789-0123456789-012345678",
    "files": b"files-secret-0123456789-0123456789-0123456789",
    "policy": b"policy-secret-0123456789-0123456789-0123456789",
}

FIREBASE_ACCOUNT = "firebase-adminsdk@locum-demo.iam.gserviceaccount.com"
FIREBASE_KID = "fb-key-1"
ALICE_FIREBASE = {"uid": "alice-uid", "role": "editor"}

STORAGE_ACCOUNT = "devstoreaccount1"
# Azurite's published development key: it opens nothing but an emulator.
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "demo"
BLOB = "hello.txt"
STORED_POLICY = "read-only"
SAS_MINUTES = 5

BUS_NAMESPACE = "locum-demo"
BUS_POLICY = "demo-policy"
BUS_KEY = "c2VydmljZS1idXMtZGVtby1rZXktMDEyMzQ1Njc4OTAxMjM0NTY="
BUS_ENTITY = "orders"

MOBILE_MASTER_KEY = "wams-demo-master-key-0123456789-0123456789"

LAYER_PROVIDER = "layer:///providers/locum-demo"
LAYER_KEY_ID = "layer:///keys/locum-demo"
LAYER_SECONDS = 300


@dataclass(frozen=True)
class Keys:
    """The tenant's throw-away keys, read from the directory given with `--keys`."""

    directory: Path

    def private_pem(self, name: str) -> str:
        return (self.directory / f"{name}.pem").read_text(encoding="ascii")

    def public_pem(self, name: str) -> bytes:
        return (self.directory / f"{name}.pub.pem").read_bytes()

    def private(self, name: str) -> RSAPrivateKey:
        return load_pem_private_key(self.private_pem(name).encode("ascii"), password=None)

    @cached_property
    def tenant(self) -> RSAPrivateKey:
        return self.private("tenant-rsa")

    @cached_property
    def firebase(self) -> RSAPrivateKey:
        return self.private("firebase")

    def public_jwk(self, name: str) -> dict[str, str]:
        return json.loads(RSAAlgorithm.to_jwk(load_pem_public_key(self.public_pem(name))))


def private_jwk(key: RSAPrivateKey) -> dict[str, str]:
    return json.loads(RSAAlgorithm.to_jwk(key))


def secret_jwk(secret: bytes) -> dict[str, str]:
    return {"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")}
