"""Judge 11: AWS credentials come from a strict STS by an assertion that every receiver takes, and they work."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

import demo
import fake_aws
import saml
import saml_receivers
import subject
import upstream_client
from context import Context
from results import Case, Mismatch, expect_equal
from saml_maker import Facts
from saml_receivers import Trust

EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OPTIONAL = {"PackedPolicySize", "SourceIdentity"}
BY_SAML = {"ResponseMetadata", "Credentials", "AssumedRoleUser", "Subject", "SubjectType", "Issuer", "Audience"}
BY_TOKEN = {"ResponseMetadata", "Credentials", "AssumedRoleUser", "SubjectFromWebIdentityToken", "Provider", "Audience"}
TRUST_NAMES = (demo.SAML_ISSUER, demo.AWS_SIGN_IN, demo.AWS_SIGN_IN)


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        ("saml", "the answer is STS's, as AWS's own SDK shapes it, for the user who asked", saml_answer_holds),
        ("assertion", "every SAML receiver takes the assertion and refuses its tampered neighbours", assertion_holds),
        ("replay", "the assertion that STS has seen is refused when it comes again", replay_is_refused),
        ("web-identity", "a token of the tenant convinces STS, which fetched the published keys", web_answer_holds),
        ("credentials", "they read what the role may read; more, or a changed key or token, is refused", they_work),
        ("foreign-role", "STS is not even asked for a role that the settings do not allow", foreign_role_is_refused),
    ):
        yield Case(f"aws/{name}", description, partial(check, context))


def issued(context: Context, client_id: str, user_id: str) -> dict[str, Any]:
    return context.server.exchange(client_id, subject.for_client(client_id, user_id), api_type="aws").issued("aws")


def saml_answer_holds(context: Context) -> None:
    user_id = subject.fresh_user()
    body = issued(context, "spa", user_id)
    asked = upstream_client.last_request(context, "/")
    expect_equal("the answer's members", set(body) - OPTIONAL, BY_SAML | {"NameQualifier"})
    expect_equal("Subject", body["Subject"], user_id)
    expect_equal("SubjectType", body["SubjectType"], "persistent")
    expect_equal("Issuer and Audience", (body["Issuer"], body["Audience"]), (demo.SAML_ISSUER, demo.AWS_SIGN_IN))
    credentials_are_stss(body, asked)
    fields = {"Action", "Version", "RoleArn", "PrincipalArn", "SAMLAssertion", "DurationSeconds"}
    expect_equal("the fields sent to STS", set(asked["form"]), fields)


def web_answer_holds(context: Context) -> None:
    user_id = subject.fresh_user()
    body = issued(context, "web-identity", user_id)
    asked = upstream_client.last_request(context, "/")
    expect_equal("the answer's members", set(body) - OPTIONAL, BY_TOKEN)
    expect_equal("SubjectFromWebIdentityToken", body["SubjectFromWebIdentityToken"], user_id)
    credentials_are_stss(body, asked)
    again = upstream_client.post(context, "/", asked["form"])
    expect_equal("the status of a token presented twice", again.status, 400)


def credentials_are_stss(body: dict[str, Any], asked: dict[str, Any]) -> None:
    credentials, granted = body["Credentials"], asked["granted"]["Credentials"]
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    expect_equal("the members of Credentials", set(credentials), {*names, "Expiration"})
    for name in names:
        if credentials[name] != granted[name]:
            raise Mismatch(f"{name} is not the one that STS handed out")
    if EXPIRATION.fullmatch(credentials["Expiration"]) is None:
        raise Mismatch(f"Expiration is {credentials['Expiration']}, not UTC with milliseconds")
    ends, stated = datetime.fromisoformat(credentials["Expiration"]), datetime.fromisoformat(granted["Expiration"])
    expect_equal("Expiration, to the second", ends, stated.replace(microsecond=0).astimezone(ends.tzinfo))
    expect_equal("AssumedRoleUser", body["AssumedRoleUser"], asked["granted"]["AssumedRoleUser"])


def assertion_holds(context: Context) -> None:
    user_id = subject.fresh_user()
    issued(context, "spa", user_id)
    response = base64.b64decode(upstream_client.last_request(context, "/")["form"]["SAMLAssertion"])
    trust = Trust(*TRUST_NAMES, context.keys.certificate)
    saml.receivers_bite(context, response, Facts(demo.SAML_ISSUER, user_id, demo.AWS_SIGN_IN, demo.AWS_SIGN_IN), trust)
    statement = saml_receivers.accept(response, trust)
    expect_equal("NameID", statement.subject, user_id)
    role = statement.attributes.get("https://aws.amazon.com/SAML/Attributes/Role")
    expect_equal("the Role attribute", role, [f"{demo.AWS_ROLE},{demo.AWS_PROVIDER}"])


def replay_is_refused(context: Context) -> None:
    issued(context, "spa", subject.fresh_user())
    asked = upstream_client.last_request(context, "/")
    expect_equal(
        "the status of an assertion presented twice", upstream_client.post(context, "/", asked["form"]).status, 400
    )
    expect_equal("its error", upstream_client.last_request(context, "/")["code"], "InvalidIdentityToken")


def they_work(context: Context) -> None:
    keys = issued(context, "spa", subject.fresh_user())["Credentials"]
    url = upstream_client.get(context, "/cloud").body["url"]

    def read(changed: dict[str, str]) -> bytes:
        s3 = fake_aws.client(url, "s3", {**keys, **changed})
        return s3.get_object(Bucket=demo.AWS_BUCKET, Key=fake_aws.OBJECT)["Body"].read()

    try:
        content = read({})
    except ClientError as error:
        raise Mismatch(f"the credentials do not work: {error}") from error
    expect_equal("what the credentials read", content, fake_aws.CONTENT)
    s3 = fake_aws.client(url, "s3", keys)
    denied("writing", "AccessDenied", lambda: s3.put_object(Bucket=demo.AWS_BUCKET, Key="new", Body=b""))
    denied("reading with another key", "SignatureDoesNotMatch", lambda: read({"SecretAccessKey": "x" * 40}))
    denied("reading with another session", "InvalidToken", lambda: read({"SessionToken": "x" * 40}))


def denied(what: str, code: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except ClientError as error:
        expect_equal(f"the error of {what}", error.response["Error"]["Code"], code)
        return
    raise Mismatch(f"{what} succeeds")


def foreign_role_is_refused(context: Context) -> None:
    issued(context, "spa", subject.fresh_user())
    seen = len(upstream_client.get(context, "/log").body)
    answer = context.server.exchange("spa", subject.for_client("spa"), api_type="aws", role=f"{demo.AWS_ROLE}-admin")
    answer.expect_error(400, "invalid_request")
    expect_equal("the number of calls that STS saw for it", len(upstream_client.get(context, "/log").body) - seen, 0)
    other = {"principal": f"{demo.AWS_PROVIDER}-other"}
    answer = context.server.exchange("spa", subject.for_client("spa"), api_type="aws", **other)
    if answer.status not in (400, 403):
        raise Mismatch(f"HTTP {answer.status} {answer.redacted()} for a provider that does not exist")
