"""The rules that Google documents for a Firebase custom token; no emulator checks them."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt

from jwt_verifiers import Expected, JwtVerifier
from rules import require

AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
LIFETIME_SECONDS_MAX = 3600
CLOCK_SKEW_SECONDS = 5
UID_CHARACTERS_MAX = 128
DEVELOPER_CLAIMS_CHARACTERS_MAX = 1000
TOP_LEVEL = {"iss", "sub", "aud", "iat", "exp", "uid"}
OPTIONAL = {"claims", "tenant_id"}
RESERVED = {
    *("acr", "amr", "at_hash", "aud", "auth_time", "azp", "cnf", "c_hash"),
    *("exp", "firebase", "iat", "iss", "jti", "nbf", "nonce", "sub"),
}


def verified_claims(verifier: JwtVerifier, token: str, account: str, jwk: dict[str, str]) -> dict[str, Any]:
    """The claims of a token that the library and the rules accept; `Refused` otherwise."""
    claims = verifier.verify(token, Expected(jwk, "RS256", account, AUDIENCE))
    check(jwt.get_unverified_header(token), claims)
    return claims


def check(header: dict[str, Any], claims: dict[str, Any]) -> None:
    require(set(header) <= {"alg", "typ", "kid"}, f"the header holds {sorted(header)}")
    require(set(claims) - OPTIONAL == TOP_LEVEL, f"the top-level claims are {sorted(claims)}")
    require(claims["sub"] == claims["iss"], "sub is not the service account")
    require(claims["aud"] == AUDIENCE, "aud is not the single string that Google wants")
    check_times(claims["iat"], claims["exp"])
    uid = claims["uid"]
    require(isinstance(uid, str) and 1 <= len(uid) <= UID_CHARACTERS_MAX, "uid is not a string of 1 to 128 characters")
    require(isinstance(claims.get("tenant_id", ""), str), "tenant_id is not a string")
    if "claims" in claims:
        check_developer_claims(claims["claims"])


def check_times(issued_at: Any, expires_at: Any) -> None:
    require(type(issued_at) is int and type(expires_at) is int, "iat or exp is not a whole number")
    require(issued_at <= time.time() + CLOCK_SKEW_SECONDS, "iat is in the future")
    require(
        issued_at < expires_at <= issued_at + LIFETIME_SECONDS_MAX,
        "the lifetime is more than an hour, or not positive",
    )


def check_developer_claims(developer: Any) -> None:
    require(isinstance(developer, dict), "claims is not an object")
    require(not RESERVED & set(developer), f"reserved developer claims {sorted(RESERVED & set(developer))}")
    length = len(json.dumps(developer, separators=(",", ":"), ensure_ascii=False))
    require(length <= DEVELOPER_CLAIMS_CHARACTERS_MAX, f"developer claims of {length} characters")
