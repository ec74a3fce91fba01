"""Subject tokens made with PyJWT, each for a new user so that no rate limit is reached, and tampering with tokens."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

import demo

LIFETIME_SECONDS = 300


def fresh_user() -> str:
    return f"auth0|verifier-{uuid.uuid4().hex}"


def claims(client_id: str, user_id: str | None = None, **changed: Any) -> dict[str, Any]:
    """The claims of a valid id_token of that client, changed as `changed` says."""
    now = int(time.time())
    valid = {
        "iss": demo.ISSUER,
        "sub": user_id or fresh_user(),
        "aud": client_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    return with_changes(valid, **changed)


def with_changes(document: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A copy with these members set, or removed where the value is None."""
    return {name: value for name, value in {**document, **changed}.items() if value is not None}


def for_client(client_id: str, user_id: str | None = None, **changed: Any) -> str:
    """An id_token of an HS256 client."""
    return jwt.encode(claims(client_id, user_id, **changed), demo.SECRETS[client_id], "HS256")


def rs256(payload: dict[str, Any], key: RSAPrivateKey, kid: str | None = demo.TENANT_KID) -> str:
    return jwt.encode(payload, key, "RS256", headers={"kid": kid} if kid else None)


def unsigned(payload: dict[str, Any]) -> str:
    return jwt.encode(payload, None, "none")


def hmac_signed(payload: dict[str, Any], key: bytes, bits: int = 256) -> str:
    """A token with an HMAC computed here: PyJWT refuses a public key as the secret, and a secret shorter than its hash."""
    signed = f"{segment({'alg': f'HS{bits}', 'typ': 'JWT'})}.{segment(payload)}"
    return f"{signed}.{base64url(hmac.digest(key, signed.encode('ascii'), f'sha{bits}'))}"


def with_payload(token: str, payload: dict[str, Any]) -> str:
    """The token with another payload and its old signature."""
    header, _, signature = token.split(".")
    return f"{header}.{segment(payload)}.{signature}"


def with_flipped_signature(token: str) -> str:
    signed, _, signature = token.rpartition(".")
    raw = bytearray(base64url_decode(signature))
    raw[len(raw) // 2] ^= 1
    return f"{signed}.{base64url(bytes(raw))}"


def segment(document: dict[str, Any]) -> str:
    return base64url(json.dumps(document, separators=(",", ":")).encode("utf-8"))


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def with_other_first_character(base64_text: str) -> str:
    return ("B" if base64_text[0] == "A" else "A") + base64_text[1:]
