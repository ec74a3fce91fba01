"""Judge 13: Salesforce tokens come from a strict token endpoint, by a short JWT, work there and can be revoked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import demo
import subject
import upstream_client
from context import Context
from delegation import Response
from jwt_verifiers import Expected, jwt_verifiers, proves, refuses
from results import Case, Mismatch, expect_equal

TOKEN_PATH = "/services/oauth2/token"
ASSERTION_SECONDS_MAX = 180
AUDIENCES = {"salesforce_api": "https://login.salesforce.com", "salesforce_sandbox_api": "https://test.salesforce.com"}
REQUIRED = ("iss", "sub", "aud", "exp")


def cases(context: Context) -> Iterator[Case]:
    for api_type in AUDIENCES:
        yield Case(
            f"salesforce/{api_type}",
            "the token object is Salesforce's own, by a JWT for this login that three libraries take",
            partial(token_is_salesforces, context, api_type),
        )
    for name, description, check in (
        ("replay", "the same JWT is refused when it comes again", replay_is_refused),
        (
            "refused",
            "Salesforce's refusal arrives as 403 access_denied with its code and without its words",
            refusal_arrives,
        ),
        ("revocation", "the token opens Salesforce until it is revoked through the server", token_is_revoked),
    ):
        yield Case(f"salesforce/{name}", description, partial(check, context))


def exchanged(context: Context, api_type: str, email: str = "alice@example.com") -> Response:
    id_token = subject.for_client("spa", email=email, email_verified=True)
    return context.server.exchange("spa", id_token, api_type=api_type)


def token_is_salesforces(context: Context, api_type: str) -> None:
    body = exchanged(context, api_type).issued(api_type)
    asked = upstream_client.last_request(context, TOKEN_PATH)
    expect_equal("the token object", body, asked["granted"])
    expect_equal("the fields sent", set(asked["form"]), {"grant_type", "assertion"})
    jwk = context.keys.public_jwk("tenant-rsa")
    expected = Expected(jwk, "RS256", demo.SALESFORCE_CONSUMER, AUDIENCES[api_type], REQUIRED)
    for verifier in jwt_verifiers(context.node):
        claims = proves(verifier, asked["form"]["assertion"], expected)
        claims_hold(claims)
        refuses(
            verifier, "with a flipped signature", subject.with_flipped_signature(asked["form"]["assertion"]), expected
        )


def claims_hold(claims: dict[str, Any]) -> None:
    expect_equal("sub", claims["sub"], "alice@example.com")
    expect_equal("claims that Salesforce does not know", set(claims) - {*REQUIRED, "iat", "nbf", "jti"}, set())
    if type(claims["exp"]) is not int or claims["exp"] > time.time() + ASSERTION_SECONDS_MAX:
        raise Mismatch(f"exp is {claims['exp']!r}, not a number within three minutes")


def replay_is_refused(context: Context) -> None:
    exchanged(context, "salesforce_api").issued("salesforce_api")
    form = upstream_client.last_request(context, TOKEN_PATH)["form"]
    upstream_client.post(context, TOKEN_PATH, form).expect_error(400, "invalid_grant")


def refusal_arrives(context: Context) -> None:
    exchanged(context, "salesforce_api").issued("salesforce_api")
    answer = exchanged(context, "salesforce_api", email="stranger@example.com")
    answer.expect_error(403, "access_denied")
    description = answer.body["error_description"]
    if "invalid_grant" not in description or "consumer" in description:
        raise Mismatch(f"Salesforce refuses an unknown user, and the client reads {description!r}")


def token_is_revoked(context: Context) -> None:
    token = exchanged(context, "salesforce_api").issued("salesforce_api")["access_token"]
    other = exchanged(context, "salesforce_api").issued("salesforce_api")["access_token"]
    expect_equal("the status of using the token", used(context, token), 200)
    request = {"client_id": "spa", "token": token, "api_type": "salesforce_api"}
    answer = context.server.send("/oauth/revoke", json.dumps(request).encode("utf-8"))
    expect_equal("the status of the revocation", answer.status, 200)
    expect_equal("the status of using the token afterwards", used(context, token), 403)
    expect_equal("the status of using another token", used(context, other), 200)


def used(context: Context, token: str) -> int:
    return upstream_client.get(context, "/services/oauth2/userinfo", {"Authorization": f"Bearer {token}"}).status
