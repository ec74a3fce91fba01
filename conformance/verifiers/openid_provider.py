"""Judge 1, the real thing: a certified OpenID provider signs a user in, and its id_token is exchanged."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from functools import partial
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

import demo
import subject
from context import Context, free_port, running
from results import Case, Mismatch, expect_equal

CLIENT = "rs-spa"
REDIRECT_URI = "http://localhost:8080/callback"
HOPS_MAX = 8
ANSWER_SECONDS_MAX = 30


def cases(context: Context) -> Iterator[Case]:
    port = free_port()
    configuration = {
        "issuer": demo.ISSUER,
        "port": port,
        "clientId": CLIENT,
        "redirectUri": REDIRECT_URI,
        "jwk": {**demo.private_jwk(context.keys.tenant), "kid": demo.TENANT_KID},
    }
    command = context.node.command("openid-provider.mjs", json.dumps(configuration))
    with running(command, port, context.scratch / "openid-provider.log", context.node.environment()):
        yield Case(
            "id_tokens/openid-provider",
            "the id_token of a real authorization code flow is exchanged for the same user",
            partial(code_flow_is_exchanged, context, f"http://127.0.0.1:{port}"),
        )


def code_flow_is_exchanged(context: Context, provider: str) -> None:
    user_id = subject.fresh_user()
    id_token = sign_in(provider, user_id)
    issued = context.server.exchange(CLIENT, id_token, api_type="app", target="orders-api").issued("app")["id_token"]
    expect_equal("sub of the exchanged token", payload(issued)["sub"], user_id)
    context.server.exchange("spa", id_token, api_type="app").expect_error(400, "invalid_grant")


def sign_in(provider: str, user_id: str) -> str:
    """The authorization code flow with PKCE, as a browser and a single-page app go through it."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    session = requests.Session()
    answer = session.get(
        f"{provider}/auth",
        params={
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "login_hint": user_id,
        },
        allow_redirects=False,
        timeout=ANSWER_SECONDS_MAX,
    )
    code = followed_to_the_code(session, answer)
    tokens = session.post(
        f"{provider}/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "client_id": CLIENT,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
        },
        timeout=ANSWER_SECONDS_MAX,
    )
    tokens.raise_for_status()
    return tokens.json()["id_token"]


def followed_to_the_code(session: requests.Session, answer: requests.Response) -> str:
    for _ in range(HOPS_MAX):
        location = urljoin(answer.url, answer.headers.get("Location", ""))
        if location.startswith(REDIRECT_URI):
            return parse_qs(urlsplit(location).query)["code"][0]
        answer = session.get(location, allow_redirects=False, timeout=ANSWER_SECONDS_MAX)
    raise Mismatch(f"the provider gave no code, last HTTP {answer.status_code}")


def payload(token: str) -> dict[str, object]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
