"""The reference's issuers that call an upstream, made of third-party libraries, each with its faults."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

import jwt
from botocore.exceptions import ClientError
from lxml import etree

import aws_sts
import demo
import fake_salesforce
import fake_sap
import http_client
import saml_maker
import subject
from reference_request import IssueRequest, Refusal
from saml_maker import Facts


def aws(request: IssueRequest) -> dict[str, Any]:
    role = request.parameters.get("role", demo.AWS_ROLE)
    principal = request.parameters.get("principal", demo.AWS_PROVIDER)
    if (role, principal) != (demo.AWS_ROLE, demo.AWS_PROVIDER) and not request.has("aws-accepts-any-role"):
        raise Refusal(400, "invalid_request", "the role is not allowed")
    sts = aws_sts.client(request.fake_upstreams)
    try:
        if request.parameters["client_id"] == "web-identity":
            token = subject.rs256(subject.claims("sts.amazonaws.com", request.user_id), request.keys.tenant)
            fields = {"RoleArn": role, "RoleSessionName": "web", "WebIdentityToken": token}
            response = sts.assume_role_with_web_identity(**fields)
        else:
            assertion = aws_response(request, role, principal)
            fields = {"RoleArn": role, "PrincipalArn": principal, "SAMLAssertion": assertion}
            response = sts.assume_role_with_saml(**fields, DurationSeconds=3600)
    except ClientError as error:
        raise Refusal(403, "access_denied", error.response["Error"]["Code"]) from error
    return with_aws_faults(request, response)


def aws_response(request: IssueRequest, role: str, principal: str) -> str:
    facts = aws_sts.facts(request.user_id, "saml")
    facts.attributes.update(aws_sts.prefixed({"Role": [f"{role},{principal}"]}))
    if request.has("aws-assertion-without-recipient"):
        facts = facts.changed(recipient=None)
    digest = "sha1" if request.has("aws-assertion-with-sha1") else "sha256"
    return base64.b64encode(aws_sts.response(request.keys, facts, digest)).decode("ascii")


def with_aws_faults(request: IssueRequest, response: dict[str, Any]) -> dict[str, Any]:
    credentials = dict(response["Credentials"])
    time_format = (
        "%Y-%m-%dT%H:%M:%SZ" if request.has("aws-expiration-without-milliseconds") else "%Y-%m-%dT%H:%M:%S.000Z"
    )
    credentials["Expiration"] = credentials["Expiration"].strftime(time_format)
    if request.has("aws-omits-the-session-token"):
        del credentials["SessionToken"]
    if request.has("aws-returns-another-key"):
        credentials["SecretAccessKey"] = "x" * 40
    metadata = {"RequestId": response["ResponseMetadata"]["RequestId"]}
    return {**response, "ResponseMetadata": metadata, "Credentials": credentials}


def sap(request: IssueRequest) -> dict[str, Any]:
    endpoint = f"{request.fake_upstreams}{demo.SAP_PATH}"
    audience = "https://sap.example.com" if request.has("sap-assertion-for-another-audience") else endpoint
    client = {"client_id": [demo.SAP_CLIENT]}
    facts = Facts(demo.SAML_ISSUER, request.claims["email"], audience, endpoint, attributes=client)
    made = etree.tostring(saml_maker.assertion(facts, request.keys.tenant, request.keys.certificate))
    form = {
        "grant_type": fake_sap.GRANT_TYPE,
        "assertion": subject.base64url(made),
        "client_id": demo.SAP_CLIENT,
        "scope": request.parameters.get("sap_scope", demo.SAP_SCOPE),
    }
    authorization = demo.basic_authorization(demo.SAP_CLIENT, demo.SAP_PASSWORD)
    body = granted(request, endpoint, form, {"Authorization": authorization})
    return {**body, "expires_in": int(body["expires_in"])} if request.has("sap-expires-in-as-a-number") else body


def salesforce(request: IssueRequest) -> dict[str, Any]:
    api_type = "salesforce_api" if request.has("salesforce-ignores-the-sandbox") else request.parameters["api_type"]
    claims = {
        "iss": demo.SALESFORCE_CONSUMER,
        "sub": request.claims["email"],
        "aud": demo.SALESFORCE_AUDIENCES[api_type],
        "exp": int(time.time()) + (600 if request.has("salesforce-jwt-lifetime-too-long") else 120),
        "jti": uuid.uuid4().hex,
    }
    form = {"grant_type": fake_salesforce.GRANT_TYPE, "assertion": jwt.encode(claims, request.keys.tenant, "RS256")}
    body = granted(request, request.fake_upstreams + fake_salesforce.TOKEN_PATH, form, {})
    if request.has("salesforce-omits-the-instance-url"):
        del body["instance_url"]
    return body


def revoke(fake_upstreams: str | None, token: str) -> None:
    post(f"{fake_upstreams}{fake_salesforce.REVOKE_PATH}", {"token": token}, {})


def granted(request: IssueRequest, url: str, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    status, content = post(url, form, headers)
    body = json.loads(content)
    if status != 200:
        description = body["error_description"] if request.has("leaks-the-upstream-description") else ""
        raise Refusal(403, "access_denied", f"{body['error']} {description}".strip())
    return body


def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
    body = urllib.parse.urlencode(form).encode("ascii")
    status, _, content = http_client.send(urllib.request.Request(url, data=body, headers=headers))
    return status, content
