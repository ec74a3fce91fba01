"""The reference's issuers by workload identity federation, made of the vendors' own clients, each with its faults."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime
from typing import Any

from google.auth.exceptions import GoogleAuthError

import demo
import google_auth
import microsoft_msal
import subject
from reference_request import IssueRequest, Refusal

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


def gcp(request: IssueRequest) -> dict[str, Any]:
    scopes = request.parameters.get("gcp_scope", " ".join(demo.GCP_SCOPES)).split(" ")
    if not set(scopes) <= set(demo.GCP_SCOPES):
        raise Refusal(400, "invalid_request", "a scope is not allowed")
    if request.has("gcp-requests-all-scopes"):
        scopes = demo.GCP_SCOPES
    is_direct = request.parameters["client_id"] == "web-identity" or request.has("gcp-issues-the-federated-token")
    account = None if is_direct else demo.GCP_ACCOUNT
    if is_direct and request.has("gcp-scope-of-the-exchange-too-wide"):
        scopes = [CLOUD_PLATFORM]
    try:
        url, assertion = request.fake_upstreams, gcp_assertion(request)
        credentials = google_auth.credentials(url, assertion, scopes, account)
        if account and request.has("gcp-lifetime-of-ten-minutes"):
            credentials._service_account_impersonation_options = {"token_lifetime_seconds": 600}
        credentials.refresh(google_auth.Request())
    except GoogleAuthError as error:
        raise gcp_refusal(request, error) from error
    expires_in = math.ceil((credentials.expiry - datetime.now(UTC).replace(tzinfo=None)).total_seconds())
    return {"access_token": credentials.token, "token_type": "Bearer", "expires_in": expires_in}


def gcp_id_token(request: IssueRequest) -> dict[str, Any]:
    audience = request.parameters.get("gcp_audience", demo.GCP_AUDIENCES[0])
    if audience not in demo.GCP_AUDIENCES and not request.has("gcp-id-token-for-any-audience"):
        raise Refusal(400, "invalid_request", "this audience is not allowed")
    return {"id_token": google_auth.id_token(request.fake_upstreams, gcp_assertion(request), audience)}


def entra(request: IssueRequest) -> dict[str, Any]:
    scope = request.parameters.get("entra_scope", demo.ENTRA_SCOPES[0])
    if scope not in demo.ENTRA_SCOPES:
        raise Refusal(400, "invalid_request", "this scope is not allowed")
    if request.has("entra-ignores-the-scope"):
        scope = demo.ENTRA_SCOPES[0]
    about = request.user_id if request.has("entra-jwt-about-the-user") else request.claims["entra_role"]
    claims = subject.claims(demo.ENTRA_AUDIENCE, about, jti=uuid.uuid4().hex)
    if request.has("entra-jwt-lifetime-too-long"):
        claims["exp"] += 300
    body = microsoft_msal.token(request.fake_upstreams, subject.rs256(claims, request.keys.tenant), scope)
    if "error" in body:
        text = body["error_description"]
        raise Refusal(403, "access_denied", text if request.has("entra-tells-the-message") else text.partition(":")[0])
    if request.has("entra-omits-the-lifetime"):
        del body["expires_in"]
    return {name: value for name, value in body.items() if name != "token_source"}


def gcp_assertion(request: IssueRequest) -> str:
    claims = subject.claims(demo.GCP_PROVIDER, request.user_id, azp=request.parameters["client_id"])
    if request.has("gcp-jwt-for-everybody"):
        claims["aud"] = [demo.GCP_PROVIDER, "https://other.example.com"]
    if request.has("gcp-jwt-without-the-client"):
        del claims["azp"]
    return subject.rs256({**claims, "jti": uuid.uuid4().hex}, request.keys.tenant)


def gcp_refusal(request: IssueRequest, error: GoogleAuthError) -> Refusal:
    """The code is a word of the error's text, which holds the response."""
    text = " ".join(map(str, error.args))
    codes = ("PERMISSION_DENIED", "unauthorized_client", "invalid_grant")
    code = next((code for code in codes if code in text), "refused")
    return Refusal(403, "access_denied", text if request.has("gcp-tells-the-message") else code)
