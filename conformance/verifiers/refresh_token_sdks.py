"""Verifies that Auth0's own clients, auth0-python and the npm package auth0, use and revoke refresh tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from auth0.authentication import Delegated, GetToken, RevokeToken
from auth0.authentication.exceptions import Auth0Error

import demo
import refresh_token_requests
import subject
from app_tokens import receiver
from context import Context
from jwt_verifiers import jwt_verifiers, verified_claims
from locum_server import GRANT_TYPE
from oauth_clients import OAuthClient, Refused
from results import Case, Mismatch, expect_equal

CONFIDENTIAL, PUBLIC = demo.REFRESHING_CONFIDENTIAL_CLIENT, demo.REFRESHING_PUBLIC_CLIENT
SECRET = demo.SECRETS[CONFIDENTIAL].decode("ascii")


def cases(context: Context) -> Iterator[Case]:
    for name, sdk in (("auth0-python", PythonSdk(context)), ("node-auth0", NodeSdk(context))):
        yield Case(
            f"refresh_tokens/{name}-grant",
            "its refresh grant gives an app token that verifies; a replaced token and a wrong secret are its errors",
            partial(check_grant, context, sdk),
        )
        yield Case(
            f"refresh_tokens/{name}-revoke",
            "a token that it revokes is refused; with a wrong secret it revokes nothing",
            partial(check_revoke, context, sdk),
        )
    yield Case(
        "refresh_tokens/auth0-python-delegated",
        "Delegated.get_token takes a refresh token, again and again, of the client itself only",
        partial(check_delegated, context),
    )


class PythonSdk:
    def __init__(self, context: Context) -> None:
        parts = urlsplit(context.server.base_url)
        self.client = {"domain": parts.netloc, "client_id": CONFIDENTIAL, "protocol": parts.scheme}

    def refresh(self, token: str, secret: str) -> dict[str, Any]:
        return answered(lambda: GetToken(client_secret=secret, **self.client).refresh_token(token))

    def revoke(self, token: str, secret: str) -> None:
        answered(lambda: RevokeToken(client_secret=secret, **self.client).revoke_refresh_token(token))


class NodeSdk:
    def __init__(self, context: Context) -> None:
        self.context = context

    def refresh(self, token: str, secret: str) -> dict[str, Any]:
        return self.send("refreshTokenGrant", {"refresh_token": token}, secret)

    def revoke(self, token: str, secret: str) -> None:
        self.send("revokeRefreshToken", {"token": token}, secret)

    def send(self, method: str, parameters: dict[str, str], secret: str) -> Any:
        return sent_by_node_auth0(self.context, CONFIDENTIAL, {"secret": secret}, method, parameters)


def sent_by_node_auth0(
    context: Context, client_id: str, credential: dict[str, str], method: str, parameters: dict[str, str] | str
) -> Any:
    """What the npm package auth0 returns; `Refused` for its error."""
    question = {
        "method": method,
        "domain": urlsplit(demo.ISSUER).netloc,
        "baseUrl": context.server.base_url,
        "clientId": client_id,
        "parameters": parameters,
        **credential,
    }
    found = context.node.ask("auth0-client.mjs", question)
    if "code" in found:
        raise Refused(found["code"], found["status"])
    return found["answer"]


def check_grant(context: Context, sdk: PythonSdk | NodeSdk) -> None:
    user_id = subject.fresh_user()
    token = issued(context, CONFIDENTIAL, user_id)
    expect_error(partial(sdk.refresh, token, "wrong"), 401, "invalid_client")
    answer = sdk.refresh(token, SECRET)
    claims = refresh_token_requests.verified(context, CONFIDENTIAL, answer["access_token"])
    found = {name: claims.get(name) for name in ("sub", "azp", "scope")}
    expect_equal("the claims", found, {"sub": user_id, "azp": CONFIDENTIAL, "scope": refresh_token_requests.SCOPE})
    second = refresh_token_requests.successor(answer, token)
    following = refresh_token_requests.successor(sdk.refresh(second, SECRET), second)
    expect_error(partial(sdk.refresh, token, SECRET), 400, "invalid_grant")
    expect_error(partial(sdk.refresh, following, SECRET), 400, "invalid_grant")


def check_revoke(context: Context, sdk: PythonSdk | NodeSdk) -> None:
    token = issued(context, CONFIDENTIAL, subject.fresh_user())
    expect_error(partial(sdk.revoke, token, "wrong"), 401, "invalid_client")
    token = refresh_token_requests.successor(sdk.refresh(token, SECRET), token)
    sdk.revoke(token, SECRET)
    expect_error(partial(sdk.refresh, token, SECRET), 400, "invalid_grant")


def check_delegated(context: Context) -> None:
    user_id = subject.fresh_user()
    token = issued(context, PUBLIC, user_id)
    for _ in range(2):
        body = delegated(context, PUBLIC, token)
        claims = verified_claims(jwt_verifiers(context.node)[0], body["id_token"], receiver(context, "orders-api"))
        expect_equal("sub and azp", (claims["sub"], claims["azp"]), (user_id, PUBLIC))
    expect_error(partial(delegated, context, "spa", token), 400, "invalid_grant")
    changed = refresh_token_requests.with_other_last_character(token)
    expect_error(partial(delegated, context, PUBLIC, changed), 400, "invalid_grant")


def delegated(context: Context, client_id: str, token: str) -> dict[str, Any]:
    parts = urlsplit(context.server.base_url)
    client = Delegated(parts.netloc, client_id, protocol=parts.scheme)
    return answered(lambda: client.get_token("orders-api", "app", GRANT_TYPE, refresh_token=token))


def answered(request: Callable[[], Any]) -> Any:
    """What auth0-python returns; `Refused` for its error."""
    try:
        return request()
    except Auth0Error as error:
        raise Refused(error.error_code, error.status_code) from error


def issued(context: Context, client_id: str, user_id: str) -> str:
    method = "none" if client_id == PUBLIC else "client_secret_post"
    return refresh_token_requests.issued(OAuthClient(context, "authlib", client_id, method), user_id)


def expect_error(request: Callable[[], Any], status: int, code: str) -> None:
    try:
        request()
    except Refused as refused:
        expect_equal("the client's error", (refused.status, refused.code), (status, code))
        return
    raise Mismatch(f"the client's request succeeded, expected {status} {code}")
