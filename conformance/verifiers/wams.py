"""Verifies tokens for Azure Mobile Services with Microsoft's original runtime and rules for their content."""

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
from results import Case, expect_equal
from rules import expect_accepted, expect_refused, require

ISSUER = "urn:microsoft:windows-azure:zumo"
HEADER = {"alg": "HS256", "typ": "JWT", "kid": "0"}
CLAIMS = {"iss", "aud", "uid", "ver", "exp"}


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "wams/reference",
        "the runtime accepts the token that it makes itself and refuses its tampered variants",
        partial(check_reference, context),
    )
    yield Case(
        "wams/token",
        "the runtime and the rules accept the token and refuse its tampered variants",
        partial(check_issued_token, context),
    )


def signing_key(master_key: str) -> bytes:
    return hashlib.sha256(f"{master_key}JWTSig".encode()).digest()


def check_reference(context: Context) -> None:
    now = int(time.time())
    claims = {"exp": now + 600, "iss": ISSUER, "ver": 2, "aud": "Custom", "uid": "Custom:auth0|alice"}
    question = {"make": claims, "header": HEADER, "masterKey": demo.MOBILE_MASTER_KEY}
    token = context.node.ask("wams-runtime.mjs", question)["token"]
    check_token(context, token, "auth0|alice")


def check_issued_token(context: Context) -> None:
    user_id = subject.fresh_user()
    body = context.server.exchange("spa", subject.for_client("spa", user_id), api_type="wams").issued("wams")
    expect_equal("the response's members", set(body), {"token_type", "expires_in", "id_token"})
    claims = check_token(context, body["id_token"], user_id)
    expect_equal("expires_in", body["expires_in"], claims["exp"] - claims["iat"])


def check_token(context: Context, token: str, user_id: str) -> dict[str, Any]:
    """The token's claims, if it is accepted and all its tampered variants are refused."""
    who = "the runtime with the rules"
    claims = expect_accepted(who, "the token", lambda: verified_claims(context, token, user_id))
    for what, tampered in tampered_variants(token, claims):
        expect_refused(who, f"a token {what}", partial(verified_claims, context, tampered, user_id))
    return claims


def verified_claims(context: Context, token: str, user_id: str) -> dict[str, Any]:
    question = {"read": token, "masterKey": demo.MOBILE_MASTER_KEY}
    claims = context.node.verify("wams-runtime.mjs", question)["claims"]
    header = jwt.get_unverified_header(token)
    require(header == HEADER, f"the header is {header}")
    require(set(claims) - {"iat"} == CLAIMS, f"the claims are {sorted(claims)}")
    require(claims["iss"] == ISSUER, f"iss is {claims['iss']}")
    require(claims["aud"] == "Custom", f"aud is {claims['aud']}")
    require(claims["uid"] == f"Custom:{user_id}", f"uid is {claims['uid']}")
    require(claims["ver"] == 2, f"ver is {claims['ver']}")
    require(type(claims["exp"]) is int, f"exp is {claims['exp']}")
    return claims


def tampered_variants(token: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    key = signing_key(demo.MOBILE_MASTER_KEY)

    def signed(secret: bytes = key, **changed: object) -> str:
        return jwt.encode(subject.with_changes(claims, **changed), secret, "HS256", headers={"kid": "0"})

    yield "with a flipped signature", subject.with_flipped_signature(token)
    yield "with a changed payload", subject.with_payload(token, {**claims, "uid": "Custom:root"})
    yield "without a signature", subject.unsigned(claims)
    yield "signed with the master key itself", signed(demo.MOBILE_MASTER_KEY.encode())
    yield "signed for another service", signed(signing_key("another-master-key"))
    yield "that has expired", signed(exp=int(time.time()) - 60)
    yield "without exp", signed(exp=None)
    yield "that is issued in the future", signed(iat=int(time.time()) + 900)
    yield "of another issuer", signed(iss="urn:other")
    yield "of another provider", signed(aud="Facebook")
    yield "of another user", signed(uid="Custom:root")
    yield "of version 1", signed(ver=1)
    yield "with one more claim", signed(role="admin")
