"""Verifies tokens of Google Cloud: the fakes issued them for a JWT of the tenant; google-auth sends what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

import demo
import fake_google
import google_auth
import subject
import upstream_client
from context import Context
from jwt_verifiers import Expected, expect_token_refused, jwt_verifiers, verified_claims
from locum_server import Response
from results import Case, Mismatch, expect_equal

GENERATE = f"{fake_google.ACCOUNTS}{demo.GCP_ACCOUNT}:"
CLAIMS = {"iss", "sub", "aud", "azp", "iat", "exp", "jti"}
REQUIRED = ("iss", "sub", "aud", "iat", "exp")


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        (
            "access-token",
            "the token is the service account's; three libraries accept the JWT, and google-auth sends the same requests",
            check_access_token,
        ),
        (
            "scopes",
            "a request gets fewer scopes, and google-auth sends the same requests; it gets no others",
            check_scopes,
        ),
        ("direct", "without a service account the token is the federated one, as google-auth gets it", check_direct),
        ("id-token", "google-auth verifies the ID token, and sends the same requests for it", check_id_token),
        (
            "refused",
            "refusals of both services are answered 403 access_denied with the code but not the message",
            check_refusals,
        ),
    ):
        yield Case(f"gcp/{name}", description, partial(check, context))


def exchange(context: Context, client: str, api_type: str, user: str | None = None, **more: str) -> Response:
    return context.server.exchange(client, subject.for_client(client, user), api_type=api_type, **more)


def sent(context: Context, method: str) -> tuple[dict[str, str], dict[str, Any], Any]:
    """The last form for the Security Token Service, the last document for the other one, and what that granted."""
    generated = upstream_client.last_request(context, GENERATE + method)
    if generated["granted"] is None:
        raise Mismatch(f"the server returned a credential, but its last call of {method} was refused")
    form = upstream_client.last_request(context, fake_google.STS_PATH)["form"]
    return form, without_null(generated["document"]), generated["granted"]


def check_access_token(context: Context) -> None:
    user = subject.fresh_user()
    body = exchange(context, "spa", "gcp", user).issued("gcp")
    form, document, granted = sent(context, "generateAccessToken")
    expect_equal("the members", set(body), {"access_token", "token_type", "expires_in"})
    expect_equal("the token", body["access_token"], granted["accessToken"])
    expect_equal("token_type", body["token_type"], "Bearer")
    if not 3590 <= body["expires_in"] <= fake_google.TOKEN_SECONDS_MAX:
        raise Mismatch(f"expires_in is {body['expires_in']}, expected about an hour")
    assertion = form["subject_token"]
    check_assertion(context, assertion, user)
    google_auth.access_token(upstream_client.url(context), assertion, demo.GCP_SCOPES, demo.GCP_ACCOUNT)
    library_form, library_document, _ = sent(context, "generateAccessToken")
    expect_equal("the form of the exchange", form, library_form)
    expect_equal("the request for the token", document, library_document)


def check_assertion(context: Context, assertion: str, user: str) -> None:
    jwk = context.keys.public_jwk("tenant-rsa")
    expected = Expected(jwk, "RS256", demo.ISSUER, demo.GCP_PROVIDER, REQUIRED)
    for verifier in jwt_verifiers(context.node):
        claims = verified_claims(verifier, assertion, expected)
        expect_equal("sub", claims["sub"], user)
        expect_equal("aud", claims["aud"], demo.GCP_PROVIDER)
        expect_equal("azp", claims.get("azp"), "spa")
        expect_equal("the claims", set(claims), CLAIMS)
        expect_equal("the lifetime of the JWT", claims["exp"] - claims["iat"], 300)
        tampered = subject.with_flipped_signature(assertion)
        expect_token_refused(verifier, "with a flipped signature", tampered, expected)


def without_null(document: dict[str, Any]) -> dict[str, Any]:
    """google-auth writes `delegates` as null where there are none; the API's empty list is an empty list."""
    return {name: [] if value is None else value for name, value in document.items()}


def check_scopes(context: Context) -> None:
    wanted = demo.GCP_SCOPES[1]
    exchange(context, "spa", "gcp", gcp_scope=wanted).issued("gcp")
    form, document, _ = sent(context, "generateAccessToken")
    expect_equal("the scopes", document["scope"], [wanted])
    google_auth.access_token(upstream_client.url(context), form["subject_token"], [wanted], demo.GCP_ACCOUNT)
    expect_equal("the request for the token", document, sent(context, "generateAccessToken")[1])
    for scope in ("https://www.googleapis.com/auth/cloud-platform", f"{wanted} {wanted}x"):
        exchange(context, "spa", "gcp", gcp_scope=scope).expect_error(400, "invalid_request")


def check_direct(context: Context) -> None:
    body = exchange(context, "web-identity", "gcp").issued("gcp")
    logged = upstream_client.last_request(context, fake_google.STS_PATH)
    expect_equal("the token", body["access_token"], logged["granted"]["access_token"])
    expect_equal("expires_in", body["expires_in"], logged["granted"]["expires_in"])
    url, assertion = upstream_client.url(context), logged["form"]["subject_token"]
    google_auth.access_token(url, assertion, demo.GCP_SCOPES)
    library = upstream_client.last_request(context, fake_google.STS_PATH)
    expect_equal("the form of the exchange", logged["form"], library["form"])


def check_id_token(context: Context) -> None:
    url = upstream_client.url(context)
    for audience, parameters in ((demo.GCP_AUDIENCES[0], {}), (demo.GCP_AUDIENCES[1], {"gcp_audience": None})):
        parameters = {name: audience for name in parameters}
        body = exchange(context, "spa", "gcp_id_token", **parameters).issued("gcp_id_token")
        expect_equal("the members", set(body), {"id_token"})
        form, document, granted = sent(context, "generateIdToken")
        expect_equal("the token", body["id_token"], granted["token"])
        expect_equal("the audience of the verified token", verified(url, body["id_token"], audience)["aud"], audience)
        google_auth.id_token(url, form["subject_token"], audience)
        library_form, library_document, _ = sent(context, "generateIdToken")
        expect_equal("the form of the exchange", form, library_form)
        expect_equal("the request for the token", document, library_document)
    other = exchange(context, "spa", "gcp_id_token", gcp_audience="https://evil-1234.a.run.app")
    other.expect_error(400, "invalid_request")


def verified(url: str, token: str, audience: str) -> dict[str, Any]:
    try:
        return id_token.verify_token(token, Request(), audience, certs_url=url + fake_google.CERTS_PATH)
    except (GoogleAuthError, ValueError) as error:
        raise Mismatch(f"google-auth refuses the ID token: {error}") from error


def check_refusals(context: Context) -> None:
    exchange(context, "spa", "gcp").issued("gcp")
    for user, code, text in (
        (demo.GCP_OUTSIDER, "PERMISSION_DENIED", "act as"),
        (f"auth0|{'x' * 122}", "invalid_grant", "127 bytes"),
    ):
        response = exchange(context, "spa", "gcp", user)
        response.expect_error(403, "access_denied")
        description = response.body["error_description"]
        if code not in description or text in description:
            raise Mismatch(f"Google refused with {code}, and the client received {description!r}")
