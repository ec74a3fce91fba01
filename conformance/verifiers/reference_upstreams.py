"""The reference's credentials that come from upstreams, asked for with foreign libraries, each with its faults."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from lxml import etree

import demo
import fake_salesforce
import fake_sap
import saml_maker
import subject
from reference_request import IssueRequest, Refusal
from saml_maker import Facts

AWS_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"


def aws(request: IssueRequest) -> dict[str, Any]:
    role, principal = (
        request.parameters.get("role", demo.AWS_ROLE),
        request.parameters.get("principal", demo.AWS_PROVIDER),
    )
    if (role, principal) != (demo.AWS_ROLE, demo.AWS_PROVIDER) and not request.has("aws-takes-any-role"):
        raise Refusal(400, "invalid_request", "the role is not allowed")
    configuration = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts = boto3.client("sts", endpoint_url=request.fake_upstreams, region_name="us-east-1", config=configuration)
    try:
        if request.parameters["client_id"] == "web-identity":
            token = subject.rs256(subject.claims("sts.amazonaws.com", request.user_id), request.keys.tenant)
            fields = {"RoleArn": role, "RoleSessionName": "web", "WebIdentityToken": token}
            answer = sts.assume_role_with_web_identity(**fields)
        else:
            response = aws_response(request, role, principal)
            fields = {"RoleArn": role, "PrincipalArn": principal, "SAMLAssertion": response}
            answer = sts.assume_role_with_saml(**fields, DurationSeconds=3600)
    except ClientError as error:
        raise Refusal(403, "access_denied", error.response["Error"]["Code"]) from error
    return aws_shaped(request, answer)


def aws_response(request: IssueRequest, role: str, principal: str) -> str:
    facts = Facts(
        demo.SAML_ISSUER,
        request.user_id,
        demo.AWS_SIGN_IN,
        None if request.has("aws-assertion-for-no-recipient") else demo.AWS_SIGN_IN,
        attributes={f"{AWS_ATTRIBUTE}Role": [f"{role},{principal}"], f"{AWS_ATTRIBUTE}RoleSessionName": ["saml"]},
    )
    digest = "sha1" if request.has("aws-assertion-with-sha1") else "sha256"
    made = saml_maker.assertion(facts, request.keys.tenant, request.keys.certificate, digest)
    response = saml_maker.response(made, destination=demo.AWS_SIGN_IN, issuer=demo.SAML_ISSUER)
    return base64.b64encode(response).decode("ascii")


def aws_shaped(request: IssueRequest, answer: dict[str, Any]) -> dict[str, Any]:
    credentials = dict(answer["Credentials"])
    zone = "%Y-%m-%dT%H:%M:%SZ" if request.has("aws-expiration-without-milliseconds") else "%Y-%m-%dT%H:%M:%S.000Z"
    credentials["Expiration"] = credentials["Expiration"].strftime(zone)
    if request.has("aws-keeps-the-session-token"):
        del credentials["SessionToken"]
    if request.has("aws-answers-another-key"):
        credentials["SecretAccessKey"] = "x" * 40
    metadata = {"RequestId": answer["ResponseMetadata"]["RequestId"]}
    return {**answer, "ResponseMetadata": metadata, "Credentials": credentials}


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
    basic = base64.b64encode(f"{demo.SAP_CLIENT}:{demo.SAP_PASSWORD}".encode()).decode("ascii")
    body = granted(request, endpoint, form, {"Authorization": f"Basic {basic}"})
    return {**body, "expires_in": int(body["expires_in"])} if request.has("sap-expires-in-as-a-number") else body


def salesforce(request: IssueRequest) -> dict[str, Any]:
    sandbox = request.parameters["api_type"] == "salesforce_sandbox_api" and not request.has(
        "salesforce-knows-no-sandbox"
    )
    claims = {
        "iss": demo.SALESFORCE_CONSUMER,
        "sub": request.claims["email"],
        "aud": f"https://{'test' if sandbox else 'login'}.salesforce.com",
        "exp": int(time.time()) + (600 if request.has("salesforce-jwt-lives-too-long") else 120),
        "jti": uuid.uuid4().hex,
    }
    form = {"grant_type": fake_salesforce.GRANT_TYPE, "assertion": jwt.encode(claims, request.keys.tenant, "RS256")}
    body = granted(request, f"{request.fake_upstreams}/services/oauth2/token", form, {})
    if request.has("salesforce-drops-the-instance-url"):
        del body["instance_url"]
    return body


def revoke(fake_upstreams: str | None, request: dict[str, Any], forgets: bool) -> int:
    """The status of a revocation, which is 200 whether or not there was such a token."""
    if not forgets:
        post(f"{fake_upstreams}/services/oauth2/revoke", {"token": request["token"]}, {})
    return 200


def granted(request: IssueRequest, url: str, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    status, text = post(url, form, headers)
    body = json.loads(text)
    if status != 200:
        words = body["error_description"] if request.has("passes-the-upstreams-words-on") else ""
        raise Refusal(403, "access_denied", f"{body['error']} {words}".strip())
    return body


def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
    body = urllib.parse.urlencode(form).encode("ascii")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
