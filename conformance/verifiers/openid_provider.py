"""Verifies the exchange of an id_token from a certified OpenID provider that signed the user in."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

import demo
import subject
from context import Context
from processes import free_port, running
from results import Case, Mismatch, expect_equal

REDIRECT_URI = "http://localhost:8080/callback"
REDIRECTS_MAX = 8
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Provider:
    """An oidc-provider on a port of this machine with one client."""

    issuer: str
    port: int
    client: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(context: Context, provider: Provider, key: RSAPrivateKey, kid: str) -> Iterator[None]:
    """Runs the provider with this signing key until the block ends."""
    # The provider publishes what the key may be used for as it is here.
    jwk = {name: value for name, value in demo.private_jwk(key).items() if name != "key_ops"}
    configuration = {
        "issuer": provider.issuer,
        "port": provider.port,
        "clientId": provider.client,
        "redirectUri": REDIRECT_URI,
        "jwk": {**jwk, "kid": kid},
    }
    command = context.node.command("openid-provider.mjs", json.dumps(configuration))
    with running(command, provider.port, context.scratch / "openid-provider.log", context.node.environment()):
        yield


def cases(context: Context) -> Iterator[Case]:
    provider = Provider(demo.ISSUER, free_port(), "rs-spa")
    with serving(context, provider, context.keys.tenant, demo.TENANT_KID):
        yield Case(
            "id_tokens/openid-provider",
            "the id_token of a real authorization code flow is exchanged for the same user",
            partial(check_code_flow, context, provider),
        )


def check_code_flow(context: Context, provider: Provider) -> None:
    user_id = subject.fresh_user()
    id_token = sign_in(provider, user_id)
    issued = context.server.exchange(provider.client, id_token, api_type="app", target="orders-api").issued("app")[
        "id_token"
    ]
    expect_equal("sub of the exchanged token", payload(issued)["sub"], user_id)
    context.server.exchange("spa", id_token, api_type="app").expect_error(400, "invalid_grant")


def sign_in(provider: Provider, user_id: str) -> str:
    """The id_token of an authorization code flow with PKCE, as a browser and a single-page app perform it."""
    verifier = secrets.token_urlsafe(32)
    challenge = subject.base64url(hashlib.sha256(verifier.encode()).digest())
    session = requests.Session()
    response = session.get(
        f"{provider.url}/auth",
        params={
            "client_id": provider.client,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "login_hint": user_id,
        },
        allow_redirects=False,
        timeout=TIMEOUT_SECONDS,
    )
    code = follow_redirects(session, response)
    tokens = session.post(
        f"{provider.url}/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "client_id": provider.client,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
        },
        timeout=TIMEOUT_SECONDS,
    )
    tokens.raise_for_status()
    return tokens.json()["id_token"]


def follow_redirects(session: requests.Session, response: requests.Response) -> str:
    for _ in range(REDIRECTS_MAX):
        location = urljoin(response.url, response.headers.get("Location", ""))
        if location.startswith(REDIRECT_URI):
            return parse_qs(urlsplit(location).query)["code"][0]
        response = session.get(location, allow_redirects=False, timeout=TIMEOUT_SECONDS)
    raise Mismatch(f"the provider returned no code; the last status was HTTP {response.status_code}")


def payload(token: str) -> dict[str, object]:
    return json.loads(subject.base64url_decode(token.split(".")[1]))
