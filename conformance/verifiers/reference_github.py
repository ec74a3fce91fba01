"""The reference's issuer of tokens of a GitHub App, on PyJWT, with its faults."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import datetime
from typing import Any

import jwt

import demo
import fake_github
import http_client
from reference_request import IssueRequest, Refusal

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def issue(request: IssueRequest) -> dict[str, Any]:
    now = int(time.time())
    backdated = 0 if request.has("github-jwt-of-now") else 60
    claims = {"iss": demo.GITHUB_CLIENT, "iat": now - backdated, "exp": now + 300}
    assertion = jwt.encode(claims, request.keys.firebase, "RS256")
    headers = {**HEADERS, "Content-Type": "application/json", "Authorization": f"Bearer {assertion}"}
    body = json.dumps(wanted(request)).encode("utf-8")
    url = request.fake_upstreams + fake_github.TOKENS_PATH
    status, _, content = http_client.send(urllib.request.Request(url, data=body, headers=headers))
    answer = json.loads(content)
    if status != 201:
        text = f"{status} {answer['message']}" if request.has("github-tells-the-message") else str(status)
        raise Refusal(403, "access_denied", text)
    names = ["permissions", "repository_selection"]
    names += ["repositories"] if request.has("github-returns-the-list") else []
    expires_in = int(datetime.fromisoformat(answer["expires_at"]).timestamp()) - now
    token = {"access_token": answer["token"], "token_type": "Bearer", "expires_in": expires_in}
    return token | {name: answer[name] for name in names}


def wanted(request: IssueRequest) -> dict[str, Any]:
    repositories, permissions = demo.GITHUB_REPOSITORIES[:2], demo.GITHUB_PERMISSIONS
    if request.parameters["client_id"] == "files":
        repositories = ["missing"]
    named = request.parameters.get("github_repositories")
    if named is not None and not request.has("github-ignores-the-request"):
        if named not in repositories:
            raise Refusal(400, "invalid_request", "a repository is not allowed")
        repositories = [named]
    named = request.parameters.get("github_permissions")
    if named is not None and not request.has("github-ignores-the-request"):
        if named != "contents:read":
            raise Refusal(400, "invalid_request", "a permission is not allowed")
        permissions = {"contents": "read"}
    if request.has("github-asks-for-everything"):
        return {}
    return {"repositories": repositories, "permissions": permissions}


def revoke(fake_upstreams: str | None, token: str) -> None:
    headers = {**HEADERS, "Authorization": f"Bearer {token}"}
    url = f"{fake_upstreams}{fake_github.TOKEN_PATH}"
    http_client.send(urllib.request.Request(url, headers=headers, method="DELETE"))
