"""Verifies that clients authenticate by assertions that they sign, `private_key_jwt`, and by none that they did not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from auth0.authentication import GetToken

import demo
import refresh_token_sdks
import subject
from context import Context
from locum_server import Response
from oauth_clients import LIBRARIES, OAuthClient, Refused, expect_refused
from refresh_token_requests import SCOPE, issued, subject_token, successor, verified
from results import Case, Mismatch, expect_equal

CLIENT = demo.ASSERTING_CLIENT
METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_ENDPOINT = f"{demo.ISSUER}oauth/token"
# Of the demo tenant too, but not this client's.
OTHER_KEY = "firebase"


def cases(context: Context) -> Iterator[Case]:
    for library in LIBRARIES:
        yield Case(
            f"client_assertions/{library}",
            "a client that signs its assertions gets, uses, asks about and revokes tokens; with another key nothing",
            partial(check_library, OAuthClient(context, library, CLIENT, METHOD)),
        )
    for name, refresh in (("auth0-python", refreshed_by_auth0_python), ("node-auth0", refreshed_by_node_auth0)):
        yield Case(
            f"client_assertions/{name}",
            "its refresh grant works with the client's signing key, and with no other",
            partial(check_auth0, context, refresh),
        )
    yield Case(
        "client_assertions/once",
        "an assertion is accepted once, at whichever endpoint",
        partial(check_once, context),
    )
    for name, (changed, is_accepted) in CHANGES.items():
        outcome = "accepted" if is_accepted else "refused"
        yield Case(
            f"client_assertions/{name}",
            f"an assertion {name.replace('-', ' ')} is {outcome}",
            partial(check_changed, context, changed, is_accepted),
        )


# What is changed in an assertion that is accepted, and whether it still is.
CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "for-the-issuer": ({}, True),
    "for-the-token-endpoint": ({"aud": TOKEN_ENDPOINT}, True),
    "for-both": ({"aud": [demo.ISSUER, TOKEN_ENDPOINT]}, True),
    "for-another-server": ({"aud": "https://other.example/"}, False),
    "for-another-server-too": ({"aud": [demo.ISSUER, "https://other.example/"]}, False),
    "of-another-issuer": ({"iss": demo.CONFIDENTIAL_CLIENT}, False),
    "of-another-client": ({"sub": demo.CONFIDENTIAL_CLIENT}, False),
    "for-an-hour": ({"exp": 3600}, True),
    "for-two-hours": ({"exp": 7200}, False),
    "that-has-expired": ({"exp": -1}, False),
    "without-an-end": ({"exp": None}, False),
    "without-an-id": ({"jti": None}, False),
    "without-an-audience": ({"aud": None}, False),
    "without-iat": ({"iat": None}, True),
    "of-the-future": ({"nbf": 3000, "exp": 3600}, False),
}


def check_library(client: OAuthClient) -> None:
    user_id = subject.fresh_user()
    wrong = client.changed(secret=client.context.keys.private_pem(OTHER_KEY))
    parameters = {"subject_token": subject_token(client.context, CLIENT, user_id), "audience": CLIENT}
    expect_refused(partial(wrong.exchange, **parameters), "invalid_client")
    claims = verified(client.context, CLIENT, client.exchange(**parameters)["access_token"])
    expect_equal("sub and azp", (claims["sub"], claims["azp"]), (user_id, CLIENT))
    first = issued(client, user_id)
    expect_refused(partial(wrong.refresh, first), "invalid_client")
    expect_refused(partial(client.changed(method="none").refresh, first), "invalid_client")
    token = successor(client.refresh(first), first)
    expect_refused(partial(wrong.introspect, token), "invalid_client")
    answer = client.introspect(token)
    found = {name: answer.get(name) for name in ("active", "client_id", "scope")}
    expect_equal("the answer for a refresh token", found, {"active": True, "client_id": CLIENT, "scope": SCOPE})
    expect_refused(partial(wrong.revoke, token), "invalid_client")
    client.revoke(token)
    expect_refused(partial(client.refresh, token), "invalid_grant")


def check_auth0(context: Context, refresh: Any) -> None:
    user_id = subject.fresh_user()
    token = issued(OAuthClient(context, "authlib", CLIENT, METHOD), user_id)
    try:
        refresh(context, token, context.keys.private_pem(OTHER_KEY))
    except Refused as refused:
        expect_equal("the client's error", (refused.status, refused.code), (401, "invalid_client"))
    else:
        raise Mismatch("an assertion of another key is accepted")
    answer = refresh(context, token, context.keys.private_pem(CLIENT))
    expect_equal("sub", verified(context, CLIENT, answer["access_token"])["sub"], user_id)


def refreshed_by_auth0_python(context: Context, token: str, key: str) -> dict[str, Any]:
    domain = urlsplit(demo.ISSUER).netloc
    client = GetTokenElsewhere(domain, CLIENT, client_assertion_signing_key=key, client_assertion_signing_alg="RS256")
    client.base_url = context.server.base_url
    return refresh_token_sdks.answered(lambda: client.refresh_token(token))


class GetTokenElsewhere(GetToken):
    """Signs for the tenant's domain, as it does in production, and sends to the server under test."""

    base_url: str

    def authenticated_post(self, url: str, *arguments: Any, **options: Any) -> Any:
        return super().authenticated_post(url.replace(demo.ISSUER, f"{self.base_url}/"), *arguments, **options)


def refreshed_by_node_auth0(context: Context, token: str, key: str) -> dict[str, Any]:
    return refresh_token_sdks.sent_by_node_auth0(
        context, CLIENT, {"signingKey": key}, "refreshTokenGrant", {"refresh_token": token}
    )


def check_changed(context: Context, changed: dict[str, Any], is_accepted: bool) -> None:
    response = exchanged(context, assertion(context, **changed))
    if is_accepted:
        expect_equal("the status", response.status, 200)
    else:
        response.expect_error(401, "invalid_client")


def check_once(context: Context) -> None:
    presented = assertion(context)
    expect_equal("the status", exchanged(context, presented).status, 200)
    exchanged(context, presented).expect_error(401, "invalid_client")
    authentication = {"client_assertion": presented, "client_assertion_type": ASSERTION_TYPE}
    for path in ("/oauth/introspect", "/oauth/revoke"):
        request = {"token": "lrt_unknown", **authentication}
        context.server.post_form(path, request).expect_error(401, "invalid_client")
        request["client_assertion"] = assertion(context)
        expect_equal(f"the status of {path}", context.server.post_form(path, request).status, 200)


def assertion(context: Context, **changed: Any) -> str:
    """One that is accepted, but for what is changed; `exp` and `nbf` are seconds from now."""
    now = int(time.time())
    for name in ("exp", "nbf"):
        if changed.get(name) is not None:
            changed[name] += now
    valid = {"iss": CLIENT, "sub": CLIENT, "aud": demo.ISSUER, "iat": now, "exp": now + 60, "jti": uuid.uuid4().hex}
    return subject.rs256(subject.with_changes(valid, **changed), context.keys.private(CLIENT), kid=None)


def exchanged(context: Context, presented: str) -> Response:
    """The answer to a token exchange with this assertion and no `client_id`."""
    return context.server.post_form(
        "/oauth/token",
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": subject_token(context, CLIENT, subject.fresh_user()),
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "client_assertion": presented,
            "client_assertion_type": ASSERTION_TYPE,
        },
    )
