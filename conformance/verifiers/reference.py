"""A reference `/delegation` made of third-party libraries, which can be given the faults of `faults.py`."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt

import demo
import http_server
import rate_limit
import reference_github
import reference_introspection
import reference_pages
import reference_token
import reference_upstreams
from demo import Keys
from reference_clients import Clients
from reference_issuers import ISSUERS
from reference_profiles import Profiles
from reference_refresh_tokens import RefreshTokens
from reference_request import IssueRequest, Refusal
from reference_trusted_issuer import TrustedIssuer


@dataclass
class Reference:
    """Answers as a server with the demo tenant should, except for the one `fault`."""

    keys: Keys
    fault: str | None = None
    fake_upstreams: str | None = None
    buckets: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.trusted = TrustedIssuer(self.keys, self.fault)
        self.refresh_tokens = RefreshTokens(self.has, self.authenticate)
        self.clients = Clients(self.keys, self.has)
        self.profiles = Profiles(self.has, self.key_of)

    def has(self, fault: str) -> bool:
        return self.fault == fault

    def respond(self, request: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        headers: dict[str, str] = {}
        try:
            body = self.delegate(request, False, headers)
            return 200, {**headers, "Cache-Control": "no-store"}, body
        except Refusal as refusal:
            return refusal.status, headers, refusal.body
        except Exception as error:  # the result must show that the reference crashed
            return 500, headers, {"error": "reference_crashed", "error_description": repr(error)}

    def respond_form(
        self, path: str, form: dict[str, str], authorization: str | None
    ) -> tuple[int, dict[str, str], Any]:
        """At another endpoint than `/delegation`."""
        headers: dict[str, str] = {"Cache-Control": "no-store"}
        endpoints = {
            "/oauth/token": self.token,
            "/oauth/revoke": self.revoke,
            "/oauth/introspect": self.introspect,
            "/tokeninfo": lambda form, *_: self.profiles.by_id_token(form["id_token"]),
            "/userinfo": lambda _, authorization, __: self.profiles.by_app_token(authorization.removeprefix("Bearer ")),
        }
        try:
            return 200, headers, endpoints[path](form, authorization, headers)
        except Refusal as refusal:
            if refusal.status == 401 and authorization is not None:
                scheme = authorization.split()[0]
                headers["WWW-Authenticate"] = f'{scheme} realm="reference"'
            return refusal.status, headers, refusal.body
        except Exception as error:  # the result must show that the reference crashed
            return 500, headers, {"error": "reference_crashed", "error_description": repr(error)}

    def token(self, form: dict[str, str], authorization: str | None, headers: dict[str, str]) -> dict[str, Any]:
        authenticated = partial(self.clients.authenticated, form, authorization)
        delegate = partial(self.delegate, headers=headers)
        return reference_token.respond(form, authenticated, self.has, delegate, self.refresh_tokens)

    def revoke(self, form: dict[str, str], authorization: str | None, _: dict[str, str]) -> dict[str, Any]:
        client_id, _ = self.clients.authenticated(form, authorization, self.has("revocation-accepts-any-secret"))
        if form["token"].startswith("lrt_"):
            self.refresh_tokens.revoke(client_id, form["token"])
        elif not self.has("revocation-has-no-effect"):
            revoke = reference_github.revoke if form.get("api_type") == "github_app" else reference_upstreams.revoke
            revoke(self.fake_upstreams, form["token"])
        return {}

    def introspect(self, form: dict[str, str], authorization: str | None, _: dict[str, str]) -> dict[str, Any]:
        accepts_any_secret = self.has("introspection-accepts-any-secret")
        client_id, is_authenticated = self.clients.authenticated(form, authorization, accepts_any_secret)
        return reference_introspection.introspect(
            client_id, is_authenticated, form["token"], self.has, self.key_of, self.refresh_tokens
        )

    def delegate(self, request: dict[str, Any], is_authenticated: bool, headers: dict[str, str]) -> dict[str, Any]:
        if "refresh_token" in request:
            claims = self.refresh_tokens.claims_of(request["client_id"], request["refresh_token"])
        else:
            claims = self.authenticate(request["client_id"], request["id_token"])
        self.admit(claims["sub"], headers)
        is_chain = claims.get("azp", request["client_id"]) != request["client_id"]
        if is_chain and not is_authenticated and not self.has("delegation-exchanges-chains"):
            raise Refusal(400, "invalid_grant", "the token was issued at the request of another client")
        bound = claims.get("scope")
        wanted = set(request.get("scope", "openid").split()) - {"openid"}
        if bound is not None and not wanted <= set(bound.split()) and not self.has("token-ignores-the-scope"):
            raise Refusal(400, "invalid_scope", "more scopes are requested than the token has")
        return self.issue(request, claims)

    def authenticate(self, client_id: str, token: str) -> dict[str, Any]:
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError as error:
            raise Refusal(400, "invalid_grant", str(error)) from error
        if issuer == demo.TRUSTED_ISSUER:
            return self.trusted.authenticate(client_id, token)
        key, alg = self.key_of(client_id)
        options = {
            "require": ["iss", "aud", "sub", "iat"] + ([] if self.has("accepts-no-exp") else ["exp"]),
            "verify_exp": not self.has("accepts-expired"),
            "verify_aud": not self.has("accepts-any-audience"),
            "verify_iss": not self.has("accepts-any-issuer"),
        }
        try:
            found = jwt.get_unverified_header(token)["alg"]
            if self.has("accepts-unsigned") and found == "none":
                options["verify_signature"] = False
            if self.has("accepts-public-key-as-secret") and alg == "RS256" and found == "HS256":
                options["verify_signature"] = False
            if self.has("management-token-is-exchanged"):
                options.update(verify_signature=False, verify_aud=False)
            if self.has("accepts-any-signature"):
                options["verify_signature"] = False
            claims = jwt.decode(token, key, [alg], audience=client_id, issuer=demo.ISSUER, options=options)
        except jwt.PyJWTError as error:
            raise Refusal(400, "invalid_grant", str(error)) from error
        if claims["sub"] == "auth0|mallory" and not self.has("accepts-blocked-users"):
            raise Refusal(401, "unauthorized", "user is blocked")
        return claims

    def key_of(self, client_id: str) -> tuple[Any, str]:
        """With which the client's id_tokens and app tokens are verified."""
        if client_id in demo.RS256_CLIENTS:
            return self.keys.public_pem("tenant-rsa"), "RS256"
        return demo.SECRETS[client_id], "HS256"

    def admit(self, user_id: str, headers: dict[str, str]) -> None:
        size = rate_limit.SIZE + self.has("bucket-of-eleven")
        now = time.time()
        with self.lock:
            key = "everyone" if self.has("one-bucket-for-all-users") else user_id
            content, updated_at = self.buckets.get(key, [size, now])
            content = min(size, content + (now - updated_at) / rate_limit.REFILL_SECONDS)
            is_allowed = content >= 1
            content -= is_allowed
            self.buckets[key] = [content, now]
        full_at = math.ceil(now + (size - content) * rate_limit.REFILL_SECONDS)
        limit = {
            "Limit": rate_limit.SIZE,
            "Remaining": math.floor(content),
            "Reset": 60 if self.has("reset-is-relative") else full_at,
        }
        headers.update({f"X-RateLimit-{name}": str(value) for name, value in limit.items()})
        if not is_allowed:
            if not self.has("no-retry-after"):
                headers["Retry-After"] = str(math.ceil((1 - content) * rate_limit.REFILL_SECONDS))
            raise Refusal(429, "too_many_requests", "too many requests")

    def issue(self, request: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        issuer = ISSUERS.get(request["api_type"])
        if issuer is None:
            raise Refusal(400, "invalid_request", f"{request['api_type']} is not enabled at the target")
        return issuer(IssueRequest(self.keys, self.fake_upstreams, self.fault, request, claims))

    def published(self) -> dict[str, Any]:
        jwk = (
            demo.private_jwk(self.keys.tenant)
            if self.has("publishes-the-private-key")
            else self.keys.public_jwk("tenant-rsa")
        )
        stated = {"alg": "RS256"} if self.has("publishes-one-algorithm") else {}
        return {"keys": [{**jwk, "kid": demo.TENANT_KID, "use": "sig", **stated}]}


@contextmanager
def serving(reference: Reference) -> Iterator[str]:
    """Serves it over HTTP on a free port until the block ends; yields its base URL."""

    class Endpoint(http_server.Handler):
        def do_OPTIONS(self) -> None:
            self.respond(204, reference_pages.preflight(self.headers.get("Origin"), reference.has), b"")

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path in ("/tokeninfo", "/userinfo"):
                form = dict(parse_qsl(query))
                self.respond_json(*reference.respond_form(path, form, self.headers.get("Authorization")))
                return
            is_metadata = path == "/.well-known/oauth-authorization-server"
            self.respond_json(200, {}, reference_token.METADATA if is_metadata else reference.published())

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
            is_json = self.headers["Content-Type"].startswith("application/json")
            request = json.loads(content) if is_json else dict(parse_qsl(content))
            if self.path == "/delegation":
                self.respond_json(*reference.respond(request))
            else:
                self.respond_json(*reference.respond_form(self.path, request, self.headers.get("Authorization")))

        def respond_json(self, status: int, headers: dict[str, str], body: Any) -> None:
            content = json.dumps(body).encode("utf-8")
            readable = reference_pages.headers(self.headers.get("Origin"), reference.has)
            self.respond(status, {**headers, **readable, "Content-Type": "application/json"}, content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    with http_server.running(server):
        yield f"http://127.0.0.1:{server.server_port}"
