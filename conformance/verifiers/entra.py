"""Verifies tokens of Microsoft Entra ID: the fake issued them for a JWT of the tenant, and MSAL sends what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import demo
import fake_entra
import microsoft_msal
import subject
import upstream_client
from context import Context
from jwt_verifiers import Expected, expect_token_refused, jwt_verifiers, verified_claims
from locum_server import Response
from results import Case, Mismatch, expect_equal

CLAIMS = {"iss", "sub", "aud", "iat", "exp", "jti"}


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        (
            "token",
            "the token response is Entra's own, for a JWT that three libraries accept, and MSAL sends the same request",
            check_token,
        ),
        ("scopes", "a request gets another of the scopes, as MSAL does; it gets no others", check_scopes),
        (
            "refused",
            "Entra's refusal is answered 403 access_denied with its number but not its description",
            check_refusal,
        ),
    ):
        yield Case(f"entra/{name}", description, partial(check, context))


def exchange(context: Context, role: str = demo.ENTRA_SUBJECT, **more: str) -> Response:
    return context.server.exchange("spa", subject.for_client("spa", entra_role=role), api_type="entra", **more)


def check_token(context: Context) -> None:
    body = exchange(context).issued("entra")
    logged = upstream_client.last_request(context, fake_entra.TOKEN_PATH)
    expect_equal("the token response", body, logged["granted"])
    assertion = logged["form"]["client_assertion"]
    jwk = context.keys.public_jwk("tenant-rsa")
    expected = Expected(jwk, "RS256", demo.ISSUER, demo.ENTRA_AUDIENCE)
    for verifier in jwt_verifiers(context.node):
        claims = verified_claims(verifier, assertion, expected)
        expect_equal("sub", claims["sub"], demo.ENTRA_SUBJECT)
        expect_equal("aud", claims["aud"], demo.ENTRA_AUDIENCE)
        expect_equal("the claims", set(claims), CLAIMS)
        expect_equal("the lifetime of the JWT", claims["exp"] - claims["iat"], 300)
        tampered = subject.with_flipped_signature(assertion)
        expect_token_refused(verifier, "with a flipped signature", tampered, expected)
    expect_the_request_of_msal(context, logged["form"], demo.ENTRA_SCOPES[0])


def expect_the_request_of_msal(context: Context, form: dict[str, str], scope: str) -> None:
    answer = microsoft_msal.token(upstream_client.url(context), form["client_assertion"], scope)
    if "access_token" not in answer:
        raise Mismatch(f"MSAL gets no token for the same JWT: {answer}")
    sent = upstream_client.last_request(context, fake_entra.TOKEN_PATH)["form"]
    expect_equal("the form", without_optional(form), without_optional(sent))


def without_optional(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name not in fake_entra.OPTIONAL_FIELDS}


def check_scopes(context: Context) -> None:
    wanted = demo.ENTRA_SCOPES[1]
    exchange(context, entra_scope=wanted).issued("entra")
    form = upstream_client.last_request(context, fake_entra.TOKEN_PATH)["form"]
    expect_equal("the scope", form["scope"], wanted)
    expect_the_request_of_msal(context, form, wanted)
    for scope in ("https://vault.azure.net/.default", " ".join(demo.ENTRA_SCOPES)):
        exchange(context, entra_scope=scope).expect_error(400, "invalid_request")


def check_refusal(context: Context) -> None:
    exchange(context).issued("entra")
    response = exchange(context, "owners")
    response.expect_error(403, "access_denied")
    description = response.body["error_description"]
    if "AADSTS700213" not in description or "owners" in description:
        raise Mismatch(f"Entra refused the subject, and the client received {description!r}")
