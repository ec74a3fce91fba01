"""A strict stand-in for AWS STS: AssumeRoleWithSAML and AssumeRoleWithWebIdentity, refusals as AWS codes them."""

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

import demo
import saml_receivers
from fake_aws import FakeAws
from fake_http import FakeResponse, FormRequest, ReplayCache, decoded
from saml_receivers import Statement, Trust

VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
SESSION_SECONDS = range(900, 43_201)
DEFAULT_SECONDS = 3600
MODEL = botocore.session.get_session().get_service_model("sts")


class Refusal(Exception):
    """An STS error: its code, and the status that goes with it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class FakeSts:
    cloud: FakeAws
    certificate: str
    keys: Callable[[], dict[str, Any]]
    """The JWKS of the tenant, fetched anew for each token."""
    presented: ReplayCache = field(default_factory=ReplayCache)

    def answer(self, request: FormRequest) -> FakeResponse:
        try:
            action = self.action(request)
            result, granted = self.saml(request.form) if action == "AssumeRoleWithSAML" else self.web(request.form)
        except Refusal as refusal:
            return error_response(refusal)
        body = f"<{action}Result>{result}</{action}Result>"
        metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        text = f'<{action}Response xmlns="{NAMESPACE}">{body}{metadata}</{action}Response>'
        return FakeResponse(200, text, "text/xml", granted=granted)

    def action(self, request: FormRequest) -> str:
        """The action, if it is one of the two and its fields fit Amazon's own model."""
        action = request.form.get("Action", "")
        require("Authorization" not in request.headers, "ValidationError", f"{action} is not signed")
        known = action in ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
        require(known, "InvalidAction", f"Could not find operation {action} for version {VERSION}")
        require(request.form.get("Version") == VERSION, "InvalidAction", "the version is not the one of STS")
        shape = MODEL.operation_model(action).input_shape
        fields = {name: value for name, value in request.form.items() if name not in ("Action", "Version")}
        require(set(fields) <= set(shape.members), "ValidationError", f"unknown fields {sorted(fields)}")
        missing = set(shape.required_members) - set(fields)
        require(not missing, "ValidationError", f"missing {sorted(missing)}")
        for name, value in fields.items():
            fits_model(name, value, shape.members[name])
        return action

    def saml(self, form: dict[str, str]) -> tuple[str, Any]:
        provider, role = form["PrincipalArn"], form["RoleArn"]
        require(provider == demo.AWS_PROVIDER, "InvalidIdentityToken", "Specified provider doesn't exist")
        response = decoded(form["SAMLAssertion"], urlsafe=False)
        require(response is not None, "InvalidIdentityToken", "Invalid base64 SAMLResponse")
        trust = Trust(demo.SAML_ISSUER, demo.AWS_SIGN_IN, demo.AWS_SIGN_IN, self.certificate)
        try:
            statement = saml_receivers.accept(response or b"", trust)
        except saml_receivers.Refused as refused:
            code = "ExpiredTokenException" if refused.expired else "InvalidIdentityToken"
            raise Refusal(code, str(refused)) from refused
        require(
            self.presented.is_new(statement.assertion_id), "InvalidIdentityToken", "the assertion was presented before"
        )
        session = self.saml_session(statement, f"{role},{provider}")
        seconds = self.seconds(role, form, "AssumeRoleWithSAML")
        if statement.session_ends is not None:
            left = int((statement.session_ends - datetime.now(UTC)).total_seconds())
            seconds = max(SESSION_SECONDS.start, min(seconds, left))
        granted = self.cloud.credentials(role, session, seconds)
        qualifier = hashlib.sha1(
            f"{statement.issuer}{demo.AWS_ACCOUNT}/{provider.rpartition('/')[2]}".encode()
        ).digest()
        said = {
            "Subject": statement.subject,
            "SubjectType": statement.subject_format.rpartition(":")[2],
            "Issuer": statement.issuer,
            "Audience": statement.audience,
            "NameQualifier": base64.b64encode(qualifier).decode("ascii"),
        }
        identity = statement.attributes.get(f"{ATTRIBUTES}SourceIdentity")
        return credentials_xml(granted, said | ({"SourceIdentity": identity[0]} if identity else {})), granted

    def saml_session(self, statement: Statement, wanted: str) -> str:
        """The session's name, if the attributes are Amazon's and the role is among theirs."""
        attributes = {name.removeprefix(ATTRIBUTES): values for name, values in statement.attributes.items()}
        ours = {"Role", "RoleSessionName", "SessionDuration", "SourceIdentity", "TransitiveTagKeys"}
        unknown = [name for name in attributes if name not in ours and not name.startswith("PrincipalTag:")]
        require(not unknown, "InvalidIdentityToken", f"attributes that AWS does not know: {unknown}")
        allowed = wanted in attributes.get("Role", [])
        require(allowed, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
        names = attributes.get("RoleSessionName", [])
        good = len(names) == 1 and SESSION_NAME.fullmatch(names[0]) is not None
        require(good, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse")
        for duration in attributes.get("SessionDuration", []):
            fits = duration.isdigit() and int(duration) in SESSION_SECONDS
            require(fits, "InvalidIdentityToken", "SessionDuration is out of range")
        return names[0]

    def web(self, form: dict[str, str]) -> tuple[str, Any]:
        token, role = form["WebIdentityToken"], form["RoleArn"]
        try:
            keys = jwt.PyJWKSet.from_dict(self.keys())
        except Exception as error:
            raise Refusal("IDPCommunicationError", "the keys of the identity provider cannot be had") from error
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
            raise Refusal("ExpiredTokenException", str(error)) from error
        except (jwt.PyJWTError, KeyError) as error:
            raise Refusal("InvalidIdentityToken", f"{type(error).__name__}: {error}") from error
        require(self.presented.is_new(token), "InvalidIdentityToken", "the token was presented before")
        require(SESSION_NAME.fullmatch(form["RoleSessionName"]) is not None, "ValidationError", "RoleSessionName")
        seconds = self.seconds(role, form, "AssumeRoleWithWebIdentity")
        granted = self.cloud.credentials(role, form["RoleSessionName"], seconds)
        said = {
            "SubjectFromWebIdentityToken": claims["sub"],
            "Audience": "sts.amazonaws.com",
            "Provider": demo.ISSUER.removeprefix("https://").rstrip("/"),
        }
        return credentials_xml(granted, said), granted

    def seconds(self, role: str, form: dict[str, str], action: str) -> int:
        require(role == demo.AWS_ROLE, "AccessDenied", f"Not authorized to perform sts:{action}", 403)
        seconds = int(form.get("DurationSeconds", DEFAULT_SECONDS))
        within = seconds <= demo.AWS_ROLE_SECONDS_MAX
        require(
            within, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role"
        )
        return seconds


def fits_model(name: str, value: str, shape: Any) -> None:
    limits = shape.metadata
    if shape.type_name == "integer":
        fits = re.fullmatch(r"\d{1,9}", value) and limits["min"] <= int(value) <= limits["max"]
    else:
        fits = shape.type_name == "string" and limits["min"] <= len(value) <= limits["max"]
    require(bool(fits), "ValidationError", f"{name} does not fit the model of STS")


def credentials_xml(granted: dict[str, Any], said: dict[str, str]) -> str:
    keys = granted["Credentials"]
    expiration = keys["Expiration"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    credentials = {name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
    return (
        element("Credentials", texts({**credentials, "Expiration": expiration}))
        + element("AssumedRoleUser", texts(granted["AssumedRoleUser"]))
        + texts(said)
    )


def error_response(refusal: Refusal) -> FakeResponse:
    error = element("Error", texts({"Type": "Sender", "Code": refusal.code, "Message": str(refusal)}))
    body = f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>'
    return FakeResponse(refusal.status, body, "text/xml", code=refusal.code)


def texts(members: dict[str, str]) -> str:
    return "".join(element(name, escape(text)) for name, text in members.items())


def element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def require(holds: bool, code: str, message: str, status: int = 400) -> None:
    if not holds:
        raise Refusal(code, message, status)
