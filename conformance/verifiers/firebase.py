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
from context import Bench
from firebase_rules import AUDIENCE, LIFETIME_SECONDS_MAX, RESERVED, UID_CHARACTERS_MAX
from jwt_verifiers import Judge, Refused, judges
from results import Case, Difference, expect_equal


def cases(bench: Bench) -> Iterator[Case]:
    for judge in judges(bench.node):
        yield Case(
            f"firebase/reference-{judge.name}",
            "the rules accept firebase-admin's own token and refuse its spoilt neighbours",
            partial(reference_holds, bench, judge),
        )
        yield Case(
            f"firebase/stored-uid-{judge.name}",
            "alice's token carries her stored uid and developer claims; its spoilt neighbours are refused",
            partial(alice_holds, bench, judge),
        )
    yield Case(
        "firebase/default-uid",
        "a user without firebase_data gets the user id and no developer claims",
        partial(bob_holds, bench),
    )
    yield Case(
        "firebase/longest-uid",
        "a user id of 128 characters is issued, one of 129 is not",
        partial(uid_is_limited, bench),
    )


def reference_holds(bench: Bench, judge: Judge) -> None:
    account = {"clientEmail": demo.FIREBASE_ACCOUNT, "privateKey": bench.keys.private_pem("firebase")}
    made = bench.node.ask("firebase-sign.mjs", {**account, "uid": "alice-uid", "claims": {"role": "editor"}})
    rules_bite(bench, judge, made["token"])


def alice_holds(bench: Bench, judge: Judge) -> None:
    claims = rules_bite(bench, judge, issued(bench, "auth0|alice"))
    expect_equal("uid", claims["uid"], demo.ALICE_FIREBASE["uid"])
    expect_equal("developer claims", claims.get("claims"), {"role": demo.ALICE_FIREBASE["role"]})


def bob_holds(bench: Bench) -> None:
    token = issued(bench, "auth0|bob")
    expect_equal("the kid", jwt.get_unverified_header(token).get("kid"), demo.FIREBASE_KID)
    claims = accepted(judges(bench.node)[0], token, bench)
    expect_equal("uid", claims["uid"], "auth0|bob")
    expect_equal("developer claims", claims.get("claims", {}), {})


def uid_is_limited(bench: Bench) -> None:
    longest = subject.fresh_user().ljust(UID_CHARACTERS_MAX, "x")
    expect_equal("uid", accepted(judges(bench.node)[0], issued(bench, longest), bench)["uid"], longest)
    answer = bench.server.exchange("spa", subject.for_client("spa", longest + "x"), api_type="firebase")
    if answer.status == 200:
        raise Difference("a token with a uid of 129 characters was issued")


def rules_bite(bench: Bench, judge: Judge, token: str) -> dict[str, Any]:
    """The token's claims, if it is accepted and every spoilt neighbour of it is refused."""
    claims = accepted(judge, token, bench)
    for what, spoilt in neighbours(bench, token, claims):
        try:
            firebase_rules.proves(judge, spoilt, demo.FIREBASE_ACCOUNT, bench.keys.public_jwk("firebase"))
        except Refused:
            continue
        raise Difference(f"{judge.name} and the rules accept a token {what}")
    return claims


def accepted(judge: Judge, token: str, bench: Bench) -> dict[str, Any]:
    try:
        return firebase_rules.proves(judge, token, demo.FIREBASE_ACCOUNT, bench.keys.public_jwk("firebase"))
    except Refused as refusal:
        raise Difference(f"{judge.name} or the rules refuse the token: {refusal}") from refusal


def issued(bench: Bench, user_id: str) -> str:
    answer = bench.server.exchange("spa", subject.for_client("spa", user_id), api_type="firebase").issued("firebase")
    expect_equal("the answer's members", set(answer), {"token_type", "expires_in", "id_token"})
    expect_equal("expires_in", answer["expires_in"], LIFETIME_SECONDS_MAX)
    return answer["id_token"]


def neighbours(bench: Bench, token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    def signed(**changed: object) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return subject.rs256(kept, bench.keys.firebase, demo.FIREBASE_KID)

    now = int(time.time())
    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "uid": "root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed with HS256 and the public key", subject.hmac_signed(claims, bench.keys.public_pem("firebase"))
    yield "signed by another key", subject.rs256(claims, bench.keys.tenant, demo.FIREBASE_KID)
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
