"""Verifies that OAuth client libraries exchange tokens at `/oauth/token`, and understand its errors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import demo
import subject
from app_tokens import receiver
from context import Context
from jwt_verifiers import jwt_verifiers, verified_claims
from oauth_clients import LIBRARIES, TOKEN_TYPE, OAuthClient, expect_refused
from results import Case, Mismatch, expect_equal

# The client of the demo tenant that authenticates, and the one that does not.
CONFIDENTIAL, PUBLIC = demo.CONFIDENTIAL_CLIENT, "spa"


def cases(context: Context) -> Iterator[Case]:
    for library in LIBRARIES:
        for method in ("client_secret_basic", "client_secret_post"):
            yield Case(
                f"token_exchange/{library}-{method}",
                "a client that authenticates gets a token of its target, which verifies",
                partial(check_confidential, context, library, method),
            )
        yield Case(
            f"token_exchange/{library}-public",
            "a public client gets a token of its target, and a SAS as no bearer token",
            partial(check_public, context, library),
        )
        yield Case(
            f"token_exchange/{library}-errors",
            "a wrong secret, target, scope and token are the library's own errors",
            partial(check_errors, context, library),
        )
        yield Case(
            f"token_exchange/{library}-chain",
            "a token of a chain is exchanged by a client that authenticates and by no other",
            partial(check_chain, context, library),
        )


def exchange(context: Context, library: str, client_id: str, method: str, **parameters: str) -> dict[str, Any]:
    """The answer as the library returns it; `Refused` with the code of an error response."""
    secret = parameters.pop("secret", "")
    return OAuthClient(context, library, client_id, method, secret).exchange(**parameters)


def check_confidential(context: Context, library: str, method: str) -> None:
    user_id = subject.fresh_user()
    token = subject.for_client(CONFIDENTIAL, user_id)
    answer = exchange(
        context, library, CONFIDENTIAL, method, subject_token=token, audience="reports-api", scope="openid"
    )
    expect_equal("issued_token_type", answer.get("issued_token_type"), f"{TOKEN_TYPE}jwt")
    claims = verified_claims(jwt_verifiers(context.node)[0], answer["access_token"], receiver(context, "reports-api"))
    found = {name: claims.get(name) for name in ("sub", "azp", "scope")}
    expect_equal("the claims", found, {"sub": user_id, "azp": CONFIDENTIAL, "scope": "openid"})
    expect_equal("expires_in", answer["expires_in"], claims["exp"] - claims["iat"])


def check_public(context: Context, library: str) -> None:
    token = subject.for_client(PUBLIC)
    answer = exchange(context, library, PUBLIC, "none", subject_token=token, audience="orders-api")
    claims = verified_claims(jwt_verifiers(context.node)[0], answer["access_token"], receiver(context, "orders-api"))
    expect_equal("azp", claims["azp"], PUBLIC)
    sas = exchange(
        context,
        library,
        PUBLIC,
        "none",
        subject_token=subject.for_client(PUBLIC),
        requested_token_type="urn:locum:token-type:azure_blob",
    )
    expect_equal("token_type of a SAS", sas["token_type"].upper(), "N_A")
    if "sig=" not in sas["access_token"]:
        raise Mismatch("access_token is no SAS")


def check_errors(context: Context, library: str) -> None:
    token = subject.for_client(CONFIDENTIAL, scope="openid")
    for changed, method, code in [
        ({"secret": "wrong"}, "client_secret_post", "invalid_client"),
        ({"audience": "nobody"}, "client_secret_basic", "invalid_target"),
        ({"scope": "email"}, "client_secret_basic", "invalid_scope"),
        ({"subject_token": subject.with_flipped_signature(token)}, "client_secret_basic", "invalid_grant"),
    ]:
        parameters = {"subject_token": token, "audience": "reports-api", **changed}
        expect_refused(partial(exchange, context, library, CONFIDENTIAL, method, **parameters), code)


def check_chain(context: Context, library: str) -> None:
    first = exchange(context, library, PUBLIC, "none", subject_token=subject.for_client(PUBLIC), audience=CONFIDENTIAL)
    parameters = {"subject_token": first["access_token"], "audience": "reports-api"}
    answer = exchange(context, library, CONFIDENTIAL, "client_secret_basic", **parameters)
    claims = verified_claims(jwt_verifiers(context.node)[0], answer["access_token"], receiver(context, "reports-api"))
    expect_equal("azp", claims["azp"], CONFIDENTIAL)
    context.server.exchange(CONFIDENTIAL, first["access_token"], target="reports-api", api_type="app").expect_error(
        400, "invalid_grant"
    )
