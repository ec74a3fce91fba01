"""The server under test, over HTTP: `POST /delegation`, its other endpoints, and its published keys."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode

import http_client
from results import Mismatch, NotRun

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class Response:
    status: int
    headers: Message
    body: Any
    """The parsed JSON; an object with the member `not_json` if the body is something else."""

    def integer(self, header: str) -> int:
        values = self.headers.get_all(header) or []
        if len(values) != 1 or not values[0].isascii() or not values[0].isdigit():
            raise Mismatch(f"header {header} is {values}, expected one whole number")
        return int(values[0])

    def issued(self, api_type: str) -> dict[str, Any]:
        """The body of a success; `NotRun` if the server says that it does not issue this api_type."""
        description = str(self.body.get("error_description", "")) if isinstance(self.body, dict) else ""
        if (
            self.status == 400
            and self.body.get("error") == "invalid_request"
            and re.search(rf"\b{api_type}\b", description)
        ):
            raise NotRun(f"the server does not issue {api_type}: {description}")
        if self.status != 200:
            raise Mismatch(f"HTTP {self.status} {self.body!r}, expected a credential")
        if "no-store" not in self.headers.get("Cache-Control", ""):
            raise Mismatch("the response with a credential lacks Cache-Control: no-store")
        return self.body

    def expect_error(self, status: int, error: str) -> None:
        if self.status != status or not isinstance(self.body, dict) or self.body.get("error") != error:
            raise Mismatch(f"HTTP {self.status} {self.redacted()}, expected {status} {error}")
        if not isinstance(self.body.get("error_description"), str):
            raise Mismatch("error_description is missing or not a string")

    def redacted(self) -> str:
        """The body; of a success only the members' names, because it can hold a credential."""
        return f"with members {sorted(self.body)}" if self.status == 200 else repr(self.body)


@dataclass(frozen=True)
class LocumServer:
    base_url: str

    def exchange(self, client_id: str, id_token: str, **parameters: str) -> Response:
        return self.post(
            "/delegation", {"client_id": client_id, "grant_type": GRANT_TYPE, "id_token": id_token, **parameters}
        )

    def published_keys(self) -> dict[str, Any]:
        response = send(urllib.request.Request(f"{self.base_url}/.well-known/jwks.json"))
        if response.status != 200:
            raise Mismatch(f"/.well-known/jwks.json is answered with HTTP {response.status}")
        return response.body

    def post(self, path: str, body: dict[str, Any]) -> Response:
        content = json.dumps(body).encode("utf-8")
        headers = {"Content-Type": "application/json"}
        return send(urllib.request.Request(self.base_url + path, data=content, headers=headers))

    def get(self, path: str) -> Response:
        return send(urllib.request.Request(self.base_url + path))

    def post_form(self, path: str, form: dict[str, str]) -> Response:
        content = urlencode(form).encode("ascii")
        return send(urllib.request.Request(self.base_url + path, data=content))

    def is_reachable(self) -> bool:
        try:
            send(urllib.request.Request(f"{self.base_url}/.well-known/jwks.json"))
        except OSError:
            return False
        return True


def send(request: urllib.request.Request) -> Response:
    status, headers, content = http_client.send(request)
    try:
        body = json.loads(content)
    except ValueError:
        body = {"not_json": content[:200].decode("utf-8", "replace")}
    return Response(status, headers, body)
