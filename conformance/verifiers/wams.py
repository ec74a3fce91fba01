"""Judge 8: tokens for Azure Mobile Services are read by Microsoft's original runtime, and say what they should."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt

import demo
import subject
from context import Context
from jwt_verifiers import Refused
from results import Case, Mismatch, expect_equal

ISSUER = "urn:microsoft:windows-azure:zumo"
HEADER = {"alg": "HS256", "typ": "JWT", "kid": "0"}
CLAIMS = {"iss", "aud", "uid", "ver", "exp"}


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "wams/reference",
        "the runtime reads the token that it makes itself and refuses its tampered neighbours",
        partial(reference_holds, context),
    )
    yield Case(
        "wams/token",
        "the runtime and the rules accept the token and refuse its tampered neighbours",
        partial(token_holds, context),
    )


def signing_key(master_key: str) -> bytes:
    return hashlib.sha256(f"{master_key}JWTSig".encode()).digest()


def reference_holds(context: Context) -> None:
    now = int(time.time())
    claims = {"exp": now + 600, "iss": ISSUER, "ver": 2, "aud": "Custom", "uid": "Custom:auth0|alice"}
    question = {"make": claims, "header": HEADER, "masterKey": demo.MOBILE_MASTER_KEY}
    token = context.node.ask("wams-runtime.mjs", question)["token"]
    runtime_bites(context, token, "auth0|alice")


def token_holds(context: Context) -> None:
    user_id = subject.fresh_user()
    body = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="wams").issued("wams")
    expect_equal("the answer's members", set(body), {"token_type", "expires_in", "id_token"})
    claims = runtime_bites(context, body["id_token"], user_id)
    expect_equal("expires_in", body["expires_in"], claims["exp"] - claims["iat"])


def runtime_bites(context: Context, token: str, user_id: str) -> dict[str, Any]:
    try:
        claims = proves(context, token, user_id)
    except Refused as refusal:
        raise Mismatch(f"the runtime or the rules refuse the token: {refusal}") from refusal
    for what, tampered in tampered_variants(token, claims):
        try:
            proves(context, tampered, user_id)
        except Refused:
            continue
        raise Mismatch(f"the runtime and the rules accept a token {what}")
    return claims


def proves(context: Context, token: str, user_id: str) -> dict[str, Any]:
    answer = context.node.ask("wams-runtime.mjs", {"read": token, "masterKey": demo.MOBILE_MASTER_KEY})
    if "refused" in answer:
        raise Refused(answer["refused"])
    claims = answer["claims"]
    header = jwt.get_unverified_header(token)
    rule(header == HEADER, f"the header is {header}")
    rule(set(claims) - {"iat"} == CLAIMS, f"the claims are {sorted(claims)}")
    rule(claims["iss"] == ISSUER, f"iss is {claims['iss']}")
    rule(
        claims["aud"] == "Custom" and claims["uid"] == f"Custom:{user_id}", f"uid is {claims['uid']} of {claims['aud']}"
    )
    rule(claims["ver"] == 2 and type(claims["exp"]) is int, "ver or exp is not the number it should be")
    return claims


def tampered_variants(token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    key = signing_key(demo.MOBILE_MASTER_KEY)

    def signed(secret: bytes = key, **changed: object) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode(kept, secret, "HS256", headers={"kid": "0"})

    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "uid": "Custom:root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed with the master key itself", signed(demo.MOBILE_MASTER_KEY.encode())
    yield "signed for another service", signed(signing_key("another-master-key"))
    yield "that has expired", signed(exp=int(time.time()) - 60)
    yield "without exp", signed(exp=None)
    yield "of the future", signed(iat=int(time.time()) + 900)
    yield "of another issuer", signed(iss="urn:other")
    yield "of another provider", signed(aud="Facebook")
    yield "of another user", signed(uid="Custom:root")
    yield "of version 1", signed(ver=1)
    yield "with one more claim", signed(role="admin")


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Refused(broken)
