"""A tenant at Auth0 as the deploy CLI sees it, the Management API over HTTPS, and as the issuer of id_tokens."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

import certificates
import demo
import http_server

# The program that the operator has registered for the export, with the scopes of the page.
PROGRAM = ("deploy-cli", "deploy-secret-0123456789-0123456789-0123456789")
KID = "auth0-2019"
BODY_BYTES_MAX = 100_000


@dataclass
class Tenant:
    """What the tenant has at Auth0."""

    clients: list[dict[str, Any]]
    settings: dict[str, Any]
    rules: list[dict[str, Any]]
    client_grants: list[dict[str, Any]]
    scopes: set[str]
    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))


@dataclass
class FakeAuth0:
    """The running server."""

    tenant: Tenant
    domain: str
    authority: Path
    """The certificate of the authority that has signed the server's, in PEM."""
    unknown: list[str] = field(default_factory=list)
    """The requests that it does not know, which the deploy CLI must not need."""
    tokens: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def issuer(self) -> str:
        return f"https://{self.domain}/"

    def jwks(self) -> dict[str, Any]:
        jwk = demo.private_jwk(self.tenant.key)
        public = {name: jwk[name] for name in ("kty", "n", "e")}
        return {"keys": [{**public, "kid": KID, "alg": "RS256", "use": "sig"}]}

    def token(self, body: dict[str, Any]) -> tuple[int, Any]:
        audience = f"{self.issuer}api/v2/"
        if (body.get("client_id"), body.get("client_secret"), body.get("audience")) != (*PROGRAM, audience):
            return 401, {"error": "access_denied", "error_description": "Unauthorized"}
        token = secrets.token_urlsafe(32)
        with self.lock:
            self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 86400}

    def get(self, path: str, query: dict[str, list[str]], authorization: str) -> tuple[int, Any]:
        if path == "/.well-known/jwks.json":
            return 200, self.jwks()
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"statusCode": 401, "error": "Unauthorized", "message": "Missing authentication"}
        answers = {
            "/api/v2/clients": ("read:clients", "clients", self.clients()),
            "/api/v2/rules": ("read:rules", "rules", self.tenant.rules),
            "/api/v2/client-grants": ("read:client_grants", "client_grants", self.tenant.client_grants),
            "/api/v2/tenants/settings": ("read:tenant_settings", None, self.tenant.settings),
            "/api/v2/custom-domains": ("read:custom_domains", None, []),
            "/api/v2/resource-servers": ("read:resource_servers", "resource_servers", []),
            "/api/v2/actions/actions": ("read:actions", "actions", []),
        }
        if path not in answers:
            with self.lock:
                self.unknown.append(path)
            return 404, {"statusCode": 404, "error": "Not Found", "message": f"nothing is at {path}"}
        scope, member, answer = answers[path]
        if scope not in self.tenant.scopes:
            message = f"Insufficient scope, expected any of: {scope}"
            return 403, {"statusCode": 403, "error": "Forbidden", "message": message}
        return 200, answer if member is None else page(member, answer, query)

    def clients(self) -> list[dict[str, Any]]:
        """The clients; their secrets only with the scope for them."""
        shown = {"read:client_keys"} <= self.tenant.scopes
        hidden = () if shown else ("client_secret",)
        return [{name: value for name, value in client.items() if name not in hidden} for client in self.tenant.clients]


def page(member: str, items: list[Any], query: dict[str, list[str]]) -> Any:
    number, size = (int(query.get(name, [default])[0]) for name, default in (("page", "0"), ("per_page", "50")))
    start = number * size
    shown = items[start : start + size]
    if query.get("include_totals") != ["true"]:
        return shown
    return {member: shown, "start": start, "limit": size, "total": len(items)}


@contextmanager
def serving(tenant: Tenant, scratch: Path) -> Iterator[FakeAuth0]:
    """Serves the tenant on a free port of this machine until the block ends."""
    authority, certificate = certificates.certificates(scratch)
    holder: list[FakeAuth0] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(holder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    holder.append(FakeAuth0(tenant, f"localhost:{server.server_port}", authority))
    with http_server.running(server):
        yield holder[0]


def handler(holder: list[FakeAuth0]) -> type[http_server.Handler]:
    class Endpoint(http_server.Handler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self.reply(*holder[0].get(url.path, parse_qs(url.query), self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            content = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), BODY_BYTES_MAX))
            if self.path != "/oauth/token":
                self.reply(404, {"error": "not_found"})
                return
            if self.headers.get_content_type() == "application/json":
                body = json.loads(content)
            else:
                body = {name: values[0] for name, values in parse_qs(content.decode("ascii")).items()}
            self.reply(*holder[0].token(body))

        def reply(self, status: int, answer: Any) -> None:
            self.respond(status, {"Content-Type": "application/json"}, json.dumps(answer).encode("utf-8"))

    return Endpoint
