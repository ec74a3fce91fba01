"""Judge 12: SAP tokens come from a strict token endpoint, by an assertion for one client, and stay as they came."""

from __future__ import annotations

import base64
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
from delegation import Response
from results import Case, Mismatch, expect_equal
from saml_maker import Facts
from saml_receivers import Trust

UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        ("token", "the token object is SAP's own, member for member, expires_in still a text", token_is_saps),
        ("requested-scope", "sap_scope takes the place of the stored scope", scope_is_requested),
        ("assertion", "every SAML receiver takes the assertion and refuses its tampered neighbours", assertion_holds),
        ("replay", "the same form is refused when it comes again", replay_is_refused),
        ("refused", "SAP's refusal arrives as 403 access_denied with its code and without its words", refusal_arrives),
    ):
        yield Case(f"sap/{name}", description, partial(check, context))


def exchanged(context: Context, email: str = "alice@example.com", **parameters: str) -> Response:
    id_token = subject.for_client("spa", email=email, email_verified=True)
    return context.server.exchange("spa", id_token, api_type="sap_api", **parameters)


def token_is_saps(context: Context) -> None:
    body = exchanged(context).issued("sap_api")
    asked = upstream_client.last_request(context, demo.SAP_PATH)
    expect_equal("the token object", body, asked["granted"])
    expect_equal("expires_in", body["expires_in"], "600")
    expect_equal("the scope that SAP was asked for", asked["form"]["scope"], demo.SAP_SCOPE)


def scope_is_requested(context: Context) -> None:
    body = exchanged(context, sap_scope="ZDEMO_WRITE").issued("sap_api")
    expect_equal("scope", body["scope"], "ZDEMO_WRITE")


def assertion_holds(context: Context) -> None:
    exchanged(context).issued("sap_api")
    text = upstream_client.last_request(context, demo.SAP_PATH)["form"]["assertion"]
    bare = etree.fromstring(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    endpoint = upstream_client.url(context) + demo.SAP_PATH
    facts = Facts(demo.SAML_ISSUER, "alice@example.com", endpoint, endpoint, subject_format=UNSPECIFIED)
    response = saml_maker.response(bare, destination=endpoint, issuer=demo.SAML_ISSUER)
    saml.receivers_bite(context, response, facts, Trust(demo.SAML_ISSUER, endpoint, endpoint, context.keys.certificate))


def replay_is_refused(context: Context) -> None:
    exchanged(context).issued("sap_api")
    form = upstream_client.last_request(context, demo.SAP_PATH)["form"]
    basic = base64.b64encode(f"{demo.SAP_CLIENT}:{demo.SAP_PASSWORD}".encode()).decode("ascii")
    again = upstream_client.post(context, demo.SAP_PATH, form, {"Authorization": f"Basic {basic}"})
    again.expect_error(400, "invalid_grant")


def refusal_arrives(context: Context) -> None:
    for what, code, words, parameters in refused_requests():
        answer = exchanged(context, **parameters)
        if answer.status == 400:
            answer.issued("sap_api")
        answer.expect_error(403, "access_denied")
        description = answer.body["error_description"]
        if code not in description or words in description:
            raise Mismatch(f"SAP refuses {what}, and the client reads {description!r}")


def refused_requests() -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        ("an unknown scope", "invalid_scope", "not assigned", {"sap_scope": "ZOTHER"}),
        ("an unknown user", "invalid_grant", "not known", {"email": "stranger@example.com"}),
    ]
