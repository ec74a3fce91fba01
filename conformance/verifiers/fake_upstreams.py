"""Runs the fake upstreams on one port: STS, Salesforce and SAP, each on third-party parsers, each strict."""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import demo
import fake_aws
from demo import Keys
from fake_http import (
    FakeResponse,
    FormRequest,
    MalformedForm,
    json_response,
    oauth_error,
    parse_form,
)
from fake_salesforce import FakeSalesforce
from fake_sap import FakeSap
from fake_sts import FakeSts

BODY_BYTES_MAX = 200_000
LOG_ENTRIES_MAX = 1000


class PortInUse(Exception):
    """Something else listens where the fake upstreams should."""


@dataclass
class FakeUpstreams:
    """Which path is whose, and what was asked and answered so far."""

    sts: FakeSts
    salesforce: FakeSalesforce
    sap: FakeSap
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES_MAX))
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def post(self, request: FormRequest) -> FakeResponse:
        routes: dict[str, Callable[[FormRequest], FakeResponse]] = {
            "/": self.sts.answer,
            "/services/oauth2/token": self.salesforce.token,
            "/services/oauth2/revoke": self.salesforce.revoke,
            demo.SAP_PATH: self.sap.token,
        }
        route = routes.get(request.path)
        if route is None:
            return oauth_error(404, "not_found", request.path)
        with self.one_at_a_time:
            try:
                reply = route(request)
            except Exception as fault:  # a fake upstream that breaks must say so, and must not look like a refusal
                reply = json_response(
                    500, {"error": "fake_upstream_broke", "error_description": repr(fault)}, code="fake_upstream_broke"
                )
            entry = {"path": request.path, "form": request.form, "status": reply.status, "code": reply.code}
            self.log.append({**entry, "granted": reply.granted})
            return reply

    def get(self, path: str, authorization: str) -> FakeResponse:
        if path == "/log":
            return FakeResponse(200, json.dumps(list(self.log), default=str))
        if path == "/cloud":
            return json_response(200, {"url": self.sts.cloud.url})
        if path == "/services/oauth2/userinfo":
            return self.salesforce.user_info(authorization)
        return oauth_error(404, "not_found", path)


@contextmanager
def serving(keys: Keys, port: int, jwks_url: str | None = None, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serves all fake upstreams until the block ends. Without `jwks_url` web identities are verified with the tenant's key."""
    cloud = fake_aws.start()
    sts = FakeSts(cloud, keys.certificate, lambda: fetched(jwks_url) if jwks_url else own_keys(keys))
    fakes = FakeUpstreams(sts, FakeSalesforce(keys.public_pem("tenant-rsa")), FakeSap(keys.certificate))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler(fakes, "https" if tls else "http"))
    except OSError as error:
        cloud.stop()
        raise PortInUse(
            f"port {port} is taken, perhaps by fake upstreams that run: stop them, or name them with --fake-upstreams"
        ) from error
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        cloud.stop()


def handler(fakes: FakeUpstreams, scheme: str) -> type[BaseHTTPRequestHandler]:
    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(fakes.get(urlsplit(self.path).path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            if length > BODY_BYTES_MAX:
                self.reply(oauth_error(413, "too_large", "the body is too large"))
                return
            try:
                form = parse_form(self.headers, self.rfile.read(length))
            except MalformedForm as bad:
                self.reply(oauth_error(400, "invalid_request", str(bad)))
                return
            base_url = f"{scheme}://{self.headers.get('Host', '')}"
            self.reply(fakes.post(FormRequest(self.path, self.headers, form, base_url)))

        def reply(self, reply: FakeResponse) -> None:
            content = reply.body.encode("utf-8")
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Silent: `GET /log` tells all."""

    return Endpoint


def fetched(jwks_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(jwks_url, timeout=5) as response:
        return json.load(response)


def own_keys(keys: Keys) -> dict[str, Any]:
    return {"keys": [{**keys.public_jwk("tenant-rsa"), "kid": demo.TENANT_KID, "alg": "RS256", "use": "sig"}]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=Path, required=True, help="directory with the demo tenant's keys")
    parser.add_argument("--port", type=int, default=demo.FAKE_UPSTREAMS_PORT, help="where to listen on 127.0.0.1")
    parser.add_argument("--jwks-url", help="the tenant's published keys; without it the key of the directory counts")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERTIFICATE", "KEY"), help="serve https with this pair")
    options = parser.parse_args()
    try:
        with serving(Keys(options.keys), options.port, options.jwks_url, options.tls) as url:
            print(f"fake upstreams on {url}: STS /, Salesforce /services/oauth2/token, SAP {demo.SAP_PATH}", flush=True)
            threading.Event().wait()
    except PortInUse as taken:
        print(taken, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
