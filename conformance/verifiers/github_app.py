"""Verifies tokens of a GitHub App: the fake issued them for a JWT of the app, and octokit sends what was sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt

import demo
import fake_github
import subject
import upstream_client
from context import Context
from locum_server import Response
from results import Case, Mismatch, expect_equal

MEMBERS = {"access_token", "token_type", "expires_in", "permissions", "repository_selection"}


def cases(context: Context) -> Iterator[Case]:
    for name, description, check in (
        (
            "token",
            "the token is GitHub's own, for a JWT of the app of a minute ago, and octokit sends the same request",
            check_token,
        ),
        ("fewer", "a request gets fewer repositories and permissions, as octokit does; it gets no others", check_fewer),
        (
            "refused",
            "GitHub's refusal is answered 403 access_denied with its status but not its message",
            check_refusal,
        ),
        ("revocation", "GitHub accepts tokens of both formats until they are revoked", check_revocation),
    ):
        yield Case(f"github_app/{name}", description, partial(check, context))


def exchange(context: Context, client: str = "spa", **more: str) -> Response:
    return context.server.exchange(client, subject.for_client(client), api_type="github_app", **more)


def sent(context: Context) -> dict[str, Any]:
    logged = upstream_client.last_request(context, fake_github.TOKENS_PATH)
    if logged["granted"] is None:
        raise Mismatch("the server returned a credential, but GitHub refused its last request")
    return logged


def octokit(context: Context, **asked: Any) -> dict[str, Any]:
    app = {
        "baseUrl": upstream_client.url(context) + demo.GITHUB_PATH,
        "clientId": demo.GITHUB_CLIENT,
        "privateKey": context.keys.private_pem("firebase"),
        "installationId": demo.GITHUB_INSTALLATION,
    }
    return context.node.ask("github-app.mjs", {**app, **asked})


def check_token(context: Context) -> None:
    body = exchange(context).issued("github_app")
    logged = sent(context)
    granted = logged["granted"]
    expect_equal("the members", set(body), MEMBERS)
    expect_equal("the token", body["access_token"], granted["token"])
    for name in ("permissions", "repository_selection"):
        expect_equal(name, body[name], granted[name])
    if not 3590 <= body["expires_in"] <= fake_github.TOKEN_SECONDS + 60:
        raise Mismatch(f"expires_in is {body['expires_in']}, expected about an hour")
    check_headers(context, logged["headers"])
    asked = {"repositories": demo.GITHUB_REPOSITORIES[:2], "permissions": demo.GITHUB_PERMISSIONS}
    expect_the_request_of_octokit(context, logged["document"], asked)


def check_headers(context: Context, headers: dict[str, str]) -> None:
    expect_equal("accept", headers["accept"], "application/vnd.github+json")
    expect_equal("the version of the API", headers.get("x-github-api-version"), "2022-11-28")
    assertion = headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(assertion, context.keys.public_pem("firebase"), algorithms=["RS256"])
    expect_equal("the claims", set(claims), {"iss", "iat", "exp"})
    if not 55 <= time.time() - claims["iat"] <= 75:
        raise Mismatch(f"iat is {claims['iat']}, expected a minute ago")


def expect_the_request_of_octokit(context: Context, document: dict[str, Any], asked: dict[str, Any]) -> None:
    answer = octokit(context, **asked)
    if "token" not in answer:
        raise Mismatch(f"octokit gets no token: {answer}")
    expect_equal("the request", document, sent(context)["document"])


def check_fewer(context: Context) -> None:
    name = demo.GITHUB_REPOSITORIES[1]
    exchange(context, github_repositories=name, github_permissions="contents:read").issued("github_app")
    asked = {"repositories": [name], "permissions": {"contents": "read"}}
    expect_the_request_of_octokit(context, sent(context)["document"], asked)
    for parameters in (
        {"github_repositories": demo.GITHUB_REPOSITORIES[2]},
        {"github_permissions": "contents:admin"},
        {"github_permissions": "administration:read"},
    ):
        exchange(context, **parameters).expect_error(400, "invalid_request")


def check_refusal(context: Context) -> None:
    exchange(context).issued("github_app")
    # This client's settings name a repository that the installation lacks.
    response = exchange(context, "files")
    response.expect_error(403, "access_denied")
    description = response.body["error_description"]
    if "422" not in description or "repository" in description:
        raise Mismatch(f"GitHub refused with 422, and the client received {description!r}")


def check_revocation(context: Context) -> None:
    tokens = [exchange(context).issued("github_app")["access_token"] for _ in range(3)]
    for token in tokens[:2]:
        expect_equal("the status of using the token", status_of_use(context, token), 200)
        request = {"client_id": "spa", "token": token, "api_type": "github_app"}
        expect_equal("the status of the revocation", context.server.post("/oauth/revoke", request).status, 200)
        expect_equal("the status of using the token afterwards", status_of_use(context, token), 401)
        revocation = upstream_client.last_request(context, fake_github.TOKEN_PATH)
        expect_equal("the version of the API", revocation["headers"].get("x-github-api-version"), "2022-11-28")
    expect_equal("the status of using another token", status_of_use(context, tokens[2]), 200)
    expect_equal("octokit's revocation", octokit(context, revoke=tokens[2])["status"], 204)


def status_of_use(context: Context, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return upstream_client.get(context, fake_github.REPOSITORIES_PATH, headers).status
