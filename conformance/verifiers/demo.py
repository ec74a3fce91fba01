"""What the verifiers take for granted about the demo tenant: its clients, settings, users and keys."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://acme.example.com/"
TENANT_KID = "tenant-2026"
SAML_ISSUER = "urn:acme.example.com"

# Each with the algorithm of its tokens; all are signed with the tenant's key.
RSA_TARGETS = {"reports-api": "RS256", "rs384-api": "RS384", "rs512-api": "RS512", "ps256-api": "PS256"}

SECRETS = {
    "spa": b"spa-secret-0123456789-0123456789-0123456789",
    "legacy-spa": base64.urlsafe_b64decode("bGVnYWN5LXNlY3JldC1ieXRlcy0wMTIzNDU2Nzg5LTAxMjM0NTY3ODk="),
    "orders-api": b"orders-secret-0123456789-0123456789-012345678",
    "files": b"files-secret-0123456789-0123456789-0123456789",
    "web-identity": b"web-identity-secret-0123456789-0123456789",
    "policy": b"policy-secret-0123456789-0123456789-0123456789",
    "backend": b"backend-secret-0123456789-0123456789-01234567",
}

# The clients whose tokens are signed with the tenant's key, besides the targets above.
RS256_CLIENTS = {"rs-spa", "mobile", "worker"}

# The client that authenticates by assertions, with the key of its name in `--keys`.
ASSERTING_CLIENT = "worker"

# The clients that have refresh tokens, which rotate: one authenticates by a secret, one does not.
REFRESHING_CONFIDENTIAL_CLIENT, REFRESHING_PUBLIC_CLIENT = "backend", "mobile"
REFRESHING_CLIENTS = {REFRESHING_CONFIDENTIAL_CLIENT, REFRESHING_PUBLIC_CLIENT, ASSERTING_CLIENT}

# The client that authenticates and has no refresh tokens; with `backend` it is the only one that authenticates by a secret.
CONFIDENTIAL_CLIENT = "orders-api"
CONFIDENTIAL_CLIENTS = {CONFIDENTIAL_CLIENT, REFRESHING_CONFIDENTIAL_CLIENT}

# The client that has a grant for the Management API, and the key of its tokens.
MANAGING_CLIENT = REFRESHING_CONFIDENTIAL_CLIENT
MANAGEMENT_AUDIENCE = f"{ISSUER}api/v2/"
MANAGEMENT_SCOPE = "read:clients read:users"
MANAGEMENT_KEY = b"demo-management-key-0123456789-0123456789"

# The issuer that the tenant trusts, which publishes its keys by discovery on this machine.
TRUSTED_ISSUER_PORT = 4781
TRUSTED_ISSUER = f"http://127.0.0.1:{TRUSTED_ISSUER_PORT}"
TRUSTED_ISSUER_PREFIX = "corp|"

# A stored user: what clients are told about him, and what is stored beside.
BOB = "auth0|bob"
BOB_PROFILE = {"name": "Bob Brown", "nickname": "bob"}
BOB_EMAIL = {"email": "bob@example.com", "email_verified": True}
BOB_IDENTITY = {"user_id": "bob", "provider": "auth0", "connection": "users", "isSocial": False}
BOB_PRIVATE = {"app_metadata": {"plan": "gold"}}
BOB_IDENTITY_TOKEN = {"access_token": "not-for-clients"}
BLOCKED_USER = "auth0|mallory"

FIREBASE_ACCOUNT = "firebase-adminsdk@locum-demo.iam.gserviceaccount.com"
FIREBASE_KID = "fb-key-1"
ALICE_FIREBASE = {"uid": "alice-uid", "role": "editor"}

STORAGE_ACCOUNT = "devstoreaccount1"
# The published development key of storage emulators; no real account has it.
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

AWS_ACCOUNT = "123456789012"
AWS_ROLE = f"arn:aws:iam::{AWS_ACCOUNT}:role/locum-demo"
AWS_PROVIDER = f"arn:aws:iam::{AWS_ACCOUNT}:saml-provider/locum-demo"
AWS_SIGN_IN = "https://signin.aws.amazon.com/saml"
AWS_ROLE_SECONDS_MAX = 3600
AWS_BUCKET = "locum-demo"

FAKE_UPSTREAMS_PORT = 4780
SAP_PATH = "/sap/bc/sec/oauth2/token"
SAP_CLIENT = "LOCUM_DEMO"
SAP_PASSWORD = "sap-service-password-0123456789"
SAP_SCOPES = {"ZDEMO_READ", "ZDEMO_WRITE"}
SAP_SCOPE = "ZDEMO_READ"

SALESFORCE_CONSUMER = "3MVG9-locum-demo-consumer-key"
SALESFORCE_AUDIENCES = {
    "salesforce_api": "https://login.salesforce.com",
    "salesforce_sandbox_api": "https://test.salesforce.com",
}
EMPLOYEES = {"alice@example.com", "bob@example.com"}

GCP_POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/locum-demo"
GCP_PROVIDER = f"{GCP_POOL}/providers/acme"
GCP_ACCOUNT = "reader@locum-demo.iam.gserviceaccount.com"
GCP_SCOPES = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/bigquery.readonly",
]
GCP_AUDIENCES = ["https://orders-1234.a.run.app", "https://billing-1234.a.run.app"]
# The clients that the provider's condition admits.
GCP_CLIENTS = {"spa", "web-identity"}
# May not act as the service account.
GCP_OUTSIDER = "auth0|outsider"

ENTRA_DIRECTORY = "9188040d-6c67-4c5b-b112-36a304b66dad"
ENTRA_CLIENT = "11111111-2222-3333-4444-555555555555"
ENTRA_SCOPES = ["https://graph.microsoft.com/.default", "https://storage.azure.com/.default"]
ENTRA_AUDIENCE = "api://AzureADTokenExchange"
# The subject of the application's only federated credential.
ENTRA_SUBJECT = "readers"

GITHUB_PATH = "/github"
GITHUB_CLIENT = "Iv23liLocumDemo"
GITHUB_INSTALLATION = 4711
GITHUB_REPOSITORIES = ["web", "api", "docs"]
"""Of the installation; the add-on lists the first two."""
GITHUB_PERMISSIONS = {"contents": "write", "issues": "read"}

LAYER_PROVIDER = "layer:///providers/locum-demo"
LAYER_KEY_ID = "layer:///keys/locum-demo"
LAYER_SECONDS = 300


@dataclass(frozen=True)
class Keys:
    """The tenant's test keys, read from the directory that `--keys` names."""

    directory: Path

    def private_pem(self, name: str) -> str:
        return (self.directory / f"{name}.pem").read_text(encoding="ascii")

    def public_pem(self, name: str) -> bytes:
        return (self.directory / f"{name}.pub.pem").read_bytes()

    def private(self, name: str) -> RSAPrivateKey:
        return load_pem_private_key(self.private_pem(name).encode("ascii"), password=None)

    @cached_property
    def certificate(self) -> str:
        return (self.directory / "tenant-rsa.cert.pem").read_text(encoding="ascii")

    @cached_property
    def tenant(self) -> RSAPrivateKey:
        return self.private("tenant-rsa")

    @cached_property
    def firebase(self) -> RSAPrivateKey:
        return self.private("firebase")

    def public_jwk(self, name: str) -> dict[str, str]:
        return json.loads(RSAAlgorithm.to_jwk(load_pem_public_key(self.public_pem(name))))


def basic_authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def private_jwk(key: RSAPrivateKey) -> dict[str, str]:
    return json.loads(RSAAlgorithm.to_jwk(key))


def secret_jwk(secret: bytes) -> dict[str, str]:
    return {"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")}
