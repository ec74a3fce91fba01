"""Verifies that clients read a user's profile at `/userinfo` and `/tokeninfo`, and no more of it than they may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from auth0.authentication import Users

import demo
import refresh_token_sdks
import subject
from context import Context
from oauth_clients import LIBRARIES, OAuthClient, Refused
from results import Case, Mismatch, expect_equal

CLIENT, TARGET = "spa", demo.CONFIDENTIAL_CLIENT
TOLD = {
    **demo.BOB_PROFILE,
    **demo.BOB_EMAIL,
    "user_id": demo.BOB,
    "identities": [demo.BOB_IDENTITY],
}


def cases(context: Context) -> Iterator[Case]:
    read: dict[str, Callable[[str], dict[str, Any]]] = {
        library: partial(by_library, context, library) for library in LIBRARIES
    }
    read |= {"auth0-python": partial(by_auth0_python, context), "node-auth0": partial(by_node_auth0, context)}
    for name, read_profile in read.items():
        yield Case(
            f"profiles/{name}",
            "an app token with `profile` and `email` tells the profile; one whose signature changed, nothing",
            partial(check_user_info, context, read_profile),
        )
    yield Case(
        "profiles/scope",
        "an app token tells what its scope says, and without one what is in it",
        partial(check_scope, context),
    )
    yield Case(
        "profiles/tokeninfo",
        "an id_token of a form, of JSON or of the query tells the profile; one that is not valid, nothing",
        partial(check_token_info, context),
    )


def check_user_info(context: Context, read_profile: Callable[[str], dict[str, Any]]) -> None:
    token = app_token(context, "openid profile email")
    expect_equal("the profile", read_profile(token), {**TOLD, "sub": demo.BOB, "clientID": TARGET})
    try:
        read_profile(subject.with_flipped_signature(token))
    except Refused:
        return
    raise Mismatch("a token with another signature tells a profile")


def check_scope(context: Context) -> None:
    client = OAuthClient(context, "authlib", CLIENT, "none")
    only_email = client.user_info(app_token(context, "openid email"), demo.BOB)
    expect_equal("the profile by `openid email`", only_email, {**demo.BOB_EMAIL, "sub": demo.BOB})
    id_token = subject.for_client(CLIENT, demo.BOB, name="Robert")
    body = context.server.exchange(CLIENT, id_token, target=TARGET, api_type="app", scope="openid name").issued("app")
    without_scope = client.user_info(body["id_token"], demo.BOB)
    expected = {"sub": demo.BOB, "name": "Robert", "user_id": demo.BOB, "clientID": TARGET}
    expect_equal("the profile without a scope", without_scope, expected)


def check_token_info(context: Context) -> None:
    server = context.server
    token = subject.for_client(CLIENT, demo.BOB)
    ways = {
        "a form": partial(server.post_form, "/tokeninfo"),
        "JSON": partial(server.post, "/tokeninfo"),
        "the query": lambda parameters: server.get(f"/tokeninfo?{urlencode(parameters)}"),
    }
    for name, ask in ways.items():
        response = ask({"id_token": token})
        expect_equal(f"the status by {name}", response.status, 200)
        expect_equal(f"the profile by {name}", response.body, {**TOLD, "clientID": CLIENT})
        expired = subject.for_client(CLIENT, demo.BOB, exp=1_700_000_000)
        for invalid in (subject.with_flipped_signature(token), expired, "opaque"):
            ask({"id_token": invalid}).expect_error(401, "invalid_token")
        ask({"id_token": subject.for_client(CLIENT, demo.BLOCKED_USER)}).expect_error(401, "unauthorized")


def app_token(context: Context, scope: str) -> str:
    """One about Bob for the target, at the request of the client."""
    id_token = subject.for_client(CLIENT, demo.BOB)
    client = OAuthClient(context, "authlib", CLIENT, "none")
    return client.exchange(subject_token=id_token, audience=TARGET, scope=scope)["access_token"]


def by_library(context: Context, library: str, token: str) -> dict[str, Any]:
    return OAuthClient(context, library, CLIENT, "none").user_info(token, demo.BOB)


def by_auth0_python(context: Context, token: str) -> dict[str, Any]:
    parts = urlsplit(context.server.base_url)
    return refresh_token_sdks.answered(lambda: Users(parts.netloc, protocol=parts.scheme).userinfo(token))


def by_node_auth0(context: Context, token: str) -> dict[str, Any]:
    return refresh_token_sdks.sent_by_node_auth0(context, CLIENT, {}, "getUserInfo", token)
