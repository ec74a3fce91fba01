"""Verifies Layer identity tokens by the rules that Layer published and three JWT libraries."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt

import demo
import subject
from context import Context
from jwt_verifiers import Expected, JwtVerifier, jwt_verifiers
from results import Case, expect_equal
from rules import expect_accepted, expect_refused, require

CLAIMS = {"iss", "prn", "iat", "exp", "nce"}
HEADER = {"alg": "RS256", "typ": "JWT", "cty": "layer-eit;v=1", "kid": demo.LAYER_KEY_ID}
CLOCK_SLACK_SECONDS = 5


def cases(context: Context) -> Iterator[Case]:
    for verifier in jwt_verifiers(context.node):
        yield Case(
            f"layer/token-{verifier.name}",
            "header, claims, nonce and lifetime satisfy Layer's rules; tampered variants are refused",
            partial(check_token, context, verifier),
        )
    yield Case(
        "layer/nonce",
        "a missing nonce, or one with other characters, is refused",
        partial(check_nonce, context),
    )


def check_token(context: Context, verifier: JwtVerifier) -> None:
    user_id, nonce = subject.fresh_user(), uuid.uuid4().hex
    response = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="layer", nonce=nonce)
    body = response.issued("layer")
    expect_equal("the response's members", set(body), {"token_type", "expires_in", "id_token"})
    token, who = body["id_token"], f"{verifier.name} with the rules"
    claims = expect_accepted(who, "the token", lambda: verified_claims(context, verifier, token, user_id, nonce))
    expect_equal("expires_in", body["expires_in"], claims["exp"] - claims["iat"])
    for what, tampered in tampered_variants(context, token, claims):
        verify = partial(verified_claims, context, verifier, tampered, user_id, nonce)
        expect_refused(who, f"a token {what}", verify)


def check_nonce(context: Context) -> None:
    context.server.exchange("spa", subject.for_client("spa"), api_type="layer", nonce="n0").issued("layer")
    for parameters in ({}, {"nonce": "two words"}, {"nonce": 'quote"'}):
        response = context.server.exchange("spa", subject.for_client("spa"), api_type="layer", **parameters)
        response.expect_error(400, "invalid_request")


def verified_claims(context: Context, verifier: JwtVerifier, token: str, user_id: str, nonce: str) -> dict[str, Any]:
    jwk = context.keys.public_jwk("layer")
    claims = verifier.verify(token, Expected(jwk, "RS256", demo.LAYER_PROVIDER, None, ("iss", "iat", "exp")))
    header = jwt.get_unverified_header(token)
    require(header == HEADER, f"the header is {header}")
    require(set(claims) == CLAIMS, f"the claims are {sorted(claims)}")
    require(claims["prn"] == user_id, f"prn is {claims['prn']}")
    require(claims["nce"] == nonce, f"nce is {claims['nce']}")
    require(type(claims["iat"]) is int and type(claims["exp"]) is int, "iat or exp is not a whole number")
    require(claims["iat"] <= time.time() + CLOCK_SLACK_SECONDS, "iat is in the future")
    require(
        claims["exp"] - claims["iat"] == demo.LAYER_SECONDS, f"the lifetime is {claims['exp'] - claims['iat']} seconds"
    )
    return claims


def tampered_variants(context: Context, token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    key = context.keys.private("layer")

    def signed(header: dict[str, object] | None = None, **changed: object) -> str:
        return jwt.encode(subject.with_changes(claims, **changed), key, "RS256", headers={**HEADER, **(header or {})})

    now = int(time.time())
    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "prn": "root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed by another key", subject.rs256(claims, context.keys.tenant, demo.LAYER_KEY_ID)
    yield "signed with HS256 and the public key", subject.hmac_signed(claims, context.keys.public_pem("layer"))
    yield "of another content type", signed({"cty": "layer-eit;v=2"})
    yield "that names another key", signed({"kid": "other"})
    yield "of another provider", signed(iss="other")
    yield "of another user", signed(prn="root")
    yield "with sub in place of prn", signed(prn=None, sub=claims["prn"])
    yield "for another nonce", signed(nce="other")
    yield "without a nonce", signed(nce=None)
    yield "that has expired", signed(iat=now - 600, exp=now - 300)
    yield "that is issued in the future", signed(iat=now + 600, exp=now + 900)
    yield "with a longer lifetime", signed(exp=claims["exp"] + 1)
    yield "with one more claim", signed(role="admin")
    for claim in sorted(CLAIMS):
        yield f"without {claim}", signed(**{claim: None})
