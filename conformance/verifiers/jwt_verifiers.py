"""Three JWT libraries that we did not write, behind one question: which claims does this token prove?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from node import Node
from results import Mismatch


class Refused(Exception):
    """The library refuses the token."""


@dataclass(frozen=True)
class Expected:
    """What the receiver of a token knows beforehand: the key, its one algorithm, issuer, audience if any, and which
    claims cannot be missing."""

    jwk: dict[str, str]
    alg: str
    issuer: str
    audience: str | None
    required: tuple[str, ...] = ("iss", "sub", "aud", "iat", "exp")


@dataclass(frozen=True)
class JwtVerifier:
    """A library's result: the claims of an accepted token, `Refused` otherwise."""

    name: str
    verify: Callable[[str, Expected], dict[str, Any]]


def jwt_verifiers(node: Node) -> list[JwtVerifier]:
    return [
        JwtVerifier("pyjwt", lambda token, expected: by_pyjwt(token, expected)),
        JwtVerifier("joserfc", by_joserfc),
        JwtVerifier("jose", lambda token, expected: by_jose(node, token, expected)),
    ]


def by_pyjwt(token: str, expected: Expected) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            jwt.PyJWK.from_dict(expected.jwk, algorithm=expected.alg),
            algorithms=[expected.alg],
            issuer=expected.issuer,
            audience=expected.audience,
            options={"require": list(expected.required)},
        )
    except jwt.PyJWTError as error:
        raise Refused(str(error)) from error


def by_joserfc(token: str, expected: Expected) -> dict[str, Any]:
    wanted: dict[str, dict[str, Any]] = {claim: {"essential": True} for claim in expected.required}
    wanted["iss"] = {"essential": True, "value": expected.issuer}
    if expected.audience is not None:
        wanted["aud"] = {"essential": True, "value": expected.audience}
    registry = joserfc_jwt.JWTClaimsRegistry(**wanted)
    try:
        decoded = joserfc_jwt.decode(token, JWKRegistry.import_key(expected.jwk), algorithms=[expected.alg])
        registry.validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise Refused(str(error)) from error
    return decoded.claims


def by_jose(node: Node, token: str, expected: Expected) -> dict[str, Any]:
    answer = node.ask(
        "jose-verify.mjs",
        {
            "token": token,
            "jwk": expected.jwk,
            "alg": expected.alg,
            "issuer": expected.issuer,
            "audience": expected.audience,
            "requiredClaims": expected.required,
        },
    )
    if "refused" in answer:
        raise Refused(answer["refused"])
    return answer["claims"]


def proves(verifier: JwtVerifier, token: str, expected: Expected) -> dict[str, Any]:
    try:
        return verifier.verify(token, expected)
    except Refused as refusal:
        raise Mismatch(f"{verifier.name} refuses the token: {refusal}") from refusal


def refuses(verifier: JwtVerifier, what: str, token: str, expected: Expected) -> None:
    try:
        verifier.verify(token, expected)
    except Refused:
        return
    raise Mismatch(f"{verifier.name} accepts a token {what}")
