"""A strict fake of GitHub's REST API: installation access tokens, their use and their revocation."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import jwt

import demo
from fake_http import FakeResponse, JsonRequest, json_response

TOKENS_PATH = f"{demo.GITHUB_PATH}/app/installations/{demo.GITHUB_INSTALLATION}/access_tokens"
TOKEN_PATH = f"{demo.GITHUB_PATH}/installation/token"
REPOSITORIES_PATH = f"{demo.GITHUB_PATH}/installation/repositories"
API_VERSIONS = {None, "2022-11-28"}
JWT_SECONDS_MAX = 600
TOKEN_SECONDS = 3600
LEVELS = ["read", "write", "admin"]


@dataclass
class FakeGithub:
    public_key: bytes
    """Of the app."""
    tokens: dict[str, list[str]] = field(default_factory=dict)
    """The repositories by the valid tokens for them."""

    def create_token(self, request: JsonRequest) -> FakeResponse:
        refusal = refused_headers(request.headers)
        if refusal:
            return refusal
        try:
            self.verify(request.bearer_token())
        except jwt.PyJWTError as error:
            return github_error(401, f"A JSON web token could not be decoded: {error}")
        if request.path != TOKENS_PATH:
            return github_error(404, "Not Found")
        repositories = request.document.get("repositories", demo.GITHUB_REPOSITORIES)
        permissions = request.document.get("permissions", demo.GITHUB_PERMISSIONS)
        if not set(request.document) <= {"repositories", "permissions"}:
            return github_error(422, f"the members are {sorted(request.document)}")
        if not isinstance(repositories, list) or not set(repositories) <= set(demo.GITHUB_REPOSITORIES):
            return github_error(422, "at least one repository does not exist or is not accessible")
        if not isinstance(permissions, dict) or not all(map(is_granted, permissions.items())):
            return github_error(422, "the permissions requested are not granted to this installation")
        # In turns a token of the old format and one of the new.
        token = f"ghs_{secrets.token_hex(18)}"
        if len(self.tokens) % 2:
            token = f"ghs_4711_{jwt.encode({'jti': secrets.token_hex(8)}, secrets.token_hex(32), 'HS256')}"
        self.tokens[token] = repositories
        expiry = datetime.fromtimestamp(int(time.time()) + TOKEN_SECONDS, UTC)
        answer = {
            "token": token,
            "expires_at": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": {**permissions, "metadata": "read"},
            "repository_selection": "selected" if "repositories" in request.document else "all",
            "repositories": [{"full_name": f"acme/{name}"} for name in repositories],
        }
        return json_response(201, answer, granted=answer)

    def verify(self, assertion: str) -> None:
        header = jwt.get_unverified_header(assertion)
        if not set(header) <= {"alg", "typ"}:
            raise jwt.InvalidTokenError(f"the header holds {sorted(header)}")
        required = {"require": ["iss", "iat", "exp"]}
        claims = jwt.decode(assertion, self.public_key, algorithms=["RS256"], options=required)
        if claims["iss"] != demo.GITHUB_CLIENT:
            raise jwt.InvalidIssuerError("'Issuer' claim ('iss') must be the client id or the id of an app")
        if type(claims["exp"]) is not int or claims["exp"] > time.time() + JWT_SECONDS_MAX:
            raise jwt.InvalidTokenError("'Expiration time' claim ('exp') is too far in the future")

    def revoke(self, headers: Message) -> FakeResponse:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        refusal = refused_headers(headers)
        if refusal:
            return refusal
        if self.tokens.pop(token, None) is None:
            return github_error(401, "Bad credentials")
        return FakeResponse(204, "", granted={"revoked": token})

    def repositories(self, authorization: str) -> FakeResponse:
        repositories = self.tokens.get(authorization.removeprefix("Bearer "))
        if repositories is None:
            return github_error(401, "Bad credentials")
        return json_response(200, {"repositories": repositories})


def is_granted(permission: tuple[str, Any]) -> bool:
    name, level = permission
    granted = demo.GITHUB_PERMISSIONS.get(name)
    return granted is not None and level in LEVELS and LEVELS.index(level) <= LEVELS.index(granted)


def refused_headers(headers: Message) -> FakeResponse | None:
    if not headers.get("User-Agent"):
        return github_error(403, "Request forbidden by administrative rules: make sure to have a User-Agent header")
    if not headers.get("Accept", "").startswith("application/vnd.github"):
        return github_error(415, "Unsupported 'Accept' header")
    if headers.get("X-GitHub-Api-Version") not in API_VERSIONS:
        return github_error(400, "Invalid API version")
    return None


def github_error(status: int, message: str) -> FakeResponse:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return json_response(status, body, code=str(status))
