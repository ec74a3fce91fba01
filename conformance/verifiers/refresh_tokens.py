"""Verifies that OAuth client libraries get, use, revoke and ask about refresh tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import demo
import refresh_token_sdks
import subject
from context import Context
from oauth_clients import LIBRARIES, OAuthClient, expect_refused
from refresh_token_requests import SCOPE, issue, issued, subject_token, successor, verified, with_other_last_character
from results import Case, expect_equal

CONFIDENTIAL, PUBLIC = demo.REFRESHING_CONFIDENTIAL_CLIENT, demo.REFRESHING_PUBLIC_CLIENT
# A client that authenticates and has no part in any token of this group.
OTHER = demo.CONFIDENTIAL_CLIENT
METHODS = {"basic": (CONFIDENTIAL, "client_secret_basic"), "post": (CONFIDENTIAL, "client_secret_post")}
METHODS["public"] = (PUBLIC, "none")


def cases(context: Context) -> Iterator[Case]:
    for library in LIBRARIES:
        for name, (client_id, method) in METHODS.items():
            client = OAuthClient(context, library, client_id, method)
            prefix = f"refresh_tokens/{library}-{name}"
            yield Case(
                f"{prefix}-grant",
                "a refresh token gives app tokens that verify, and a successor; a wider scope is refused",
                partial(check_grant, client),
            )
            yield Case(
                f"{prefix}-issue",
                "one is issued with offline_access, for the client itself; another client cannot use it",
                partial(check_issue, client),
            )
            yield Case(
                f"{prefix}-reuse",
                "a token that was replaced is refused, and its successor from then on",
                partial(check_reuse, client),
            )
            yield Case(
                f"{prefix}-revocation",
                "a token that was revoked is refused; one that another client revokes, or a wrong secret, is not",
                partial(check_public_revocation if method == "none" else check_revocation, client),
            )
            yield Case(
                f"{prefix}-introspection",
                "a client that authenticates is told about its tokens, and no other",
                partial(check_public_introspection if method == "none" else check_introspection, client),
            )
    yield from refresh_token_sdks.cases(context)


def check_grant(client: OAuthClient) -> None:
    user_id = subject.fresh_user()
    first = issued(client, user_id)
    answer = client.refresh(first)
    expect_app_token(client, answer, user_id, SCOPE)
    second = successor(answer, first)
    expect_refused(partial(client.refresh, second, scope="openid profile email"), "invalid_scope")
    narrowed = client.refresh(second, scope="openid")
    expect_app_token(client, narrowed, user_id, "openid")
    # RFC 6749 section 6: the scope of the refresh token stays as it was.
    third = successor(narrowed, second)
    expect_app_token(client, client.refresh(third), user_id, SCOPE)


def check_issue(client: OAuthClient) -> None:
    request = partial(issue, client, subject.fresh_user())
    expect_refused(partial(request, scope="openid profile"), "invalid_target")
    expect_refused(partial(request, audience="reports-api"), "invalid_target")
    token = issued(client, subject.fresh_user())
    client_id = CONFIDENTIAL if client.client_id == PUBLIC else PUBLIC
    method = "none" if client_id == PUBLIC else "client_secret_post"
    expect_refused(partial(client.changed(client_id=client_id, method=method).refresh, token), "invalid_grant")
    expect_refused(partial(client.refresh, with_other_last_character(token)), "invalid_grant")
    if client.method != "none":
        expect_refused(partial(client.changed(secret="wrong").refresh, token), client.wrong_secret_code())
        expect_refused(partial(client.changed(method="none").refresh, token), "invalid_client")
    client.refresh(token)


def check_reuse(client: OAuthClient) -> None:
    first = issued(client, subject.fresh_user())
    second = successor(client.refresh(first), first)
    third = successor(client.refresh(second), second)
    expect_refused(partial(client.refresh, first), "invalid_grant")
    expect_refused(partial(client.refresh, third), "invalid_grant")


def check_revocation(client: OAuthClient) -> None:
    token, other = issued(client, subject.fresh_user()), issued(client, subject.fresh_user())
    expect_refused(partial(client.changed(secret="wrong").revoke, token), client.wrong_secret_code())
    expect_refused(partial(client.changed(method="none").revoke, token), "invalid_client")
    successor_of_token = successor(client.refresh(token), token)
    expect_active(client, successor_of_token)
    client.revoke(successor_of_token)
    expect_refused(partial(client.refresh, successor_of_token), "invalid_grant")
    expect_equal("the answer for a revoked token", client.introspect(successor_of_token), {"active": False})
    client.refresh(other)


def check_public_revocation(client: OAuthClient) -> None:
    token = issued(client, subject.fresh_user())
    of_another = client.changed(client_id=CONFIDENTIAL, method="client_secret_post")
    kept = issued(of_another, subject.fresh_user())
    client.revoke(kept)
    of_another.refresh(kept)
    client.revoke(token)
    expect_refused(partial(client.refresh, token), "invalid_grant")


def check_introspection(client: OAuthClient) -> None:
    user_id = subject.fresh_user()
    # Another client asked for it, so this client is told about it as its audience.
    public = client.changed(client_id=PUBLIC, method="none")
    id_token = subject_token(client.context, PUBLIC, user_id)
    app_token = public.exchange(subject_token=id_token, audience=CONFIDENTIAL, scope="openid profile")["access_token"]
    claims = verified(client.context, CONFIDENTIAL, app_token)
    answer = client.introspect(app_token)
    found = {name: answer.get(name) for name in ("active", "sub", "aud", "client_id", "scope", "exp")}
    stated = {"sub": user_id, "aud": CONFIDENTIAL, "client_id": PUBLIC, "scope": "openid profile", "exp": claims["exp"]}
    expect_equal("the answer for an app token", found, {"active": True, **stated})
    token = issued(client, user_id)
    expect_active(client, token)
    other = client.changed(client_id=OTHER)
    for what, one in (("an app token", app_token), ("a refresh token", token)):
        expect_equal(f"the answer for {what} of another client", other.introspect(one), {"active": False})
        expect_refused(partial(client.changed(secret="wrong").introspect, one), client.wrong_secret_code())
    requested = client.exchange(subject_token=subject_token(client.context, CONFIDENTIAL, user_id), audience=OTHER)
    for one in (client, other):
        answer = one.introspect(requested["access_token"])
        expect_equal("active, for the client that requested it and for its audience", answer["active"], True)
    changed = subject.with_flipped_signature(app_token)
    expect_equal("the answer for another signature", client.introspect(changed), {"active": False})
    replaced = successor(client.refresh(token), token)
    expect_equal("the answer for a replaced token", client.introspect(token), {"active": False})
    # To ask about a token that was replaced is no use of it.
    client.refresh(replaced)


def check_public_introspection(client: OAuthClient) -> None:
    token = issued(client, subject.fresh_user())
    answer = client.refresh(token)
    for one in (answer["access_token"], successor(answer, token)):
        expect_refused(partial(client.introspect, one), "invalid_client")


def expect_app_token(client: OAuthClient, answer: dict[str, Any], user_id: str, scope: str) -> None:
    claims = verified(client.context, client.client_id, answer["access_token"])
    found = {name: claims.get(name) for name in ("sub", "azp", "scope")}
    expect_equal("the claims", found, {"sub": user_id, "azp": client.client_id, "scope": scope})
    expect_equal("token_type", answer["token_type"].lower(), "bearer")
    expect_equal("expires_in", answer["expires_in"], claims["exp"] - claims["iat"])


def expect_active(client: OAuthClient, token: str) -> None:
    answer = client.introspect(token)
    found = (answer["active"], answer.get("client_id"))
    expect_equal("active and client_id of a refresh token", found, (True, client.client_id))
