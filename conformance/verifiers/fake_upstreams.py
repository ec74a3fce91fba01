"""Runs the fake upstreams on one port: AWS, Entra, GitHub, Google, Salesforce and SAP, on third-party parsers."""

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
from email.message import Message
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import demo
import fake_aws
import fake_entra
import fake_github
import fake_google
import fake_salesforce
import http_server
from demo import Keys
from fake_entra import FakeEntra
from fake_github import FakeGithub
from fake_http import (
    FakeResponse,
    FormRequest,
    JsonRequest,
    MalformedForm,
    MalformedJson,
    json_response,
    oauth_error,
    parse_form,
    parse_json,
)
from fake_google import FakeGoogle
from fake_salesforce import FakeSalesforce
from fake_sap import FakeSap
from fake_sts import FakeSts

BODY_BYTES_MAX = 200_000
LOG_ENTRIES_MAX = 1000


class PortInUse(Exception):
    """Another program listens on the port of the fake upstreams."""


@dataclass
class FakeUpstreams:
    """Routes requests by their path, and logs requests with their responses."""

    sts: FakeSts
    salesforce: FakeSalesforce
    sap: FakeSap
    google: FakeGoogle
    entra: FakeEntra
    github: FakeGithub
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES_MAX))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, request: FormRequest) -> FakeResponse:
        routes: dict[str, Callable[[FormRequest], FakeResponse]] = {
            "/": self.sts.respond,
            fake_salesforce.TOKEN_PATH: self.salesforce.token,
            fake_salesforce.REVOKE_PATH: self.salesforce.revoke,
            demo.SAP_PATH: self.sap.token,
            fake_google.STS_PATH: self.google.exchange,
            fake_entra.TOKEN_PATH: self.entra.token,
        }
        route = routes.get(request.path)
        if route is None:
            return oauth_error(404, "not_found", request.path)
        return self.logged(request.path, {"form": request.form}, lambda: route(request))

    def post_json(self, request: JsonRequest) -> FakeResponse:
        respond = self.google.generate if fake_google.is_iam_path(request.path) else self.github.create_token
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = {"document": request.document, "headers": headers}
        return self.logged(request.path, received, lambda: respond(request))

    def delete(self, path: str, headers: Message) -> FakeResponse:
        if path != fake_github.TOKEN_PATH:
            return oauth_error(404, "not_found", path)
        received = {"headers": {name.lower(): value for name, value in headers.items()}}
        return self.logged(path, received, lambda: self.github.revoke(headers))

    def logged(self, path: str, received: dict[str, Any], respond: Callable[[], FakeResponse]) -> FakeResponse:
        with self.lock:
            try:
                response = respond()
            except Exception as error:  # a crash must not look like a refusal
                crash = {"error": "fake_upstream_crashed", "error_description": repr(error)}
                response = json_response(500, crash, code="fake_upstream_crashed")
            entry = {"path": path, **received, "status": response.status, "code": response.code}
            self.log.append({**entry, "granted": response.granted})
            return response

    def get(self, path: str, authorization: str) -> FakeResponse:
        if path == "/log":
            return FakeResponse(200, json.dumps(list(self.log), default=str))
        if path == "/aws":
            return json_response(200, {"url": self.sts.aws.url})
        if path == fake_entra.DISCOVERY_PATH:
            return fake_entra.discovery()
        if path == fake_github.REPOSITORIES_PATH:
            return self.github.repositories(authorization)
        if path == fake_google.CERTS_PATH:
            return json_response(200, self.google.certificates())
        if path == fake_salesforce.USER_INFO_PATH:
            return self.salesforce.user_info(authorization)
        return oauth_error(404, "not_found", path)


@contextmanager
def serving(keys: Keys, port: int, jwks_url: str | None = None, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serves all fake upstreams until the block ends; yields their base URL.

    Without `jwks_url` AWS, Entra and Google verify web identity tokens with the tenant's key from `keys`.
    """
    aws = fake_aws.start()
    try:
        def jwks() -> dict[str, Any]:
            return fetched(jwks_url) if jwks_url else own_keys(keys)

        sts, salesforce = FakeSts(aws, keys.certificate, jwks), FakeSalesforce(keys.public_pem("tenant-rsa"))
        sap, google, entra = FakeSap(keys.certificate), FakeGoogle(jwks), FakeEntra(jwks)
        github = FakeGithub(keys.public_pem("firebase"))
        fakes = FakeUpstreams(sts, salesforce, sap, google, entra, github)
        scheme = "https" if tls else "http"
        server = listening(port, handler(fakes, scheme))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        with http_server.running(server):
            yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        aws.stop()


def listening(port: int, endpoint: type[http_server.Handler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), endpoint)
    except OSError as error:
        raise PortInUse(
            f"port {port} is in use, perhaps by other fake upstreams: stop them, or name them with --fake-upstreams"
        ) from error


def handler(fakes: FakeUpstreams, scheme: str) -> type[http_server.Handler]:
    class Endpoint(http_server.Handler):
        def do_GET(self) -> None:
            self.reply(fakes.get(urlsplit(self.path).path, self.headers.get("Authorization", "")))

        def do_DELETE(self) -> None:
            self.reply(fakes.delete(self.path, self.headers))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            if length > BODY_BYTES_MAX:
                self.reply(oauth_error(413, "too_large", "the body is too large"))
                return
            body = self.rfile.read(length)
            try:
                if fake_google.is_iam_path(self.path) or self.path.startswith(f"{demo.GITHUB_PATH}/"):
                    document = parse_json(self.headers, body)
                    self.reply(fakes.post_json(JsonRequest(self.path, self.headers, document)))
                    return
                form = parse_form(self.headers, body)
            except (MalformedForm, MalformedJson) as error:
                self.reply(oauth_error(400, "invalid_request", str(error)))
                return
            base_url = f"{scheme}://{self.headers.get('Host', '')}"
            self.reply(fakes.post(FormRequest(self.path, self.headers, form, base_url)))

        def reply(self, response: FakeResponse) -> None:
            headers = {"Content-Type": response.content_type, **response.headers}
            self.respond(response.status, headers, response.body.encode("utf-8"))

    return Endpoint


def fetched(jwks_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(jwks_url, timeout=5) as response:
        return json.load(response)


def own_keys(keys: Keys) -> dict[str, Any]:
    return {"keys": [{**keys.public_jwk("tenant-rsa"), "kid": demo.TENANT_KID, "alg": "RS256", "use": "sig"}]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=Path, required=True, help="directory with the demo tenant's keys")
    parser.add_argument("--port", type=int, default=demo.FAKE_UPSTREAMS_PORT, help="port of 127.0.0.1 to listen on")
    parser.add_argument("--jwks-url", help="URL of the tenant's published keys, in place of the key in the directory")
    parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERTIFICATE", "KEY"), help="serve https with this pair")
    options = parser.parse_args()
    try:
        with serving(Keys(options.keys), options.port, options.jwks_url, options.tls) as url:
            print(
                f"fake upstreams on {url}: STS /, Salesforce {fake_salesforce.TOKEN_PATH}, SAP {demo.SAP_PATH},"
                f" Google {fake_google.STS_PATH}, Entra {fake_entra.TOKEN_PATH},"
                f" GitHub {demo.GITHUB_PATH}",
                flush=True,
            )
            threading.Event().wait()
    except PortInUse as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
