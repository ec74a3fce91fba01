"""Verifies AWS credentials: the fake STS issued them for an assertion that every receiver accepts, and they work."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

import aws_sts
import demo
import fake_aws
import saml
import saml_receivers
import subject
import upstream_client
from context import Context
from results import Case, Mismatch, expect_equal

EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OPTIONAL = {"PackedPolicySize", "SourceIdentity"}
BY_SAML = {"ResponseMetadata", "Credentials", "AssumedRoleUser", "Subject", "SubjectType", "Issuer", "Audience"}
BY_TOKEN = {"ResponseMetadata", "Credentials", "AssumedRoleUser", "SubjectFromWebIdentityToken", "Provider", "Audience"}


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        ("saml", "the response is that of STS, in the shape of AWS's own SDK, for the user who asked", check_saml),
        ("assertion", "every SAML receiver accepts the assertion and refuses its tampered variants", check_assertion),
        ("replay", "STS refuses the assertion when it is presented again", replay_is_refused),
        ("web-identity", "STS accepts a token of the tenant, verified with the published keys", check_web_identity),
        (
            "credentials",
            "they read what the role may read; anything more, or a changed key or token, is refused",
            check_credentials,
        ),
        (
            "other-role",
            "a role that the settings do not allow is refused without a request to STS",
            other_role_is_refused,
        ),
    ):
        yield Case(f"aws/{name}", description, partial(check, context))


def issued(context: Context, client_id: str, user_id: str) -> dict[str, Any]:
    return context.server.exchange(client_id, subject.for_client(client_id, user_id), api_type="aws").issued("aws")


def check_saml(context: Context) -> None:
    user_id = subject.fresh_user()
    body = issued(context, "spa", user_id)
    logged = upstream_client.last_request(context, "/")
    expect_equal("the response's members", set(body) - OPTIONAL, BY_SAML | {"NameQualifier"})
    expect_equal("Subject", body["Subject"], user_id)
    expect_equal("SubjectType", body["SubjectType"], "persistent")
    expect_equal("Issuer and Audience", (body["Issuer"], body["Audience"]), (demo.SAML_ISSUER, demo.AWS_SIGN_IN))
    expect_credentials_of_sts(body, logged)
    fields = {"Action", "Version", "RoleArn", "PrincipalArn", "SAMLAssertion", "DurationSeconds"}
    expect_equal("the fields sent to STS", set(logged["form"]), fields)


def check_web_identity(context: Context) -> None:
    user_id = subject.fresh_user()
    body = issued(context, "web-identity", user_id)
    logged = upstream_client.last_request(context, "/")
    expect_equal("the response's members", set(body) - OPTIONAL, BY_TOKEN)
    expect_equal("SubjectFromWebIdentityToken", body["SubjectFromWebIdentityToken"], user_id)
    expect_credentials_of_sts(body, logged)
    again = upstream_client.post(context, "/", logged["form"])
    expect_equal("the status of a token presented twice", again.status, 400)


def expect_credentials_of_sts(body: dict[str, Any], logged: dict[str, Any]) -> None:
    credentials, granted = body["Credentials"], logged["granted"]["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    expect_equal("the members of Credentials", set(credentials), {*names, "Expiration"})
    for name in names:
        if credentials[name] != granted[name]:
            raise Mismatch(f"{name} is not the one that STS issued")
    if EXPIRATION.fullmatch(credentials["Expiration"]) is None:
        raise Mismatch(f"Expiration is {credentials['Expiration']}, expected UTC with milliseconds")
    expires, stated = datetime.fromisoformat(credentials["Expiration"]), datetime.fromisoformat(granted["Expiration"])
    expect_equal("Expiration, to the second", expires, stated.replace(microsecond=0).astimezone(expires.tzinfo))
    expect_equal("AssumedRoleUser", body["AssumedRoleUser"], logged["granted"]["AssumedRoleUser"])


def check_assertion(context: Context) -> None:
    user_id = subject.fresh_user()
    issued(context, "spa", user_id)
    response = base64.b64decode(upstream_client.last_request(context, "/")["form"]["SAMLAssertion"])
    trust = aws_sts.trust(context.keys.certificate)
    saml.check_receivers(context, response, aws_sts.facts(user_id, "session"), trust)
    statement = saml_receivers.accept(response, trust)
    expect_equal("NameID", statement.subject, user_id)
    role = statement.attributes.get(f"{aws_sts.ATTRIBUTE_PREFIX}Role")
    expect_equal("the Role attribute", role, [f"{demo.AWS_ROLE},{demo.AWS_PROVIDER}"])


def replay_is_refused(context: Context) -> None:
    issued(context, "spa", subject.fresh_user())
    logged = upstream_client.last_request(context, "/")
    expect_equal(
        "the status of an assertion presented twice", upstream_client.post(context, "/", logged["form"]).status, 400
    )
    expect_equal("its error", upstream_client.last_request(context, "/")["code"], "InvalidIdentityToken")


def check_credentials(context: Context) -> None:
    keys = issued(context, "spa", subject.fresh_user())["Credentials"]
    url = upstream_client.get(context, "/aws").body["url"]

    def read(changed: dict[str, str]) -> bytes:
        s3 = fake_aws.client(url, "s3", {**keys, **changed})
        return s3.get_object(Bucket=demo.AWS_BUCKET, Key=fake_aws.OBJECT)["Body"].read()

    try:
        content = read({})
    except ClientError as error:
        raise Mismatch(f"the credentials do not work: {error}") from error
    expect_equal("the object that the credentials read", content, fake_aws.CONTENT)
    s3 = fake_aws.client(url, "s3", keys)
    expect_denied("writing", "AccessDenied", lambda: s3.put_object(Bucket=demo.AWS_BUCKET, Key="new", Body=b""))
    expect_denied("reading with another key", "SignatureDoesNotMatch", lambda: read({"SecretAccessKey": "x" * 40}))
    expect_denied("reading with another session", "InvalidToken", lambda: read({"SessionToken": "x" * 40}))


def expect_denied(what: str, code: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except ClientError as error:
        expect_equal(f"the error of {what}", error.response["Error"]["Code"], code)
        return
    raise Mismatch(f"{what} succeeded")


def other_role_is_refused(context: Context) -> None:
    issued(context, "spa", subject.fresh_user())
    requests_before = len(upstream_client.get(context, "/log").body)
    response = context.server.exchange("spa", subject.for_client("spa"), api_type="aws", role=f"{demo.AWS_ROLE}-admin")
    response.expect_error(400, "invalid_request")
    expect_equal(
        "the number of requests to the fake upstreams",
        len(upstream_client.get(context, "/log").body) - requests_before,
        0,
    )
    other = {"principal": f"{demo.AWS_PROVIDER}-other"}
    response = context.server.exchange("spa", subject.for_client("spa"), api_type="aws", **other)
    if response.status not in (400, 403):
        raise Mismatch(f"HTTP {response.status} {response.redacted()} for a provider that does not exist")
