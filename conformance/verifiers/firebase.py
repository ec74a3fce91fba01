"""Verifies Firebase custom tokens by Google's rules, which firebase-admin's own token must pass too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt

import demo
import firebase_rules
import subject
from context import Context
from firebase_rules import AUDIENCE, LIFETIME_SECONDS_MAX, RESERVED, UID_CHARACTERS_MAX
from jwt_verifiers import JwtVerifier, jwt_verifiers
from results import Case, Mismatch, expect_equal
from rules import expect_accepted, expect_refused


def cases(context: Context) -> Iterator[Case]:
    for verifier in jwt_verifiers(context.node):
        yield Case(
            f"firebase/reference-{verifier.name}",
            "the rules accept firebase-admin's own token and refuse its tampered variants",
            partial(check_reference, context, verifier),
        )
        yield Case(
            f"firebase/stored-uid-{verifier.name}",
            "alice's token has her stored uid and developer claims; its tampered variants are refused",
            partial(check_alice, context, verifier),
        )
    yield Case(
        "firebase/default-uid",
        "a user without firebase_data gets the user id and no developer claims",
        partial(check_bob, context),
    )
    yield Case(
        "firebase/longest-uid",
        "a user id of 128 characters is issued, one of 129 is not",
        partial(check_longest_uid, context),
    )


def check_reference(context: Context, verifier: JwtVerifier) -> None:
    account = {"clientEmail": demo.FIREBASE_ACCOUNT, "privateKey": context.keys.private_pem("firebase")}
    made = context.node.ask("firebase-sign.mjs", {**account, "uid": "alice-uid", "claims": {"role": "editor"}})
    check_token(context, verifier, made["token"])


def check_alice(context: Context, verifier: JwtVerifier) -> None:
    claims = check_token(context, verifier, issued(context, "auth0|alice"))
    expect_equal("uid", claims["uid"], demo.ALICE_FIREBASE["uid"])
    expect_equal("developer claims", claims.get("claims"), {"role": demo.ALICE_FIREBASE["role"]})


def check_bob(context: Context) -> None:
    token = issued(context, "auth0|bob")
    expect_equal("the kid", jwt.get_unverified_header(token).get("kid"), demo.FIREBASE_KID)
    claims = accepted_claims(context, jwt_verifiers(context.node)[0], token)
    expect_equal("uid", claims["uid"], "auth0|bob")
    expect_equal("developer claims", claims.get("claims", {}), {})


def check_longest_uid(context: Context) -> None:
    longest = subject.fresh_user().ljust(UID_CHARACTERS_MAX, "x")
    claims = accepted_claims(context, jwt_verifiers(context.node)[0], issued(context, longest))
    expect_equal("uid", claims["uid"], longest)
    response = context.server.exchange("spa", subject.for_client("spa", longest + "x"), api_type="firebase")
    if response.status == 200:
        raise Mismatch("a token with a uid of 129 characters was issued")


def check_token(context: Context, verifier: JwtVerifier, token: str) -> dict[str, Any]:
    """The token's claims, if it is accepted and all its tampered variants are refused."""
    claims = accepted_claims(context, verifier, token)
    for what, tampered in tampered_variants(context, token, claims):
        who = f"{verifier.name} with the rules"
        expect_refused(who, f"a token {what}", partial(verify, context, verifier, tampered))
    return claims


def accepted_claims(context: Context, verifier: JwtVerifier, token: str) -> dict[str, Any]:
    return expect_accepted(f"{verifier.name} with the rules", "the token", partial(verify, context, verifier, token))


def verify(context: Context, verifier: JwtVerifier, token: str) -> dict[str, Any]:
    jwk = context.keys.public_jwk("firebase")
    return firebase_rules.verified_claims(verifier, token, demo.FIREBASE_ACCOUNT, jwk)


def issued(context: Context, user_id: str) -> str:
    body = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="firebase").issued("firebase")
    expect_equal("the response's members", set(body), {"token_type", "expires_in", "id_token"})
    expect_equal("expires_in", body["expires_in"], LIFETIME_SECONDS_MAX)
    return body["id_token"]


def tampered_variants(context: Context, token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    def signed(**changed: object) -> str:
        return subject.rs256(subject.with_changes(claims, **changed), context.keys.firebase, demo.FIREBASE_KID)

    now = int(time.time())
    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "uid": "root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed with HS256 and the public key", subject.hmac_signed(claims, context.keys.public_pem("firebase"))
    yield "signed by another key", subject.rs256(claims, context.keys.tenant, demo.FIREBASE_KID)
    yield "with a lifetime of a second too much", signed(exp=claims["iat"] + LIFETIME_SECONDS_MAX + 1)
    yield "that has expired", signed(iat=now - 3700, exp=now - 100)
    yield "that is issued in the future", signed(iat=now + 600, exp=now + 4200)
    yield "with a fractional exp", signed(exp=now + 600.5)
    yield "for another audience", signed(aud=AUDIENCE + "s")
    yield "for two audiences", signed(aud=[AUDIENCE, "other"])
    yield "of another issuer", signed(iss="other@example.com", sub="other@example.com")
    yield "whose sub is not its issuer", signed(sub="alice-uid")
    yield "with a uid of 129 characters", signed(uid="u" * (UID_CHARACTERS_MAX + 1))
    yield "with an empty uid", signed(uid="")
    yield "with a uid that is a number", signed(uid=7)
    yield "with one more top-level claim", signed(role="admin")
    yield "with developer claims in a list", signed(claims=["role"])
    yield "with 1001 characters of developer claims", signed(claims={"r": "x" * 993})
    for claim in ("iss", "sub", "aud", "iat", "exp", "uid"):
        yield f"without {claim}", signed(**{claim: None})
    for claim in sorted(RESERVED):
        yield f"with the reserved developer claim {claim}", signed(claims={claim: "x"})
