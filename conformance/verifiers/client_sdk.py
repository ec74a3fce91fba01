"""Verifies that auth0-python, Auth0's own client, understands the server's tokens and errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from auth0.authentication import Delegated
from auth0.authentication.exceptions import Auth0Error, RateLimitError

import rate_limit
import subject
from app_tokens import receiver
from context import Context
from jwt_verifiers import jwt_verifiers, verified_claims
from locum_server import GRANT_TYPE
from results import Case, Mismatch, expect_equal


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "client_sdk/auth0-python-token",
        "Delegated.get_token returns a token that verifies",
        partial(check_token, context),
    )
    yield Case(
        "client_sdk/auth0-python-error",
        "a refusal raises Auth0Error with status and code",
        partial(check_error, context),
    )
    yield Case(
        "client_sdk/auth0-python-rate-limit",
        "the eleventh call raises RateLimitError with the reset",
        partial(check_rate_limit, context),
    )


def client(context: Context) -> Delegated:
    parts = urlsplit(context.server.base_url)
    return Delegated(parts.netloc, "spa", protocol=parts.scheme)


def check_token(context: Context) -> None:
    body = client(context).get_token("orders-api", "app", GRANT_TYPE, id_token=subject.for_client("spa"))
    claims = verified_claims(jwt_verifiers(context.node)[0], body["id_token"], receiver(context, "orders-api"))
    expect_equal("azp", claims["azp"], "spa")


def check_error(context: Context) -> None:
    expired = subject.for_client("spa", exp=int(time.time()) - 600, iat=int(time.time()) - 900)
    try:
        client(context).get_token("orders-api", "app", GRANT_TYPE, id_token=expired)
    except Auth0Error as error:
        expect_equal("the client's error", (error.status_code, error.error_code), (400, "invalid_grant"))
        return
    raise Mismatch("the client got a token for an expired id_token")


def check_rate_limit(context: Context) -> None:
    token = subject.for_client("spa")
    for _ in range(rate_limit.SIZE):
        client(context).get_token("spa", "app", GRANT_TYPE, id_token=token)
    try:
        client(context).get_token("spa", "app", GRANT_TYPE, id_token=token)
    except RateLimitError as error:
        full_at = time.time() + rate_limit.SIZE * rate_limit.REFILL_SECONDS
        if abs(error.reset_at - full_at) > 30:
            raise Mismatch(f"the client received the reset {error.reset_at}, expected about {full_at:.0f}") from error
        return
    raise Mismatch("the client's eleventh call succeeded")
