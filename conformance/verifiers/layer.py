"""Judge 9: Layer identity tokens obey the rules that Layer published, on three libraries for the signature."""

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
from jwt_verifiers import Expected, JwtVerifier, Refused, jwt_verifiers
from results import Case, Mismatch, expect_equal

CLAIMS = {"iss", "prn", "iat", "exp", "nce"}
HEADER = {"alg": "RS256", "typ": "JWT", "cty": "layer-eit;v=1", "kid": demo.LAYER_KEY_ID}
CLOCK_SLACK_SECONDS = 5


def cases(context: Context) -> Iterator[Case]:
    for verifier in jwt_verifiers(context.node):
        yield Case(
            f"layer/token-{verifier.name}",
            "header, claims, nonce and life are Layer's, and tampered neighbours are refused",
            partial(token_holds, context, verifier),
        )
    yield Case(
        "layer/nonce",
        "without a nonce, or with one of other characters, nothing is issued",
        partial(nonce_is_needed, context),
    )


def token_holds(context: Context, verifier: JwtVerifier) -> None:
    user_id, nonce = subject.fresh_user(), uuid.uuid4().hex
    answer = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="layer", nonce=nonce)
    body = answer.issued("layer")
    expect_equal("the answer's members", set(body), {"token_type", "expires_in", "id_token"})
    token = body["id_token"]
    try:
        claims = proves(context, verifier, token, user_id, nonce)
    except Refused as refusal:
        raise Mismatch(f"{verifier.name} or the rules refuse the token: {refusal}") from refusal
    expect_equal("expires_in", body["expires_in"], claims["exp"] - claims["iat"])
    for what, tampered in tampered_variants(context, token, claims):
        try:
            proves(context, verifier, tampered, user_id, nonce)
        except Refused:
            continue
        raise Mismatch(f"{verifier.name} and the rules accept a token {what}")


def nonce_is_needed(context: Context) -> None:
    context.server.exchange("spa", subject.for_client("spa"), api_type="layer", nonce="n0").issued("layer")
    for parameters in ({}, {"nonce": "two words"}, {"nonce": 'quote"'}):
        answer = context.server.exchange("spa", subject.for_client("spa"), api_type="layer", **parameters)
        answer.expect_error(400, "invalid_request")


def proves(context: Context, verifier: JwtVerifier, token: str, user_id: str, nonce: str) -> dict[str, Any]:
    jwk = context.keys.public_jwk("layer")
    claims = verifier.verify(token, Expected(jwk, "RS256", demo.LAYER_PROVIDER, None, ("iss", "iat", "exp")))
    header = jwt.get_unverified_header(token)
    rule(header == HEADER, f"the header is {header}")
    rule(set(claims) == CLAIMS, f"the claims are {sorted(claims)}")
    rule(claims["prn"] == user_id, f"prn is {claims['prn']}")
    rule(claims["nce"] == nonce, f"nce is {claims['nce']}")
    rule(type(claims["iat"]) is int and type(claims["exp"]) is int, "iat or exp is no whole number")
    rule(claims["iat"] <= time.time() + CLOCK_SLACK_SECONDS, "iat lies in the future")
    rule(claims["exp"] - claims["iat"] == demo.LAYER_SECONDS, f"it lives for {claims['exp'] - claims['iat']} seconds")
    return claims


def tampered_variants(context: Context, token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    key = context.keys.private("layer")

    def signed(header: dict[str, object] | None = None, **changed: object) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode(kept, key, "RS256", headers={**HEADER, **(header or {})})

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
    yield "of the future", signed(iat=now + 600, exp=now + 900)
    yield "that lives longer", signed(exp=claims["exp"] + 1)
    yield "with one more claim", signed(role="admin")
    for claim in sorted(CLAIMS):
        yield f"without {claim}", signed(**{claim: None})


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Refused(broken)
