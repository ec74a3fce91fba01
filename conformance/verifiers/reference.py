"""A small `/delegation` made of foreign libraries, whose single faults each judge must find."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

import demo
import reference_upstreams
from demo import Keys
from reference_issuers import ISSUERS
from reference_request import IssueRequest, Refusal

BUCKET_SIZE = 10
REFILL_SECONDS = 60


@dataclass
class Reference:
    """Answers as the demo tenant should; `fault` names the one thing that it does wrong."""

    keys: Keys
    fault: str | None = None
    fake_upstreams: str | None = None
    buckets: dict[str, list[float]] = field(default_factory=dict)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def has(self, fault: str) -> bool:
        return self.fault == fault

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        headers: dict[str, str] = {}
        try:
            claims = self.authenticate(request["client_id"], request["id_token"])
            self.admit(claims["sub"], headers)
            body = self.issue(request, claims)
            return 200, {**headers, "Cache-Control": "no-store"}, body
        except Refusal as refusal:
            return refusal.status, headers, refusal.body
        except Exception as fault:  # the self-test must show where its own reference broke
            return 500, headers, {"error": "reference_broke", "error_description": repr(fault)}

    def authenticate(self, client_id: str, token: str) -> dict[str, Any]:
        key: Any = self.keys.public_pem("tenant-rsa") if client_id == "rs-spa" else demo.SECRETS[client_id]
        alg = "RS256" if client_id == "rs-spa" else "HS256"
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
            if self.has("accepts-any-signature"):
                options["verify_signature"] = False
            claims = jwt.decode(token, key, [alg], audience=client_id, issuer=demo.ISSUER, options=options)
        except jwt.PyJWTError as error:
            raise Refusal(400, "invalid_grant", str(error)) from error
        if claims["sub"] == "auth0|mallory" and not self.has("serves-blocked-users"):
            raise Refusal(401, "unauthorized", "user is blocked")
        return claims

    def admit(self, user_id: str, headers: dict[str, str]) -> None:
        size = BUCKET_SIZE + self.has("bucket-of-eleven")
        now = time.time()
        with self.one_at_a_time:
            key = "everyone" if self.has("one-bucket-for-all") else user_id
            content, since = self.buckets.get(key, [size, now])
            content = min(size, content + (now - since) / REFILL_SECONDS)
            conforms = content >= 1
            content -= conforms
            self.buckets[key] = [content, now]
        full = math.ceil(now + (size - content) * REFILL_SECONDS)
        limit = {
            "Limit": BUCKET_SIZE,
            "Remaining": math.floor(content),
            "Reset": 60 if self.has("reset-is-relative") else full,
        }
        headers.update({f"X-RateLimit-{name}": str(value) for name, value in limit.items()})
        if not conforms:
            if not self.has("no-retry-after"):
                headers["Retry-After"] = str(math.ceil((1 - content) * REFILL_SECONDS))
            raise Refusal(429, "too_many_requests", "too many requests")

    def issue(self, request: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        issuer = ISSUERS.get(request["api_type"])
        if issuer is None:
            raise Refusal(400, "invalid_request", f"{request['api_type']} is not enabled on the target")
        return issuer(IssueRequest(self.keys, self.fake_upstreams, self.fault, request, claims))

    def published(self) -> dict[str, Any]:
        jwk = (
            demo.private_jwk(self.keys.tenant)
            if self.has("publishes-the-private-key")
            else self.keys.public_jwk("tenant-rsa")
        )
        return {"keys": [{**jwk, "kid": demo.TENANT_KID, "use": "sig", "alg": "RS256"}]}


@contextmanager
def serving(reference: Reference) -> Iterator[str]:
    """Serves it over HTTP on a free port until the block ends."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, {}, reference.published())

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/oauth/revoke":
                self.reply(
                    reference_upstreams.revoke(reference.fake_upstreams, request, reference.has("revokes-nothing")),
                    {},
                    {},
                )
            else:
                self.reply(*reference.answer(request))

        def reply(self, status: int, headers: dict[str, str], body: Any) -> None:
            content = json.dumps(body).encode("utf-8")
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Silent: the results are the output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
