"""Verifies the fake upstreams: a valid proof is accepted once, each tampered one is refused with its error code."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import jwt
from botocore.exceptions import ClientError
from lxml import etree

import aws_sts
import demo
import fake_entra
import fake_github
import fake_google
import fake_salesforce
import fake_sap
import github_app
import google_auth
import microsoft_msal
import saml
import saml_maker
import subject
import upstream_client
from context import Context
from results import Case, Mismatch, expect_equal
from saml_maker import Facts


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        (
            "sts-saml",
            "Amazon's own client reads its responses and errors; tampered SAML and wrong fields are refused",
            check_sts_saml,
        ),
        (
            "sts-web-identity",
            "a valid token is accepted once; tampered ones are refused with Amazon's error codes",
            check_sts_web_identity,
        ),
        ("sts-unsigned", "a signed call, a repeated field and an unknown one are refused", check_sts_parsing),
        (
            "google",
            "google-auth reads its responses; tampered JWTs, wrong forms and members, and other accounts are refused",
            check_google,
        ),
        (
            "entra",
            "MSAL reads its responses; tampered JWTs, wrong forms and scopes are refused with Microsoft's numbers",
            check_entra,
        ),
        (
            "github",
            "octokit gets and revokes a token; tampered JWTs, other headers and wider access are refused",
            check_github,
        ),
        ("salesforce", "a valid JWT is accepted once; tampered ones and wrong forms are refused", check_salesforce),
        (
            "sap",
            "a valid assertion is accepted once; tampered ones, wrong forms and wrong passwords are refused",
            check_sap,
        ),
    ):
        yield Case(f"fake_upstreams/{name}", description, partial(check, context))


def assume(context: Context, response: bytes, **changed: object) -> dict[str, Any]:
    fields = {"RoleArn": demo.AWS_ROLE, "PrincipalArn": demo.AWS_PROVIDER, "DurationSeconds": 900, **changed}
    text = base64.b64encode(response).decode("ascii")
    return aws_sts.client(upstream_client.url(context)).assume_role_with_saml(**{"SAMLAssertion": text, **fields})


def check_sts_saml(context: Context) -> None:
    facts = aws_sts.facts("auth0|alice", "alice")
    response = aws_sts.response(context.keys, facts)
    answer = assume(context, response)
    expect_equal("Subject", answer["Subject"], "auth0|alice")
    expect_equal("SubjectType", answer["SubjectType"], "persistent")
    expect_refused_by_sts("presented twice", {"InvalidIdentityToken"}, lambda: assume(context, response))
    responses = [*saml.broken_signatures(context, response, facts), *saml.wrong_facts(context, facts)]
    for what, tampered in responses:
        codes = {"InvalidIdentityToken", "ExpiredTokenException"}
        expect_refused_by_sts(what, codes, lambda tampered=tampered: assume(context, tampered))
    expired = facts.changed(starts=-900, expires=-600, confirmation_expires=-600)
    expect_refused_by_sts(
        "that has expired", {"ExpiredTokenException"}, lambda: assume(context, aws_sts.response(context.keys, expired))
    )
    for what, code, attributes in (
        ("for another role", "AccessDenied", {"Role": [f"{demo.AWS_ROLE}2,{demo.AWS_PROVIDER}"]}),
        ("without a role", "AccessDenied", {"Role": []}),
        ("with a session name that AWS refuses", "InvalidIdentityToken", {"RoleSessionName": ["a|b"]}),
        ("with a session that is too short", "InvalidIdentityToken", {"SessionDuration": ["5"]}),
        ("with an attribute that AWS does not know", "InvalidIdentityToken", {"Admin": ["true"]}),
    ):
        changed = facts.changed(attributes={**facts.attributes, **aws_sts.prefixed(attributes)})
        expect_refused_by_sts(
            what, {code}, lambda changed=changed: assume(context, aws_sts.response(context.keys, changed))
        )
    for what, code, fields in (
        ("for five seconds", "ValidationError", {"DurationSeconds": 5}),
        (
            "for longer than the role's maximum session",
            "ValidationError",
            {"DurationSeconds": demo.AWS_ROLE_SECONDS_MAX + 1},
        ),
        ("for a role with a bad name", "ValidationError", {"RoleArn": "bad"}),
        ("for a role that does not exist", "AccessDenied", {"RoleArn": f"{demo.AWS_ROLE}-none"}),
        ("of an unknown provider", "InvalidIdentityToken", {"PrincipalArn": f"{demo.AWS_PROVIDER}-none"}),
        ("that is not base64", "InvalidIdentityToken", {"SAMLAssertion": "*" * 8}),
        ("that is not XML", "InvalidIdentityToken", {"SAMLAssertion": "AAAA"}),
    ):
        expect_refused_by_sts(
            what, {code}, lambda fields=fields: assume(context, aws_sts.response(context.keys, facts), **fields)
        )


def check_sts_web_identity(context: Context) -> None:
    def claims(**changed: object) -> dict[str, Any]:
        return subject.claims("sts.amazonaws.com", jti=uuid.uuid4().hex, **changed)

    def assume_with(token: str, **changed: object) -> Any:
        fields = {"RoleArn": demo.AWS_ROLE, "RoleSessionName": "alice", "DurationSeconds": 900, **changed}
        return aws_sts.client(upstream_client.url(context)).assume_role_with_web_identity(
            **{"WebIdentityToken": token, **fields}
        )

    tenant, now = context.keys.tenant, int(time.time())
    valid = subject.rs256(claims(), tenant)
    expect_equal("Provider", assume_with(valid)["Provider"], "acme.example.com")
    for what, code, token in (
        ("presented twice", "InvalidIdentityToken", valid),
        ("that has expired", "ExpiredTokenException", subject.rs256(claims(iat=now - 900, exp=now - 600), tenant)),
        ("for another audience", "InvalidIdentityToken", subject.rs256(claims(aud="other"), tenant)),
        ("of another issuer", "InvalidIdentityToken", subject.rs256(claims(iss="https://o.example.com/"), tenant)),
        ("without exp", "InvalidIdentityToken", subject.rs256(claims(exp=None), tenant)),
        ("with a flipped signature", "InvalidIdentityToken", subject.with_flipped_signature(valid)),
        ("without a signature", "InvalidIdentityToken", subject.unsigned(claims())),
        ("of an unknown key", "InvalidIdentityToken", subject.rs256(claims(), tenant, "other")),
        ("of another key", "InvalidIdentityToken", subject.rs256(claims(), context.keys.firebase)),
        ("that is malformed", "InvalidIdentityToken", "not.a.jwt"),
    ):
        expect_refused_by_sts(what, {code}, lambda token=token: assume_with(token))
    new_token = partial(subject.rs256, claims(), tenant)
    expect_refused_by_sts("for five seconds", {"ValidationError"}, lambda: assume_with(new_token(), DurationSeconds=5))
    expect_refused_by_sts(
        "with a short session name", {"ValidationError"}, lambda: assume_with(new_token(), RoleSessionName="a")
    )
    expect_refused_by_sts(
        "with a bad session name", {"ValidationError"}, lambda: assume_with(new_token(), RoleSessionName="a|b")
    )


def expect_refused_by_sts(what: str, codes: set[str], attempt: Any) -> None:
    try:
        attempt()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in codes:
            raise Mismatch(f"the fake STS answered {code} to a proof {what}, expected {sorted(codes)}") from error
        return
    raise Mismatch(f"the fake STS accepted a proof {what}")


def check_sts_parsing(context: Context) -> None:
    text = base64.b64encode(aws_sts.response(context.keys, aws_sts.facts("auth0|alice", "alice"))).decode("ascii")
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
    expect_equal("the status of the unchanged form", upstream_client.post(context, "/", form).status, 200)


def check_google(context: Context) -> None:
    tenant, url = context.keys.tenant, upstream_client.url(context)

    def claims(**changed: object) -> dict[str, Any]:
        return subject.claims(demo.GCP_PROVIDER, **{"azp": "spa", "jti": uuid.uuid4().hex, **changed})

    def post(token: str, **changed: str) -> Any:
        form = {**fake_google.GRANT, "scope": google_auth.IAM_SCOPE, "subject_token": token, **changed}
        return upstream_client.post(context, fake_google.STS_PATH, form)

    credentials = google_auth.access_token(
        url, subject.rs256(claims(), tenant), demo.GCP_SCOPES, demo.GCP_ACCOUNT
    )
    expect_equal("whether google-auth takes its credentials to be valid", credentials.valid, True)
    now, valid = int(time.time()), subject.rs256(claims(), tenant)
    for code, token in (
        ("invalid_grant", subject.rs256(claims(aud="other"), tenant)),
        ("invalid_grant", subject.rs256(claims(iss="https://o.example.com/"), tenant)),
        ("invalid_grant", subject.rs256(claims(iat=now - 900, exp=now - 600), tenant)),
        ("invalid_grant", subject.rs256(claims(exp=now + 90_000), tenant)),
        ("invalid_grant", subject.rs256(claims(iat=now + 600), tenant)),
        ("invalid_grant", subject.rs256(claims(iat=None), tenant)),
        ("invalid_grant", subject.rs256(claims(exp=now + 60.5), tenant)),
        ("invalid_grant", subject.rs256(claims(sub="x" * 128), tenant)),
        ("invalid_grant", subject.rs256(claims(), tenant, "other")),
        ("invalid_grant", subject.rs256(claims(), context.keys.firebase)),
        ("invalid_grant", subject.with_flipped_signature(valid)),
        ("invalid_grant", subject.unsigned(claims())),
        ("invalid_grant", "not.a.jwt"),
        ("unauthorized_client", subject.rs256(claims(azp="mobile"), tenant)),
        ("unauthorized_client", subject.rs256(claims(azp=None), tenant)),
    ):
        post(token).expect_error(400, code)
    for changed in ({"audience": "x"}, {"subject_token_type": "x"}, {"client_id": "x"}, {"grant_type": "x"}):
        post(valid, **changed).expect_error(400, "invalid_request")
    post(valid, scope="https://www.googleapis.com/auth/everything").expect_error(400, "invalid_scope")
    check_google_account(context, post(valid).body["access_token"], post(valid, scope=demo.GCP_SCOPES[0]).body)


def check_google_account(context: Context, token: str, without_iam_scope: dict[str, Any]) -> None:
    account, valid = demo.GCP_ACCOUNT, {"delegates": [], "scope": demo.GCP_SCOPES, "lifetime": "600s"}

    def post(document: object, method: str = "generateAccessToken", bearer: str = token, account: str = account) -> int:
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        path = f"{fake_google.ACCOUNTS}{account}:{method}"
        return upstream_client.post_body(context, path, json.dumps(document), headers).status

    expect_equal("the status of a valid request", post(valid), 200)
    expect_equal("the status with another token", post(valid, bearer="x"), 401)
    expect_equal("the status without the scope", post(valid, bearer=without_iam_scope["access_token"]), 403)
    expect_equal("the status of another account", post(valid, account="x@y.iam.gserviceaccount.com"), 404)
    for changed in ({"lifetime": "3601s"}, {"lifetime": 600}, {"scope": []}, {"scope": ["x"]}, {"audience": "x"}):
        expect_equal(f"the status with {changed}", post({**valid, **changed}), 400)
    expect_equal("the status of another method", post(valid, "signBlob"), 400)
    expect_equal("the status of a list", post([valid]), 400)
    identity = {"audience": "x", "delegates": [], "includeEmail": True}
    expect_equal("the status of a valid request for an ID token", post(identity, "generateIdToken"), 200)
    expect_equal("the status with a text", post({**identity, "includeEmail": "true"}, "generateIdToken"), 400)


def check_entra(context: Context) -> None:
    tenant, now = context.keys.tenant, int(time.time())

    def claims(**changed: object) -> dict[str, Any]:
        return subject.claims(demo.ENTRA_AUDIENCE, demo.ENTRA_SUBJECT, **changed)

    def post(token: str, headers: dict[str, str] | None = None, **changed: str) -> int | None:
        form = {"grant_type": "client_credentials", "client_id": demo.ENTRA_CLIENT, "scope": demo.ENTRA_SCOPES[0]}
        form |= {"client_assertion_type": fake_entra.ASSERTION_TYPE, "client_assertion": token, **changed}
        response = upstream_client.post(context, fake_entra.TOKEN_PATH, form, headers)
        return None if response.status == 200 else response.body["error_codes"][0]

    valid = subject.rs256(claims(), tenant)
    answer = microsoft_msal.token(upstream_client.url(context), valid, demo.ENTRA_SCOPES[0])
    expect_equal("token_type for MSAL", answer.get("token_type"), "Bearer")
    for number, token in (
        (None, valid),
        (700211, subject.rs256(claims(iss="https://o.example.com/"), tenant)),
        (700212, subject.rs256(claims(aud="other"), tenant)),
        (700212, subject.rs256(claims(aud=[demo.ENTRA_AUDIENCE]), tenant)),
        (700213, subject.rs256(claims(sub="auth0|alice"), tenant)),
        (700213, subject.rs256(claims(sub="Readers"), tenant)),
        (700024, subject.rs256(claims(iat=now - 900, exp=now - 600), tenant)),
        (700024, subject.rs256(claims(nbf=now + 600), tenant)),
        (700024, subject.rs256(claims(exp=now + 4000), tenant)),
        (50027, subject.rs256(claims(exp=None), tenant)),
        (50027, subject.rs256(claims(), context.keys.firebase)),
        (50027, subject.with_flipped_signature(valid)),
        (90061, subject.rs256(claims(), tenant, "other")),
        (90061, subject.unsigned(claims())),
        (50027, "not.a.jwt"),
    ):
        expect_equal("Entra's number", post(token), number)
    for number, changed in (
        (900144, {"client_secret": "x"}),
        (70003, {"grant_type": "password"}),
        (700016, {"client_id": demo.ENTRA_DIRECTORY}),
        (700021, {"client_assertion_type": "x"}),
        (1002012, {"scope": "https://graph.microsoft.com/User.Read"}),
        (1002012, {"scope": " ".join(demo.ENTRA_SCOPES)}),
        (500011, {"scope": "https://vault.azure.net/.default"}),
    ):
        expect_equal(f"Entra's number with {changed}", post(valid, **changed), number)
    expect_equal("Entra's number with an Authorization", post(valid, {"Authorization": "Basic eDp5"}), 900144)


def check_github(context: Context) -> None:
    now, key = int(time.time()), context.keys.firebase

    def claims(**changed: object) -> dict[str, Any]:
        valid = {"iss": demo.GITHUB_CLIENT, "iat": now - 60, "exp": now + 300}
        return subject.with_changes(valid, **changed)

    def post(token: str, document: object = None, path: str = fake_github.TOKENS_PATH, **changed: str) -> int:
        headers = {"Accept": "application/vnd.github+json", "Content-Type": "application/json", **changed}
        headers["Authorization"] = f"Bearer {token}"
        return upstream_client.post_body(context, path, json.dumps(document or {}), headers).status

    token = github_app.octokit(context, permissions={"contents": "read"})["token"]
    expect_equal("octokit's revocation", github_app.octokit(context, revoke=token)["status"], 204)
    expect_equal("octokit's second revocation", github_app.octokit(context, revoke=token)["status"], 401)
    valid = jwt.encode(claims(), key, "RS256")
    expect_equal("the status of a valid JWT", post(valid), 201)
    for tampered in (
        jwt.encode(claims(iss="other"), key, "RS256"),
        jwt.encode(claims(iat=now + 60), key, "RS256"),
        jwt.encode(claims(exp=now - 10), key, "RS256"),
        jwt.encode(claims(exp=now + 660), key, "RS256"),
        jwt.encode(claims(exp=None), key, "RS256"),
        jwt.encode(claims(iat=None), key, "RS256"),
        jwt.encode(claims(), context.keys.tenant, "RS256"),
        jwt.encode(claims(), key, "RS512"),
        subject.with_flipped_signature(valid),
        subject.unsigned(claims()),
        "not.a.jwt",
    ):
        expect_equal("the status of a tampered JWT", post(tampered), 401)
    for document in (
        {"repositories": ["missing"]},
        {"repositories": "web"},
        {"permissions": {"contents": "admin"}},
        {"permissions": {"secrets": "read"}},
        {"lifetime": 60},
    ):
        expect_equal(f"the status with {document}", post(valid, document), 422)
    expect_equal("the status of another version", post(valid, **{"X-GitHub-Api-Version": "2020-01-01"}), 400)
    expect_equal("the status of another media type", post(valid, Accept="text/html"), 415)
    other = fake_github.TOKENS_PATH.replace(str(demo.GITHUB_INSTALLATION), "1")
    expect_equal("the status of another installation", post(valid, path=other), 404)


def check_salesforce(context: Context) -> None:
    now, tenant = int(time.time()), context.keys.tenant

    def asserted(**changed: object) -> str:
        valid = {"iss": demo.SALESFORCE_CONSUMER, "sub": "alice@example.com", "aud": "https://login.salesforce.com"}
        return jwt.encode({**valid, "exp": now + 120, "jti": uuid.uuid4().hex, **changed}, tenant, "RS256")

    def post(assertion: str, headers: dict[str, str] | None = None, **changed: str) -> Any:
        form = {"grant_type": fake_salesforce.GRANT_TYPE, "assertion": assertion, **changed}
        return upstream_client.post(context, fake_salesforce.TOKEN_PATH, form, headers)

    valid = asserted()
    expect_equal("the status of a valid JWT", post(valid).status, 200)
    for code, assertion in (
        ("invalid_grant", valid),
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


def check_sap(context: Context) -> None:
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
        authorization = demo.basic_authorization(demo.SAP_CLIENT, password)
        return upstream_client.post(context, demo.SAP_PATH, {**form, **changed}, {"Authorization": authorization})

    valid = assertion()
    expect_equal("the status of a valid assertion", post(valid).status, 200)
    for text in (
        valid,
        assertion(audience="https://other.example.com"),
        assertion(recipient="https://other.example.com"),
        assertion(issuer="urn:other"),
        assertion(subject="stranger@example.com"),
        assertion(attributes={}),
        assertion(attributes={"client_id": ["OTHER"]}),
        assertion(starts=-900, expires=-600, confirmation_expires=-600),
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
