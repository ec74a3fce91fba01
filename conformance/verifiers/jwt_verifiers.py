"""Three third-party JWT libraries behind one interface: a token and what its receiver expects in, its claims out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from node import Node
from rules import Refused, expect_accepted, expect_refused


@dataclass(frozen=True)
class Expected:
    """What the receiver of a token knows beforehand: the key, its one algorithm, the issuer, the audience if there is
    one, and the claims that must be present."""

    jwk: dict[str, str]
    alg: str
    issuer: str
    audience: str | None
    required: tuple[str, ...] = ("iss", "sub", "aud", "iat", "exp")


@dataclass(frozen=True)
class JwtVerifier:
    """One library: `verify` returns the claims of an accepted token and raises `Refused` otherwise."""

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
    registry = joserfc_registry(expected)
    try:
        decoded = joserfc_jwt.decode(token, JWKRegistry.import_key(expected.jwk), algorithms=[expected.alg])
        registry.validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise Refused(str(error)) from error
    return decoded.claims


def joserfc_registry(expected: Expected) -> joserfc_jwt.JWTClaimsRegistry:
    wanted: dict[str, dict[str, Any]] = {claim: {"essential": True} for claim in expected.required}
    wanted["iss"] = {"essential": True, "value": expected.issuer}
    if expected.audience is not None:
        wanted["aud"] = {"essential": True, "value": expected.audience}
    return joserfc_jwt.JWTClaimsRegistry(**wanted)


def by_jose(node: Node, token: str, expected: Expected) -> dict[str, Any]:
    return node.verify("jose-verify.mjs", jose_question(token, expected) | {"jwk": expected.jwk})["claims"]


def jose_question(token: str, expected: Expected) -> dict[str, Any]:
    return {
        "token": token,
        "alg": expected.alg,
        "issuer": expected.issuer,
        "audience": expected.audience,
        "requiredClaims": expected.required,
    }


@dataclass(frozen=True)
class KeySetVerifier:
    """One library that is given a whole JWK Set and finds the key of a token in it by `kid` and algorithm."""

    name: str
    verify: Callable[[str, dict[str, Any], Expected], dict[str, Any]]


def key_set_verifiers(node: Node) -> list[KeySetVerifier]:
    return [
        KeySetVerifier("pyjwt", by_pyjwt_key_set),
        KeySetVerifier("joserfc", by_joserfc_key_set),
        KeySetVerifier("jose", lambda token, keys, expected: by_jose_key_set(node, token, keys, expected)),
    ]


def by_pyjwt_key_set(token: str, keys: dict[str, Any], expected: Expected) -> dict[str, Any]:
    """With the key itself, as PyJWT takes a JWK without `alg` for one of RS256 alone."""
    try:
        found = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        if not isinstance(found.key, RSAPublicKey):
            raise Refused("the key is not a public RSA key")
        return jwt.decode(
            token,
            found.key,
            algorithms=[expected.alg],
            issuer=expected.issuer,
            audience=expected.audience,
            options={"require": list(expected.required)},
        )
    except (jwt.PyJWTError, KeyError) as error:
        raise Refused(str(error)) from error


def by_joserfc_key_set(token: str, keys: dict[str, Any], expected: Expected) -> dict[str, Any]:
    registry = joserfc_registry(expected)
    try:
        decoded = joserfc_jwt.decode(token, KeySet.import_key_set(keys), algorithms=[expected.alg])
        registry.validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise Refused(str(error)) from error
    return decoded.claims


def by_jose_key_set(node: Node, token: str, keys: dict[str, Any], expected: Expected) -> dict[str, Any]:
    return node.verify("jose-verify.mjs", jose_question(token, expected) | {"jwks": keys})["claims"]


def verified_claims(verifier: JwtVerifier, token: str, expected: Expected) -> dict[str, Any]:
    return expect_accepted(verifier.name, "the token", lambda: verifier.verify(token, expected))


def expect_token_refused(verifier: JwtVerifier, what: str, token: str, expected: Expected) -> None:
    """`what` completes "a token …"."""
    expect_refused(verifier.name, f"a token {what}", lambda: verifier.verify(token, expected))
