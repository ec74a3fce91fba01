"""Judge 3: Firebase custom tokens obey Google's rules, by the script that also judges firebase-admin's own."""

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
from jwt_verifiers import JwtVerifier, Refused, jwt_verifiers
from results import Case, Mismatch, expect_equal


def cases(context: Context) -> Iterator[Case]:
    for verifier in jwt_verifiers(context.node):
        yield Case(
            f"firebase/reference-{verifier.name}",
            "the rules accept firebase-admin's own token and refuse its tampered neighbours",
            partial(reference_holds, context, verifier),
        )
        yield Case(
            f"firebase/stored-uid-{verifier.name}",
            "alice's token carries her stored uid and developer claims; its tampered neighbours are refused",
            partial(alice_holds, context, verifier),
        )
    yield Case(
        "firebase/default-uid",
        "a user without firebase_data gets the user id and no developer claims",
        partial(bob_holds, context),
    )
    yield Case(
        "firebase/longest-uid",
        "a user id of 128 characters is issued, one of 129 is not",
        partial(uid_is_limited, context),
    )


def reference_holds(context: Context, verifier: JwtVerifier) -> None:
    account = {"clientEmail": demo.FIREBASE_ACCOUNT, "privateKey": context.keys.private_pem("firebase")}
    made = context.node.ask("firebase-sign.mjs", {**account, "uid": "alice-uid", "claims": {"role": "editor"}})
    rules_bite(context, verifier, made["token"])


def alice_holds(context: Context, verifier: JwtVerifier) -> None:
    claims = rules_bite(context, verifier, issued(context, "auth0|alice"))
    expect_equal("uid", claims["uid"], demo.ALICE_FIREBASE["uid"])
    expect_equal("developer claims", claims.get("claims"), {"role": demo.ALICE_FIREBASE["role"]})


def bob_holds(context: Context) -> None:
    token = issued(context, "auth0|bob")
    expect_equal("the kid", jwt.get_unverified_header(token).get("kid"), demo.FIREBASE_KID)
    claims = accepted(jwt_verifiers(context.node)[0], token, context)
    expect_equal("uid", claims["uid"], "auth0|bob")
    expect_equal("developer claims", claims.get("claims", {}), {})


def uid_is_limited(context: Context) -> None:
    longest = subject.fresh_user().ljust(UID_CHARACTERS_MAX, "x")
    expect_equal("uid", accepted(jwt_verifiers(context.node)[0], issued(context, longest), context)["uid"], longest)
    answer = context.server.exchange("spa", subject.for_client("spa", longest + "x"), api_type="firebase")
    if answer.status == 200:
        raise Mismatch("a token with a uid of 129 characters was issued")


def rules_bite(context: Context, verifier: JwtVerifier, token: str) -> dict[str, Any]:
    """The token's claims, if it is accepted and every tampered neighbour of it is refused."""
    claims = accepted(verifier, token, context)
    for what, tampered in tampered_variants(context, token, claims):
        try:
            firebase_rules.proves(verifier, tampered, demo.FIREBASE_ACCOUNT, context.keys.public_jwk("firebase"))
        except Refused:
            continue
        raise Mismatch(f"{verifier.name} and the rules accept a token {what}")
    return claims


def accepted(verifier: JwtVerifier, token: str, context: Context) -> dict[str, Any]:
    try:
        return firebase_rules.proves(verifier, token, demo.FIREBASE_ACCOUNT, context.keys.public_jwk("firebase"))
    except Refused as refusal:
        raise Mismatch(f"{verifier.name} or the rules refuse the token: {refusal}") from refusal


def issued(context: Context, user_id: str) -> str:
    answer = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="firebase").issued("firebase")
    expect_equal("the answer's members", set(answer), {"token_type", "expires_in", "id_token"})
    expect_equal("expires_in", answer["expires_in"], LIFETIME_SECONDS_MAX)
    return answer["id_token"]


def tampered_variants(context: Context, token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    def signed(**changed: object) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return subject.rs256(kept, context.keys.firebase, demo.FIREBASE_KID)

    now = int(time.time())
    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "uid": "root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed with HS256 and the public key", subject.hmac_signed(claims, context.keys.public_pem("firebase"))
    yield "signed by another key", subject.rs256(claims, context.keys.tenant, demo.FIREBASE_KID)
    yield "that lives for a second too long", signed(exp=claims["iat"] + LIFETIME_SECONDS_MAX + 1)
    yield "that has expired", signed(iat=now - 3700, exp=now - 100)
    yield "of the future", signed(iat=now + 600, exp=now + 4200)
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
