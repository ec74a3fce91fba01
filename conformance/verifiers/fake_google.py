"""Strict fakes of Google's Security Token Service and of its IAM Service Account Credentials API."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

import demo
from fake_http import FakeResponse, FormRequest, JsonRequest, json_response, oauth_error

STS_PATH = "/v1/token"
ACCOUNTS = "/v1/projects/-/serviceAccounts/"
CERTS_PATH = "/google/certs"
IAM_SCOPES = {"https://www.googleapis.com/auth/iam", "https://www.googleapis.com/auth/cloud-platform"}
GRANT = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "audience": demo.GCP_PROVIDER,
}
SUBJECT_BYTES_MAX = 127
TOKEN_SECONDS_MAX = 3600
JWT_SECONDS_MAX = 86_400
KID = "google-1"


def is_iam_path(path: str) -> bool:
    return path.startswith(ACCOUNTS)


@dataclass(frozen=True)
class FederatedToken:
    subject: str
    scopes: frozenset[str]


@dataclass
class FakeGoogle:
    jwks: Callable[[], dict[str, Any]]
    """The keys that the tenant publishes."""
    federated: dict[str, FederatedToken] = field(default_factory=dict)

    def exchange(self, request: FormRequest) -> FakeResponse:
        form = request.form
        if "Authorization" in request.headers:
            return oauth_error(400, "invalid_request", "the request must not be authenticated")
        if set(form) != {*GRANT, "scope", "subject_token"}:
            return oauth_error(400, "invalid_request", f"the fields are {sorted(form)}")
        for name, value in GRANT.items():
            if form[name] != value:
                return oauth_error(400, "invalid_request", f"{name} is {form[name]}")
        scopes = form["scope"].split(" ")
        if not set(scopes) <= {*IAM_SCOPES, *demo.GCP_SCOPES}:
            return oauth_error(400, "invalid_scope", "a scope is unknown")
        try:
            claims = self.verified(form["subject_token"])
        except jwt.PyJWTError as error:
            return oauth_error(400, "invalid_grant", f"the credential is rejected: {error}")
        if claims.get("azp") not in demo.GCP_CLIENTS:
            return oauth_error(400, "unauthorized_client", "the credential is rejected by the attribute condition")
        token = f"ya29.d.{secrets.token_urlsafe(24)}"
        self.federated[token] = FederatedToken(claims["sub"], frozenset(scopes))
        response = {
            "access_token": token,
            "issued_token_type": GRANT["requested_token_type"],
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS_MAX - 1,
        }
        return json_response(200, response, granted=response)

    def verified(self, assertion: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(assertion)
        keys = {key["kid"]: key for key in self.jwks()["keys"]}
        if header.get("kid") not in keys or not set(header) <= {"alg", "typ", "kid"}:
            raise jwt.InvalidTokenError(f"the header is {header}")
        claims = jwt.decode(
            assertion,
            jwt.PyJWK.from_dict(keys[header["kid"]], algorithm="RS256"),
            algorithms=["RS256"],
            issuer=demo.ISSUER,
            audience=[demo.GCP_PROVIDER, f"https:{demo.GCP_PROVIDER}"],
            options={"require": ["iss", "sub", "aud", "iat", "exp"]},
        )
        if type(claims["exp"]) is not int or type(claims["iat"]) is not int:
            raise jwt.InvalidTokenError("a time is not a whole number")
        if claims["exp"] - claims["iat"] > JWT_SECONDS_MAX:
            raise jwt.InvalidTokenError("the token is valid for more than a day")
        if not 1 <= len(claims["sub"].encode()) <= SUBJECT_BYTES_MAX:
            raise jwt.InvalidTokenError("google.subject has at most 127 bytes")
        return claims

    def generate(self, request: JsonRequest) -> FakeResponse:
        account, _, method = request.path.removeprefix(ACCOUNTS).partition(":")
        token = self.federated.get(request.bearer_token())
        if token is None:
            return google_error(401, "UNAUTHENTICATED", "the credentials are invalid")
        if not token.scopes & IAM_SCOPES:
            return google_error(403, "PERMISSION_DENIED", "the scopes of the token are insufficient")
        if account != demo.GCP_ACCOUNT:
            return google_error(404, "NOT_FOUND", f"{account} does not exist")
        if token.subject == demo.GCP_OUTSIDER:
            return google_error(403, "PERMISSION_DENIED", f"{token.subject} may not act as {account}")
        try:
            generate = {"generateAccessToken": self.access_token, "generateIdToken": self.id_token}[method]
            granted = generate(dict(request.document))
        except (KeyError, TypeError, ValueError) as error:
            return google_error(400, "INVALID_ARGUMENT", str(error))
        return json_response(200, granted, granted=granted)

    def access_token(self, document: dict[str, Any]) -> dict[str, Any]:
        scopes, lifetime, delegates = (document.pop(name) for name in ("scope", "lifetime", "delegates"))
        if document or delegates or not isinstance(scopes, list) or not scopes:
            raise ValueError("the members are not those of generateAccessToken")
        if not set(scopes) <= set(demo.GCP_SCOPES):
            raise ValueError("a scope is unknown")
        seconds = int(re.fullmatch(r"(\d+)s", lifetime)[1])
        if not 1 <= seconds <= TOKEN_SECONDS_MAX:
            raise ValueError("the lifetime is out of range")
        expiry = datetime.fromtimestamp(int(time.time()) + seconds, UTC)
        token = f"ya29.c.{secrets.token_urlsafe(24)}"
        return {"accessToken": token, "expireTime": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def id_token(self, document: dict[str, Any]) -> dict[str, Any]:
        audience, include_email, delegates = (document.pop(name) for name in ("audience", "includeEmail", "delegates"))
        if document or delegates or type(include_email) is not bool or not isinstance(audience, str):
            raise ValueError("the members are not those of generateIdToken")
        now = int(time.time())
        claims = {"iss": "https://accounts.google.com", "sub": "104", "azp": "104", "aud": audience}
        claims |= {"iat": now, "exp": now + TOKEN_SECONDS_MAX}
        if include_email:
            claims |= {"email": demo.GCP_ACCOUNT, "email_verified": True}
        return {"token": jwt.encode(claims, self.key, "RS256", headers={"kid": KID})}

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def certificates(self) -> dict[str, Any]:
        """The keys of ID tokens."""
        jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": KID, "alg": "RS256", "use": "sig"}]}


def google_error(status: int, code: str, message: str) -> FakeResponse:
    return json_response(status, {"error": {"code": status, "message": message, "status": code}}, code=code)
