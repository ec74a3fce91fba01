"""Judge 6: Auth0's own Python client gets its tokens and its errors from this server."""

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
from delegation import GRANT_TYPE
from jwt_verifiers import jwt_verifiers, proves
from results import Case, Mismatch, expect_equal


def cases(context: Context) -> Iterator[Case]:
    yield Case(
        "client_sdk/auth0-python-token",
        "Delegated.get_token answers a token that verifies",
        partial(token_arrives, context),
    )
    yield Case(
        "client_sdk/auth0-python-error",
        "a refusal arrives as Auth0Error with status and code",
        partial(error_arrives, context),
    )
    yield Case(
        "client_sdk/auth0-python-rate-limit",
        "the eleventh call raises RateLimitError with the reset",
        partial(limit_arrives, context),
    )


def client(context: Context) -> Delegated:
    parts = urlsplit(context.server.base_url)
    return Delegated(parts.netloc, "spa", protocol=parts.scheme)


def token_arrives(context: Context) -> None:
    answer = client(context).get_token("orders-api", "app", GRANT_TYPE, id_token=subject.for_client("spa"))
    claims = proves(jwt_verifiers(context.node)[0], answer["id_token"], receiver(context, "orders-api"))
    expect_equal("azp", claims["azp"], "spa")


def error_arrives(context: Context) -> None:
    expired = subject.for_client("spa", exp=int(time.time()) - 600, iat=int(time.time()) - 900)
    try:
        client(context).get_token("orders-api", "app", GRANT_TYPE, id_token=expired)
    except Auth0Error as error:
        expect_equal("the client's error", (error.status_code, error.error_code), (400, "invalid_grant"))
        return
    raise Mismatch("the client got a token for an expired id_token")


def limit_arrives(context: Context) -> None:
    token = subject.for_client("spa")
    for _ in range(rate_limit.SIZE):
        client(context).get_token("spa", "app", GRANT_TYPE, id_token=token)
    try:
        client(context).get_token("spa", "app", GRANT_TYPE, id_token=token)
    except RateLimitError as error:
        full_again = time.time() + rate_limit.SIZE * rate_limit.REFILL_SECONDS
        if abs(error.reset_at - full_again) > 30:
            raise Mismatch(
                f"the client read a reset of {error.reset_at}, the bucket is full at {full_again:.0f}"
            ) from error
        return
    raise Mismatch("the client's eleventh call passed")
