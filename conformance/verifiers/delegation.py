"""Speaks to the server under judgement: `POST /delegation`, and its published keys."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from results import Mismatch, NotRun

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ANSWER_SECONDS_MAX = 30


@dataclass(frozen=True)
class Response:
    status: int
    headers: Message
    body: Any

    def integer(self, header: str) -> int:
        values = self.headers.get_all(header) or []
        if len(values) != 1 or not values[0].isascii() or not values[0].isdigit():
            raise Mismatch(f"header {header} is {values}, not one whole number")
        return int(values[0])

    def issued(self, api_type: str) -> dict[str, Any]:
        """The body of a success; `NotRun` when the server has no such issuer."""
        description = str(self.body.get("error_description", "")) if isinstance(self.body, dict) else ""
        if (
            self.status == 400
            and self.body.get("error") == "invalid_request"
            and re.search(rf"\b{api_type}\b", description)
        ):
            raise NotRun(f"the server does not issue {api_type}: {description}")
        if self.status != 200:
            raise Mismatch(f"HTTP {self.status} {self.body!r} where a credential was due")
        if "no-store" not in self.headers.get("Cache-Control", ""):
            raise Mismatch("a credential was answered without Cache-Control: no-store")
        return self.body

    def expect_error(self, status: int, error: str) -> None:
        if self.status != status or not isinstance(self.body, dict) or self.body.get("error") != error:
            raise Mismatch(f"HTTP {self.status} {self.redacted()}, not {status} {error}")
        if not isinstance(self.body.get("error_description"), str):
            raise Mismatch("error_description is missing or no string")

    def redacted(self) -> str:
        """The body of an unwanted success can hold a credential: name its members only."""
        return f"with members {sorted(self.body)}" if self.status == 200 else repr(self.body)


@dataclass(frozen=True)
class Delegation:
    base_url: str

    def exchange(self, client_id: str, id_token: str, **parameters: str) -> Response:
        request = {"client_id": client_id, "grant_type": GRANT_TYPE, "id_token": id_token, **parameters}
        return self.send("/delegation", json.dumps(request).encode("utf-8"))

    def published_keys(self) -> dict[str, Any]:
        answer = self.send("/.well-known/jwks.json", None)
        if answer.status != 200:
            raise Mismatch(f"/.well-known/jwks.json answers HTTP {answer.status}")
        return answer.body

    def send(self, path: str, body: bytes | None) -> Response:
        request = urllib.request.Request(
            self.base_url + path, data=body, headers={"Content-Type": "application/json"} if body else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:
                return Response(response.status, response.headers, parsed(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.headers, parsed(error.read()))


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"not_json": body[:200].decode("utf-8", "replace")}
