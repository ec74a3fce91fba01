"""Ends TLS before the Management API, as a proxy does in production; in a self-test it can change an answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import certificates
import http_server

SECONDS_MAX = 30
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


@dataclass
class Exchange:
    """A request, and the answer to it that a fault may change."""

    method: str
    path: str
    request: bytes
    sent_headers: dict[str, str]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""


Change = Callable[[Exchange], None]


@dataclass(frozen=True)
class TlsProxy:
    domain: str
    """Host and port."""
    authority: Path
    exchanges: list[Exchange]
    """All that were answered, in their order."""


@contextmanager
def serving(base_url: str, scratch: Path, before: Change | None = None, after: Change | None = None) -> Iterator[TlsProxy]:
    """Passes requests on to `base_url`. `before` changes what is sent there, `after` what comes back."""
    authority, certificate = certificates.certificates(scratch)
    exchanges: list[Exchange] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(base_url, before, after, exchanges))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with http_server.running(server):
        yield TlsProxy(f"localhost:{server.server_port}", authority, exchanges)


def handler(
    base_url: str, before: Change | None, after: Change | None, exchanges: list[Exchange]
) -> type[http_server.Handler]:
    class Endpoint(http_server.Handler):
        def pass_on(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            exchange = Exchange(self.command, self.path, content, headers)
            if before is not None:
                before(exchange)
            send(base_url, exchange)
            if after is not None:
                after(exchange)
            exchanges.append(exchange)
            self.respond(exchange.status, exchange.headers, exchange.answer)

        do_GET = do_POST = do_PATCH = do_DELETE = pass_on
        # schemathesis tries the methods that are not described.
        do_HEAD = do_PUT = do_OPTIONS = do_TRACE = do_QUERY = pass_on

    return Endpoint


def send(base_url: str, exchange: Exchange) -> None:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=SECONDS_MAX)
    try:
        connection.request(exchange.method, exchange.path, exchange.request or None, exchange.sent_headers)
        response = connection.getresponse()
        exchange.status, exchange.answer = response.status, response.read()
        exchange.headers = {
            name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP
        }
    finally:
        connection.close()
