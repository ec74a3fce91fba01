"""Verifies Salesforce tokens: the fake Salesforce issued them for a short-lived JWT, accepts them, and revokes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import demo
import fake_salesforce
import subject
import upstream_client
from context import Context
from jwt_verifiers import Expected, expect_token_refused, jwt_verifiers, verified_claims
from locum_server import Response
from results import Case, Mismatch, expect_equal

REQUIRED = ("iss", "sub", "aud", "exp")


def cases(context: Context) -> Iterator[Case]:
    for api_type in demo.SALESFORCE_AUDIENCES:
        yield Case(
            f"salesforce/{api_type}",
            "the token response is Salesforce's own, for a JWT with this audience that three libraries accept",
            partial(check_token, context, api_type),
        )
    for name, description, check in (
        ("replay", "the same JWT is refused when it is sent again", replay_is_refused),
        (
            "refused",
            "Salesforce's refusal is answered 403 access_denied with its error code but not its description",
            check_refusal,
        ),
        ("revocation", "Salesforce accepts the token until it is revoked through the server", check_revocation),
    ):
        yield Case(f"salesforce/{name}", description, partial(check, context))


def exchange(context: Context, api_type: str, email: str = "alice@example.com") -> Response:
    id_token = subject.for_client("spa", email=email, email_verified=True)
    return context.server.exchange("spa", id_token, api_type=api_type)


def check_token(context: Context, api_type: str) -> None:
    body = exchange(context, api_type).issued(api_type)
    logged = upstream_client.last_request(context, fake_salesforce.TOKEN_PATH)
    expect_equal("the token response", body, logged["granted"])
    expect_equal("the fields sent", set(logged["form"]), {"grant_type", "assertion"})
    assertion = logged["form"]["assertion"]
    jwk = context.keys.public_jwk("tenant-rsa")
    expected = Expected(jwk, "RS256", demo.SALESFORCE_CONSUMER, demo.SALESFORCE_AUDIENCES[api_type], REQUIRED)
    for verifier in jwt_verifiers(context.node):
        check_claims(verified_claims(verifier, assertion, expected))
        tampered = subject.with_flipped_signature(assertion)
        expect_token_refused(verifier, "with a flipped signature", tampered, expected)


def check_claims(claims: dict[str, Any]) -> None:
    expect_equal("sub", claims["sub"], "alice@example.com")
    expect_equal("claims that Salesforce does not know", set(claims) - {*REQUIRED, "iat", "nbf", "jti"}, set())
    if type(claims["exp"]) is not int or claims["exp"] > time.time() + fake_salesforce.ASSERTION_SECONDS_MAX:
        raise Mismatch(f"exp is {claims['exp']!r}, expected a whole number at most three minutes ahead")


def replay_is_refused(context: Context) -> None:
    exchange(context, "salesforce_api").issued("salesforce_api")
    form = upstream_client.last_request(context, fake_salesforce.TOKEN_PATH)["form"]
    upstream_client.post(context, fake_salesforce.TOKEN_PATH, form).expect_error(400, "invalid_grant")


def check_refusal(context: Context) -> None:
    exchange(context, "salesforce_api").issued("salesforce_api")
    response = exchange(context, "salesforce_api", email="stranger@example.com")
    response.expect_error(403, "access_denied")
    description = response.body["error_description"]
    if "invalid_grant" not in description or "consumer" in description:
        raise Mismatch(f"Salesforce refused an unknown user, and the client received {description!r}")


def check_revocation(context: Context) -> None:
    token = exchange(context, "salesforce_api").issued("salesforce_api")["access_token"]
    other = exchange(context, "salesforce_api").issued("salesforce_api")["access_token"]
    expect_equal("the status of using the token", status_of_use(context, token), 200)
    request = {"client_id": "spa", "token": token, "api_type": "salesforce_api"}
    response = context.server.post("/oauth/revoke", request)
    expect_equal("the status of the revocation", response.status, 200)
    expect_equal("the status of using the token afterwards", status_of_use(context, token), 403)
    expect_equal("the status of using another token", status_of_use(context, other), 200)


def status_of_use(context: Context, token: str) -> int:
    return upstream_client.get(context, fake_salesforce.USER_INFO_PATH, {"Authorization": f"Bearer {token}"}).status
