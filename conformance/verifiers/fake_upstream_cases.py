"""Judges the fake upstreams themselves: right proofs are taken once, each tampered one is refused with its code."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from lxml import etree

import demo
import fake_salesforce
import fake_sap
import saml
import saml_maker
import subject
import upstream_client
from context import Context
from results import Case, Mismatch, expect_equal
from salesforce import TOKEN_PATH
from saml_maker import Facts

AWS_ATTRIBUTES = {
    "https://aws.amazon.com/SAML/Attributes/Role": [f"{demo.AWS_ROLE},{demo.AWS_PROVIDER}"],
    "https://aws.amazon.com/SAML/Attributes/RoleSessionName": ["alice"],
}


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        (
            "sts-saml",
            "Amazon's own client reads its answers and its errors; tampered SAML and fields are refused",
            sts_saml,
        ),
        (
            "sts-web-identity",
            "a good token is taken once; tampered ones are refused as Amazon codes them",
            sts_web_identity,
        ),
        ("sts-unsigned", "a signed call, a repeated field and an unknown one are refused", sts_reads_strictly),
        ("salesforce", "a good JWT is taken once; tampered ones and tampered forms are refused", salesforce_bites),
        ("sap", "a good assertion is taken once; tampered ones, forms and passwords are refused", sap_bites),
    ):
        yield Case(f"fake_upstreams/{name}", description, partial(check, context))


def sts_client(context: Context) -> Any:
    configuration = Config(signature_version=UNSIGNED, parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client("sts", endpoint_url=upstream_client.url(context), region_name="us-east-1", config=configuration)


def aws_facts() -> Facts:
    return Facts(demo.SAML_ISSUER, "auth0|alice", demo.AWS_SIGN_IN, demo.AWS_SIGN_IN, attributes=AWS_ATTRIBUTES)


def aws_response(context: Context, facts: Facts) -> bytes:
    made = saml_maker.assertion(facts, context.keys.tenant, context.keys.certificate)
    return saml_maker.response(made, destination=demo.AWS_SIGN_IN, issuer=demo.SAML_ISSUER)


def assume(context: Context, response: bytes, **changed: object) -> dict[str, Any]:
    fields = {"RoleArn": demo.AWS_ROLE, "PrincipalArn": demo.AWS_PROVIDER, "DurationSeconds": 900, **changed}
    text = base64.b64encode(response).decode("ascii")
    return sts_client(context).assume_role_with_saml(**{"SAMLAssertion": text, **fields})


def sts_saml(context: Context) -> None:
    facts = aws_facts()
    response = aws_response(context, facts)
    answer = assume(context, response)
    expect_equal("Subject", answer["Subject"], "auth0|alice")
    expect_equal("SubjectType", answer["SubjectType"], "persistent")
    refused_by_sts("presented twice", {"InvalidIdentityToken"}, lambda: assume(context, response))
    tampered = [*saml.broken_signatures(context, response, facts), *saml.wrong_facts(context, facts)]
    for what, one in tampered:
        codes = {"InvalidIdentityToken", "ExpiredTokenException"}
        refused_by_sts(what, codes, lambda one=one: assume(context, one))
    expired = facts.changed(begins=-900, ends=-600, confirmation_ends=-600)
    refused_by_sts(
        "that has expired", {"ExpiredTokenException"}, lambda: assume(context, aws_response(context, expired))
    )
    for what, code, attributes in (
        ("for another role", "AccessDenied", {"Role": [f"{demo.AWS_ROLE}2,{demo.AWS_PROVIDER}"]}),
        ("without a role", "AccessDenied", {"Role": []}),
        ("with a session name that AWS refuses", "InvalidIdentityToken", {"RoleSessionName": ["a|b"]}),
        ("with too short a session", "InvalidIdentityToken", {"SessionDuration": ["5"]}),
        ("with an attribute that AWS does not know", "InvalidIdentityToken", {"Admin": ["true"]}),
    ):
        named = {f"https://aws.amazon.com/SAML/Attributes/{name}": values for name, values in attributes.items()}
        changed = facts.changed(attributes={**AWS_ATTRIBUTES, **named})
        refused_by_sts(what, {code}, lambda changed=changed: assume(context, aws_response(context, changed)))
    for what, code, fields in (
        ("for five seconds", "ValidationError", {"DurationSeconds": 5}),
        ("for longer than the role lives", "ValidationError", {"DurationSeconds": demo.AWS_ROLE_SECONDS_MAX + 1}),
        ("for a role with a bad name", "ValidationError", {"RoleArn": "bad"}),
        ("for a role that does not exist", "AccessDenied", {"RoleArn": f"{demo.AWS_ROLE}-none"}),
        ("of an unknown provider", "InvalidIdentityToken", {"PrincipalArn": f"{demo.AWS_PROVIDER}-none"}),
        ("that is no base64", "InvalidIdentityToken", {"SAMLAssertion": "*" * 8}),
        ("that is no XML", "InvalidIdentityToken", {"SAMLAssertion": "AAAA"}),
    ):
        refused_by_sts(what, {code}, lambda fields=fields: assume(context, aws_response(context, facts), **fields))


def sts_web_identity(context: Context) -> None:
    def claims(**changed: object) -> dict[str, Any]:
        return subject.claims("sts.amazonaws.com", jti=uuid.uuid4().hex, **changed)

    def assume_with(token: str, **changed: object) -> Any:
        fields = {"RoleArn": demo.AWS_ROLE, "RoleSessionName": "alice", "DurationSeconds": 900, **changed}
        return sts_client(context).assume_role_with_web_identity(**{"WebIdentityToken": token, **fields})

    tenant, now = context.keys.tenant, int(time.time())
    good = subject.rs256(claims(), tenant)
    expect_equal("Provider", assume_with(good)["Provider"], "acme.example.com")
    for what, code, token in (
        ("presented twice", "InvalidIdentityToken", good),
        ("that has expired", "ExpiredTokenException", subject.rs256(claims(iat=now - 900, exp=now - 600), tenant)),
        ("for another audience", "InvalidIdentityToken", subject.rs256(claims(aud="other"), tenant)),
        ("of another issuer", "InvalidIdentityToken", subject.rs256(claims(iss="https://o.example.com/"), tenant)),
        ("without exp", "InvalidIdentityToken", subject.rs256(claims(exp=None), tenant)),
        ("with a flipped signature", "InvalidIdentityToken", subject.with_flipped_signature(good)),
        ("without a signature", "InvalidIdentityToken", subject.unsigned(claims())),
        ("of an unknown key", "InvalidIdentityToken", subject.rs256(claims(), tenant, "other")),
        ("of another key", "InvalidIdentityToken", subject.rs256(claims(), context.keys.firebase)),
        ("that is none", "InvalidIdentityToken", "not.a.jwt"),
    ):
        refused_by_sts(what, {code}, lambda token=token: assume_with(token))
    fresh = partial(subject.rs256, claims(), tenant)
    refused_by_sts("for five seconds", {"ValidationError"}, lambda: assume_with(fresh(), DurationSeconds=5))
    refused_by_sts("with a short session name", {"ValidationError"}, lambda: assume_with(fresh(), RoleSessionName="a"))
    refused_by_sts("with a bad session name", {"ValidationError"}, lambda: assume_with(fresh(), RoleSessionName="a|b"))


def refused_by_sts(what: str, codes: set[str], attempt: Any) -> None:
    try:
        attempt()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in codes:
            raise Mismatch(f"the fake STS answers {code} to a proof {what}, not {sorted(codes)}") from error
        return
    raise Mismatch(f"the fake STS takes a proof {what}")


def sts_reads_strictly(context: Context) -> None:
    text = base64.b64encode(aws_response(context, aws_facts())).decode("ascii")
    form = {"Action": "AssumeRoleWithSAML", "Version": "2011-06-15", "RoleArn": demo.AWS_ROLE}
    form |= {"PrincipalArn": demo.AWS_PROVIDER, "SAMLAssertion": text}
    for headers, changed in (
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, {}),
        ({"Content-Type": "application/json"}, {}),
        ({}, {"Role": "admin"}),
        ({}, {"Version": "2010-05-08"}),
        ({}, {"Action": "AssumeRole"}),
    ):
        expect_equal(
            f"the status with {headers or changed}",
            upstream_client.post(context, "/", form | changed, headers).status,
            400,
        )
    twice = upstream_client.post_body(context, "/", urlencode(form) + "&DurationSeconds=900&DurationSeconds=3600")
    expect_equal("the status with a repeated field", twice.status, 400)
    expect_equal("the status of the untouched form", upstream_client.post(context, "/", form).status, 200)


def salesforce_bites(context: Context) -> None:
    now, tenant = int(time.time()), context.keys.tenant

    def asserted(**changed: object) -> str:
        good = {"iss": demo.SALESFORCE_CONSUMER, "sub": "alice@example.com", "aud": "https://login.salesforce.com"}
        return jwt.encode({**good, "exp": now + 120, "jti": uuid.uuid4().hex, **changed}, tenant, "RS256")

    def post(assertion: str, headers: dict[str, str] | None = None, **changed: str) -> Any:
        form = {"grant_type": fake_salesforce.GRANT_TYPE, "assertion": assertion, **changed}
        return upstream_client.post(context, TOKEN_PATH, form, headers)

    good = asserted()
    expect_equal("the status of a good JWT", post(good).status, 200)
    for code, assertion in (
        ("invalid_grant", good),
        ("invalid_grant", asserted(aud="https://other.example.com")),
        ("invalid_grant", asserted(aud=["https://login.salesforce.com"])),
        ("invalid_grant", asserted(exp=now + 200)),
        ("invalid_grant", asserted(exp=now - 10)),
        ("invalid_grant", asserted(exp=str(now + 120))),
        ("invalid_grant", asserted(exp=now + 60.5)),
        ("invalid_grant", asserted(sub="stranger@example.com")),
        ("invalid_client_id", asserted(iss="other")),
        ("invalid_grant", subject.with_flipped_signature(asserted())),
        ("invalid_grant", subject.unsigned({"iss": demo.SALESFORCE_CONSUMER, "exp": now + 120})),
        ("invalid_grant", "not.a.jwt"),
    ):
        post(assertion).expect_error(400, code)
    post(asserted(), client_secret="s").expect_error(400, "invalid_request")
    post(asserted(), {"Authorization": "Basic eDp5"}).expect_error(400, "invalid_request")
    post(asserted(), grant_type="authorization_code").expect_error(400, "unsupported_grant_type")


def sap_bites(context: Context) -> None:
    endpoint = upstream_client.url(context) + demo.SAP_PATH
    facts = Facts(demo.SAML_ISSUER, "alice@example.com", endpoint, endpoint)
    facts = facts.changed(attributes={"client_id": [demo.SAP_CLIENT]})

    def assertion(digest: str = "sha256", **changes: object) -> str:
        made = saml_maker.assertion(facts.changed(**changes), context.keys.tenant, context.keys.certificate, digest)
        return subject.base64url(etree.tostring(made))

    def post(text: str, password: str = demo.SAP_PASSWORD, **changed: str) -> Any:
        form = {
            "grant_type": fake_sap.GRANT_TYPE,
            "assertion": text,
            "client_id": demo.SAP_CLIENT,
            "scope": demo.SAP_SCOPE,
        }
        basic = base64.b64encode(f"{demo.SAP_CLIENT}:{password}".encode()).decode("ascii")
        return upstream_client.post(context, demo.SAP_PATH, {**form, **changed}, {"Authorization": f"Basic {basic}"})

    good = assertion()
    expect_equal("the status of a good assertion", post(good).status, 200)
    for text in (
        good,
        assertion(audience="https://other.example.com"),
        assertion(recipient="https://other.example.com"),
        assertion(issuer="urn:other"),
        assertion(subject="stranger@example.com"),
        assertion(attributes={}),
        assertion(attributes={"client_id": ["OTHER"]}),
        assertion(begins=-900, ends=-600, confirmation_ends=-600),
        assertion(digest="sha1"),
        assertion() + "==",
        "AAAA",
    ):
        post(text).expect_error(400, "invalid_grant")
    post(assertion(), password="wrong").expect_error(401, "invalid_client")
    post(assertion(), client_id="OTHER").expect_error(400, "invalid_request")
    post(assertion(), scope="ZOTHER").expect_error(400, "invalid_scope")
    post(assertion(), scope="").expect_error(400, "invalid_scope")
    post(assertion(), grant_type="password").expect_error(400, "unsupported_grant_type")
