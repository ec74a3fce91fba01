"""Verifies that OAuth client libraries and Auth0's own get tokens of the Management API by `client_credentials`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import jwt
from auth0.authentication import GetToken

import demo
import refresh_token_sdks
from context import Context
from oauth_clients import LIBRARIES, TOKEN_EXCHANGE, TOKEN_TYPE, OAuthClient, expect_refused
from results import Case, Mismatch, expect_equal

CLIENT, PUBLIC = demo.MANAGING_CLIENT, demo.REFRESHING_PUBLIC_CLIENT
SCOPE = "read:clients"
LIFETIME_SECONDS = 86_400


def cases(context: Context) -> Iterator[Case]:
    for library in LIBRARIES:
        for method in ("client_secret_basic", "client_secret_post"):
            yield Case(
                f"management_tokens/{library}-{method}",
                "a client gets a token with scopes of its grant, and not with another secret, scope or audience",
                partial(check_library, OAuthClient(context, library, CLIENT, method)),
            )
        yield Case(
            f"management_tokens/{library}-public",
            "a client that does not authenticate gets none",
            partial(check_public, OAuthClient(context, library, PUBLIC, "none")),
        )
    for name, ask in (("auth0-python", asked_by_auth0_python), ("node-auth0", asked_by_node_auth0)):
        yield Case(
            f"management_tokens/{name}",
            "its client_credentials gives a token with the whole grant, and none with a wrong secret",
            partial(check_auth0, context, ask),
        )
    yield Case(
        "management_tokens/no-subject-token",
        "a management token cannot be exchanged",
        partial(check_no_subject_token, context),
    )


def check_library(client: OAuthClient) -> None:
    asked = {"audience": demo.MANAGEMENT_AUDIENCE, "scope": SCOPE}
    wrong = client.changed(secret="wrong")
    expect_refused(partial(wrong.client_credentials, **asked), wrong.wrong_secret_code())
    other = {**asked, "audience": "https://globex.example.com/api/v2/"}
    expect_refused(partial(client.client_credentials, **other), "invalid_target")
    wider = {**asked, "scope": f"{SCOPE} delete:clients"}
    expect_refused(partial(client.client_credentials, **wider), "invalid_scope")
    check_answer(client.client_credentials(**asked), SCOPE)


def check_public(client: OAuthClient) -> None:
    expect_refused(partial(client.client_credentials, audience=demo.MANAGEMENT_AUDIENCE), "unauthorized_client")


def check_auth0(context: Context, ask: Callable[[Context, str], dict[str, Any]]) -> None:
    secret = demo.SECRETS[CLIENT].decode("ascii")
    refresh_token_sdks.expect_error(partial(ask, context, "wrong"), 401, "invalid_client")
    check_answer(ask(context, secret), demo.MANAGEMENT_SCOPE)


def check_answer(answer: dict[str, Any], scope: str) -> None:
    found = {name: answer.get(name) for name in ("expires_in", "scope", "issued_token_type")}
    expect_equal(
        "the answer", found, {"expires_in": LIFETIME_SECONDS, "scope": scope, "issued_token_type": None}
    )
    expect_equal("the type", answer["token_type"].lower(), "bearer")
    claims = verified(answer["access_token"])
    found = {name: claims.get(name) for name in ("sub", "azp", "gty", "scope")}
    expected = {"sub": f"{CLIENT}@clients", "azp": CLIENT, "gty": "client-credentials", "scope": scope}
    expect_equal("the claims", found, expected)
    expect_equal("the lifetime", claims["exp"] - claims["iat"], LIFETIME_SECONDS)


def verified(token: str) -> dict[str, Any]:
    """The claims, by PyJWT and the tenant's management key."""
    options = {"require": ["iss", "sub", "aud", "exp", "iat", "jti"]}
    audience, issuer = demo.MANAGEMENT_AUDIENCE, demo.ISSUER
    try:
        return jwt.decode(token, demo.MANAGEMENT_KEY, ["HS256"], audience=audience, issuer=issuer, options=options)
    except jwt.PyJWTError as error:
        raise Mismatch(f"PyJWT refused the token: {error}") from error


def check_no_subject_token(context: Context) -> None:
    client = OAuthClient(context, "authlib", CLIENT, "client_secret_post")
    token = client.client_credentials(audience=demo.MANAGEMENT_AUDIENCE)["access_token"]
    for kind in ("id_token", "access_token", "jwt"):
        request = {
            "grant_type": TOKEN_EXCHANGE,
            "client_id": CLIENT,
            "client_secret": demo.SECRETS[CLIENT].decode("ascii"),
            "subject_token": token,
            "subject_token_type": f"{TOKEN_TYPE}{kind}",
        }
        context.server.post_form("/oauth/token", request).expect_error(400, "invalid_grant")


def asked_by_auth0_python(context: Context, secret: str) -> dict[str, Any]:
    parts = urlsplit(context.server.base_url)
    client = GetToken(parts.netloc, CLIENT, client_secret=secret, protocol=parts.scheme)
    return refresh_token_sdks.answered(lambda: client.client_credentials(demo.MANAGEMENT_AUDIENCE))


def asked_by_node_auth0(context: Context, secret: str) -> dict[str, Any]:
    return refresh_token_sdks.sent_by_node_auth0(
        context, CLIENT, {"secret": secret}, "clientCredentialsGrant", {"audience": demo.MANAGEMENT_AUDIENCE}
    )
