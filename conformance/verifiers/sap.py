"""Verifies SAP tokens: the fake SAP issued them for an assertion that every receiver accepts, and they arrive unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lxml import etree

import demo
import saml
import saml_maker
import subject
import upstream_client
from context import Context
from locum_server import Response
from results import Case, Mismatch, expect_equal
from saml_maker import Facts
from saml_receivers import Trust

UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        ("token", "the token response is SAP's own, with every member and expires_in as a string", check_token),
        ("requested-scope", "sap_scope replaces the configured scope", scope_is_requested),
        ("assertion", "every SAML receiver accepts the assertion and refuses its tampered variants", check_assertion),
        ("replay", "the same form is refused when it is sent again", replay_is_refused),
        (
            "refused",
            "SAP's refusal is answered 403 access_denied with SAP's error code but not its description",
            check_refusals,
        ),
    ):
        yield Case(f"sap/{name}", description, partial(check, context))


def exchange(context: Context, email: str = "alice@example.com", **parameters: str) -> Response:
    id_token = subject.for_client("spa", email=email, email_verified=True)
    return context.server.exchange("spa", id_token, api_type="sap_api", **parameters)


def check_token(context: Context) -> None:
    body = exchange(context).issued("sap_api")
    logged = upstream_client.last_request(context, demo.SAP_PATH)
    expect_equal("the token response", body, logged["granted"])
    expect_equal("expires_in", body["expires_in"], "600")
    expect_equal("the scope in the request to SAP", logged["form"]["scope"], demo.SAP_SCOPE)


def scope_is_requested(context: Context) -> None:
    body = exchange(context, sap_scope="ZDEMO_WRITE").issued("sap_api")
    expect_equal("scope", body["scope"], "ZDEMO_WRITE")


def check_assertion(context: Context) -> None:
    exchange(context).issued("sap_api")
    text = upstream_client.last_request(context, demo.SAP_PATH)["form"]["assertion"]
    bare = etree.fromstring(subject.base64url_decode(text))
    endpoint = upstream_client.url(context) + demo.SAP_PATH
    facts = Facts(demo.SAML_ISSUER, "alice@example.com", endpoint, endpoint, subject_format=UNSPECIFIED)
    response = saml_maker.response(bare, destination=endpoint, issuer=demo.SAML_ISSUER)
    saml.check_receivers(
        context, response, facts, Trust(demo.SAML_ISSUER, endpoint, endpoint, context.keys.certificate)
    )


def replay_is_refused(context: Context) -> None:
    exchange(context).issued("sap_api")
    form = upstream_client.last_request(context, demo.SAP_PATH)["form"]
    authorization = demo.basic_authorization(demo.SAP_CLIENT, demo.SAP_PASSWORD)
    again = upstream_client.post(context, demo.SAP_PATH, form, {"Authorization": authorization})
    again.expect_error(400, "invalid_grant")


def check_refusals(context: Context) -> None:
    for what, code, description, parameters in refused_requests():
        response = exchange(context, **parameters)
        if response.status == 400:
            response.issued("sap_api")  # raises `NotRun` if the server does not issue sap_api
        response.expect_error(403, "access_denied")
        received = response.body["error_description"]
        if code not in received or description in received:
            raise Mismatch(f"SAP refused {what}, and the client received {received!r}")


def refused_requests() -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        ("an unknown scope", "invalid_scope", "not assigned", {"sap_scope": "ZOTHER"}),
        ("an unknown user", "invalid_grant", "not known", {"email": "stranger@example.com"}),
    ]
