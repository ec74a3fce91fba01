"""Three OAuth client libraries behind one interface; each finds the endpoints by RFC 8414."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

import demo
from context import Context
from results import Mismatch, expect_equal

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
LIBRARIES = ("openid-client", "oauth4webapi", "authlib")
# The code for a 401 with WWW-Authenticate, of which the two libraries in Node do not read the body.
CHALLENGE = "WWW-Authenticate"
TIMEOUT_SECONDS = 30


class Refused(Mismatch):
    """The library's error for an error response: its code, and its status where the library tells it."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(f"the library's request was refused: {code}")
        self.code, self.status = code, status


@dataclass(frozen=True)
class OAuthClient:
    """One client of the demo tenant, with a library and a way to authenticate. A refusal raises `Refused`."""

    context: Context
    library: str
    client_id: str
    method: str
    secret: str = ""
    """Or a private key. Empty: the client's own."""

    def changed(self, **changes: str) -> OAuthClient:
        return replace(self, **changes)

    def exchange(self, **parameters: str) -> dict[str, Any]:
        return self.send("exchange", "", {"subject_token_type": f"{TOKEN_TYPE}id_token", **parameters})

    def refresh(self, token: str, **parameters: str) -> dict[str, Any]:
        return self.send("refresh", token, parameters)

    def client_credentials(self, **parameters: str) -> dict[str, Any]:
        return self.send("client_credentials", "", parameters)

    def revoke(self, token: str) -> None:
        self.send("revoke", token, {})

    def introspect(self, token: str) -> dict[str, Any]:
        return self.send("introspect", token, {})

    def user_info(self, token: str, user_id: str) -> dict[str, Any]:
        return self.send("userinfo", token, {"subject": user_id})

    def send(self, action: str, token: str, parameters: dict[str, str]) -> Any:
        secret = self.secret or self.own_secret()
        if self.library == "authlib":
            return AuthlibClient(self.context.server.base_url, self.client_id, secret, self.method).send(
                action, token, parameters
            )
        question = {
            "library": self.library,
            "action": action,
            "issuer": demo.ISSUER,
            "baseUrl": self.context.server.base_url,
            "clientId": self.client_id,
            "secret": secret or "unused",
            "method": self.method,
            "token": token,
            "parameters": parameters,
        }
        found = self.context.node.ask("oauth-client.mjs", question)
        if "answer" not in found:
            raise Refused(found["code"])
        return found["answer"]

    def own_secret(self) -> str:
        if self.method == "none":
            return ""
        if self.method == "private_key_jwt":
            return self.context.keys.private_pem(self.client_id)
        return demo.SECRETS[self.client_id].decode("ascii")

    def wrong_secret_code(self) -> str:
        is_challenge = self.method == "client_secret_basic" and self.library != "authlib"
        return CHALLENGE if is_challenge else "invalid_client"


@dataclass(frozen=True)
class AuthlibClient:
    base_url: str
    client_id: str
    secret: str
    method: str

    def send(self, action: str, token: str, parameters: dict[str, str]) -> Any:
        session = OAuth2Session(
            self.client_id,
            self.secret or None,
            token_endpoint_auth_method=self.method,
            revocation_endpoint_auth_method=self.method,
        )
        session.register_client_auth_method(PrivateKeyJWT(self.metadata["token_endpoint"]))
        try:
            if action == "exchange":
                return dict(session.fetch_token(self.endpoint("token"), grant_type=TOKEN_EXCHANGE, **parameters))
            if action == "client_credentials":
                return dict(session.fetch_token(self.endpoint("token"), grant_type=action, **parameters))
            if action == "refresh":
                return self.refreshed(session, token, parameters)
        except OAuthError as error:
            raise Refused(error.error) from error
        if action == "userinfo":
            session.token = {"access_token": token, "token_type": "Bearer"}
            return accepted(session.get(self.endpoint("userinfo"))).json()
        if action == "revoke":
            return accepted(session.revoke_token(self.endpoint("revocation"), token, "refresh_token"))
        return accepted(session.introspect_token(self.endpoint("introspection"), token)).json()

    def refreshed(self, session: OAuth2Session, token: str, parameters: dict[str, str]) -> dict[str, Any]:
        return dict(session.refresh_token(self.endpoint("token"), token, **parameters))

    def endpoint(self, name: str) -> str:
        """At the server's own URL, which is another than the one that its tokens name as their issuer."""
        return str(self.metadata[f"{name}_endpoint"]).replace(demo.ISSUER, f"{self.base_url}/")

    @cached_property
    def metadata(self) -> AuthorizationServerMetadata:
        path = get_well_known_url(demo.ISSUER)
        found = AuthorizationServerMetadata(requests.get(f"{self.base_url}{path}", timeout=TIMEOUT_SECONDS).json())
        try:
            found.validate()
        except ValueError as error:
            raise Mismatch(f"authlib refused the metadata: {error}") from error
        return found


def accepted(response: requests.Response) -> requests.Response:
    """Authlib leaves the answers of these endpoints to its caller."""
    if response.status_code != 200:
        raise Refused(response.json()["error"])
    return response


def expect_refused(request: Callable[[], Any], code: str) -> None:
    try:
        request()
    except Refused as refused:
        expect_equal("the library's error", refused.code, code)
        return
    raise Mismatch(f"the library's request succeeded, expected {code}")
