"""A strict fake of AWS STS: AssumeRoleWithSAML and AssumeRoleWithWebIdentity, with AWS's error codes."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
import jwt

import aws_sts
import demo
import saml_receivers
from fake_aws import FakeAws
from fake_http import FakeResponse, FormRequest, ReplayCache, strict_base64
from rules import Refused
from saml_receivers import Statement

VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
SESSION_SECONDS = range(900, 43_201)
DEFAULT_SECONDS = 3600
MODEL = botocore.session.get_session().get_service_model("sts")


class StsError(Exception):
    """An STS error: its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class FakeSts:
    aws: FakeAws
    certificate: str
    keys: Callable[[], dict[str, Any]]
    """Returns the tenant's JWKS; called for each token."""
    presented: ReplayCache = field(default_factory=ReplayCache)

    def respond(self, request: FormRequest) -> FakeResponse:
        try:
            action = self.action(request)
            result, granted = self.saml(request.form) if action == "AssumeRoleWithSAML" else self.web(request.form)
        except StsError as error:
            return error_response(error)
        body = f"<{action}Result>{result}</{action}Result>"
        metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        text = f'<{action}Response xmlns="{NAMESPACE}">{body}{metadata}</{action}Response>'
        return FakeResponse(200, text, "text/xml", granted=granted)

    def action(self, request: FormRequest) -> str:
        """The action, if it is one of the two and its fields match botocore's model of STS."""
        action = request.form.get("Action", "")
        require("Authorization" not in request.headers, "ValidationError", f"{action} takes no signature")
        known = action in ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
        require(known, "InvalidAction", f"Could not find operation {action} for version {VERSION}")
        require(request.form.get("Version") == VERSION, "InvalidAction", "the version is not the one of STS")
        shape = MODEL.operation_model(action).input_shape
        fields = {name: value for name, value in request.form.items() if name not in ("Action", "Version")}
        require(set(fields) <= set(shape.members), "ValidationError", f"unknown fields {sorted(fields)}")
        missing = set(shape.required_members) - set(fields)
        require(not missing, "ValidationError", f"missing {sorted(missing)}")
        for name, value in fields.items():
            require_valid(name, value, shape.members[name])
        return action

    def saml(self, form: dict[str, str]) -> tuple[str, Any]:
        provider, role = form["PrincipalArn"], form["RoleArn"]
        require(provider == demo.AWS_PROVIDER, "InvalidIdentityToken", "Specified provider doesn't exist")
        response = strict_base64(form["SAMLAssertion"], urlsafe=False)
        require(response is not None, "InvalidIdentityToken", "Invalid base64 SAMLResponse")
        try:
            statement = saml_receivers.accept(response or b"", aws_sts.trust(self.certificate))
        except Refused as refused:
            code = "ExpiredTokenException" if refused.expired else "InvalidIdentityToken"
            raise StsError(code, str(refused)) from refused
        require(
            self.presented.is_new(statement.assertion_id), "InvalidIdentityToken", "the assertion was presented before"
        )
        session = self.saml_session(statement, f"{role},{provider}")
        seconds = self.seconds(role, form, "AssumeRoleWithSAML")
        if statement.session_expires is not None:
            remaining = int((statement.session_expires - datetime.now(UTC)).total_seconds())
            seconds = max(SESSION_SECONDS.start, min(seconds, remaining))
        granted = self.aws.credentials(role, session, seconds)
        qualifier = hashlib.sha1(
            f"{statement.issuer}{demo.AWS_ACCOUNT}/{provider.rpartition('/')[2]}".encode()
        ).digest()
        details = {
            "Subject": statement.subject,
            "SubjectType": statement.subject_format.rpartition(":")[2],
            "Issuer": statement.issuer,
            "Audience": statement.audience,
            "NameQualifier": base64.b64encode(qualifier).decode("ascii"),
        }
        identity = statement.attributes.get(f"{aws_sts.ATTRIBUTE_PREFIX}SourceIdentity")
        return credentials_xml(granted, details | ({"SourceIdentity": identity[0]} if identity else {})), granted

    def saml_session(self, statement: Statement, role_and_provider: str) -> str:
        """The session's name, if every attribute is one of Amazon's and the role is allowed."""
        attributes = {
            name.removeprefix(aws_sts.ATTRIBUTE_PREFIX): values for name, values in statement.attributes.items()
        }
        known = {"Role", "RoleSessionName", "SessionDuration", "SourceIdentity", "TransitiveTagKeys"}
        unknown = [name for name in attributes if name not in known and not name.startswith("PrincipalTag:")]
        require(not unknown, "InvalidIdentityToken", f"attributes that AWS does not know: {unknown}")
        allowed = role_and_provider in attributes.get("Role", [])
        require(allowed, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
        names = attributes.get("RoleSessionName", [])
        valid = len(names) == 1 and SESSION_NAME.fullmatch(names[0]) is not None
        require(valid, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse")
        for duration in attributes.get("SessionDuration", []):
            valid = duration.isdigit() and int(duration) in SESSION_SECONDS
            require(valid, "InvalidIdentityToken", "SessionDuration is out of range")
        return names[0]

    def web(self, form: dict[str, str]) -> tuple[str, Any]:
        token, role = form["WebIdentityToken"], form["RoleArn"]
        try:
            keys = jwt.PyJWKSet.from_dict(self.keys())
        except Exception as error:
            raise StsError("IDPCommunicationError", "the keys of the identity provider cannot be fetched") from error
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            claims = jwt.decode(
                token,
                keys[kid],
                algorithms=["RS256"],
                issuer=demo.ISSUER,
                audience="sts.amazonaws.com",
                options={"require": ["iss", "sub", "aud", "iat", "exp"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise StsError("ExpiredTokenException", str(error)) from error
        except (jwt.PyJWTError, KeyError) as error:
            raise StsError("InvalidIdentityToken", f"{type(error).__name__}: {error}") from error
        require(self.presented.is_new(token), "InvalidIdentityToken", "the token was presented before")
        require(SESSION_NAME.fullmatch(form["RoleSessionName"]) is not None, "ValidationError", "RoleSessionName")
        seconds = self.seconds(role, form, "AssumeRoleWithWebIdentity")
        granted = self.aws.credentials(role, form["RoleSessionName"], seconds)
        details = {
            "SubjectFromWebIdentityToken": claims["sub"],
            "Audience": "sts.amazonaws.com",
            "Provider": demo.ISSUER.removeprefix("https://").rstrip("/"),
        }
        return credentials_xml(granted, details), granted

    def seconds(self, role: str, form: dict[str, str], action: str) -> int:
        require(role == demo.AWS_ROLE, "AccessDenied", f"Not authorized to perform sts:{action}", 403)
        seconds = int(form.get("DurationSeconds", DEFAULT_SECONDS))
        allowed = seconds <= demo.AWS_ROLE_SECONDS_MAX
        require(
            allowed, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role"
        )
        return seconds


def require_valid(name: str, value: str, shape: Any) -> None:
    limits = shape.metadata
    if shape.type_name == "integer":
        valid = re.fullmatch(r"\d{1,9}", value) and limits["min"] <= int(value) <= limits["max"]
    else:
        valid = shape.type_name == "string" and limits["min"] <= len(value) <= limits["max"]
    require(bool(valid), "ValidationError", f"{name} does not match the model of STS")


def credentials_xml(granted: dict[str, Any], details: dict[str, str]) -> str:
    keys = granted["Credentials"]
    expiration = keys["Expiration"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    credentials = {name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
    return (
        element("Credentials", texts({**credentials, "Expiration": expiration}))
        + element("AssumedRoleUser", texts(granted["AssumedRoleUser"]))
        + texts(details)
    )


def error_response(sts_error: StsError) -> FakeResponse:
    error = element("Error", texts({"Type": "Sender", "Code": sts_error.code, "Message": str(sts_error)}))
    body = f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>'
    return FakeResponse(sts_error.status, body, "text/xml", code=sts_error.code)


def texts(members: dict[str, str]) -> str:
    return "".join(element(name, escape(text)) for name, text in members.items())


def element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def require(holds: bool, code: str, message: str, status: int = 400) -> None:
    if not holds:
        raise StsError(code, message, status)
