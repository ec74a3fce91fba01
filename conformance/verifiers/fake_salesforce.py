"""A strict fake of Salesforce: its token endpoint with the JWT bearer flow, user info and revocation."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

import jwt

import demo
from fake_http import FakeResponse, FormRequest, ReplayCache, json_response, oauth_error

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_PATH = "/services/oauth2/token"
REVOKE_PATH = "/services/oauth2/revoke"
USER_INFO_PATH = "/services/oauth2/userinfo"
ASSERTION_SECONDS_MAX = 180
INSTANCE = "https://locum-demo.my.salesforce.com"


@dataclass
class FakeSalesforce:
    public_key: bytes
    presented: ReplayCache = field(default_factory=ReplayCache)
    tokens: dict[str, str] = field(default_factory=dict)
    """The users by their valid access tokens."""

    def token(self, request: FormRequest) -> FakeResponse:
        form = request.form
        if "Authorization" in request.headers:
            return oauth_error(400, "invalid_request", "this flow has no client authentication")
        if form.get("grant_type") != GRANT_TYPE:
            return oauth_error(400, "unsupported_grant_type", "grant type not supported")
        if set(form) != {"grant_type", "assertion"}:
            return oauth_error(400, "invalid_request", f"the fields are {sorted(form)}")
        try:
            claims = self.verified(form["assertion"])
        except jwt.PyJWTError as error:
            return oauth_error(400, "invalid_grant", f"invalid assertion: {error}")
        if claims["iss"] != demo.SALESFORCE_CONSUMER:
            return oauth_error(400, "invalid_client_id", "client identifier invalid")
        if claims["sub"] not in demo.EMPLOYEES:
            return oauth_error(400, "invalid_grant", "user hasn't approved this consumer")
        if not self.presented.is_new(form["assertion"]):
            return oauth_error(400, "invalid_grant", "assertion replayed")
        token = f"00Di!{secrets.token_urlsafe(24)}"
        self.tokens[token] = claims["sub"]
        token_response = {
            "access_token": token,
            "scope": "api web",
            "instance_url": INSTANCE,
            "id": f"https://login.salesforce.com/id/00Di/{claims['sub']}",
            "token_type": "Bearer",
        }
        return json_response(200, token_response, granted=token_response)

    def verified(self, assertion: str) -> dict[str, object]:
        header = jwt.get_unverified_header(assertion)
        if not set(header) <= {"alg", "typ", "kid"}:
            raise jwt.InvalidTokenError(f"the header holds {sorted(header)}")
        claims = jwt.decode(
            assertion,
            self.public_key,
            algorithms=["RS256"],
            options={"require": ["iss", "sub", "aud", "exp"], "verify_aud": False},
        )
        if not isinstance(claims["aud"], str) or claims["aud"] not in demo.SALESFORCE_AUDIENCES.values():
            raise jwt.InvalidAudienceError("audience is invalid")
        if type(claims["exp"]) is not int:
            raise jwt.InvalidTokenError("exp is not a whole number")
        if claims["exp"] > time.time() + ASSERTION_SECONDS_MAX:
            raise jwt.InvalidTokenError("exp is more than three minutes away")
        return claims

    def revoke(self, request: FormRequest) -> FakeResponse:
        token = request.form.get("token", "")
        if self.tokens.pop(token, None) is None:
            return oauth_error(400, "invalid_token", "the token is not valid")
        return FakeResponse(200, "", granted={"revoked": token})

    def user_info(self, authorization: str) -> FakeResponse:
        user = self.tokens.get(authorization.removeprefix("Bearer "))
        if user is None:
            return json_response(403, {"error": "Bad_OAuth_Token"}, code="Bad_OAuth_Token")
        return json_response(200, {"preferred_username": user})
