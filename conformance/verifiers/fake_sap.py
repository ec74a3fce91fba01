"""A strict fake of SAP Gateway's token endpoint with the SAML bearer flow."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from lxml import etree

import demo
import saml_maker
import saml_receivers
from fake_http import (
    FakeResponse,
    FormRequest,
    ReplayCache,
    json_response,
    oauth_error,
    strict_base64,
)
from rules import Refused
from saml_receivers import Statement, Trust

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"
LIFETIME_SECONDS = 600


@dataclass
class FakeSap:
    certificate: str
    presented: ReplayCache = field(default_factory=ReplayCache)

    def token(self, request: FormRequest) -> FakeResponse:
        form = request.form
        if not is_client(request.headers.get("Authorization", "")):
            return oauth_error(401, "invalid_client", "wrong client or password", WWW_Authenticate='Basic realm="SAP"')
        if form.get("grant_type") != GRANT_TYPE:
            return oauth_error(400, "unsupported_grant_type", "only saml2-bearer is supported")
        if set(form) != {"grant_type", "assertion", "client_id", "scope"}:
            return oauth_error(400, "invalid_request", f"the fields are {sorted(form)}")
        if form["client_id"] != demo.SAP_CLIENT:
            return oauth_error(400, "invalid_request", "client_id is not the client that authenticated")
        if not form["scope"] or not set(form["scope"].split(" ")) <= demo.SAP_SCOPES:
            return oauth_error(400, "invalid_scope", "a scope is not known or not assigned to the client")
        try:
            self.accepted(form["assertion"], f"{request.base_url}{request.path}")
        except Refused as refused:
            return oauth_error(400, "invalid_grant", str(refused))
        token_response = {
            "access_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            # SAP returns a string here.
            "expires_in": str(LIFETIME_SECONDS),
            "scope": form["scope"],
        }
        return json_response(200, token_response, granted=token_response)

    def accepted(self, text: str, endpoint: str) -> Statement:
        assertion = strict_base64(text, urlsafe=True)
        if assertion is None or "=" in text:
            raise Refused("the assertion is not base64url without padding")
        bare = saml_receivers.parse(assertion)
        # The receivers read responses only, so the assertion is wrapped in one.
        response = saml_maker.response(bare, destination=None, issuer=demo.SAML_ISSUER)
        trust = Trust(demo.SAML_ISSUER, endpoint, endpoint, self.certificate)
        statement = saml_receivers.accept(etree.tostring(etree.fromstring(response)), trust)
        if statement.attributes != {"client_id": [demo.SAP_CLIENT]}:
            raise Refused(f"the attributes are {statement.attributes}")
        if statement.subject not in demo.EMPLOYEES:
            raise Refused("the user is not known")
        if not self.presented.is_new(statement.assertion_id):
            raise Refused("the assertion was presented before")
        return statement


def is_client(authorization: str) -> bool:
    expected = demo.basic_authorization(demo.SAP_CLIENT, demo.SAP_PASSWORD)
    return hmac.compare_digest(authorization.encode(), expected.encode())
