"""What Google asks of a Firebase custom token, as a script: no emulator checks any of it."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt

from jwt_verifiers import Expected, JwtVerifier, Refused

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


def proves(verifier: JwtVerifier, token: str, account: str, jwk: dict[str, str]) -> dict[str, Any]:
    """The claims of a token that the library and every rule accept; `Refused` otherwise."""
    claims = verifier.verify(token, Expected(jwk, "RS256", account, AUDIENCE))
    obey(jwt.get_unverified_header(token), claims)
    return claims


def obey(header: dict[str, Any], claims: dict[str, Any]) -> None:
    rule(set(header) <= {"alg", "typ", "kid"}, f"the header holds {sorted(header)}")
    rule(set(claims) - OPTIONAL == TOP_LEVEL, f"the top-level claims are {sorted(claims)}")
    rule(claims["sub"] == claims["iss"], "sub is not the service account")
    rule(claims["aud"] == AUDIENCE, "aud is not the one string")
    obey_times(claims["iat"], claims["exp"])
    uid = claims["uid"]
    rule(isinstance(uid, str) and 1 <= len(uid) <= UID_CHARACTERS_MAX, "uid is no string of 1 to 128 characters")
    rule(isinstance(claims.get("tenant_id", ""), str), "tenant_id is no string")
    if "claims" in claims:
        obey_developer_claims(claims["claims"])


def obey_times(issued_at: Any, expires_at: Any) -> None:
    rule(type(issued_at) is int and type(expires_at) is int, "iat or exp is no whole number")
    rule(issued_at <= time.time() + CLOCK_SKEW_SECONDS, "iat lies in the future")
    rule(
        issued_at < expires_at <= issued_at + LIFETIME_SECONDS_MAX,
        "the token lives for more than an hour, or not at all",
    )


def obey_developer_claims(developer: Any) -> None:
    rule(isinstance(developer, dict), "claims is no object")
    rule(not RESERVED & set(developer), f"reserved developer claims {sorted(RESERVED & set(developer))}")
    length = len(json.dumps(developer, separators=(",", ":"), ensure_ascii=False))
    rule(length <= DEVELOPER_CLAIMS_CHARACTERS_MAX, f"developer claims of {length} characters")


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Refused(broken)
