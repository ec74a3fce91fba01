"""What the fake upstreams read and answer: a strictly parsed form or JSON object in, a response out."""

from __future__ import annotations

import base64
import binascii
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

REPLAY_ENTRIES_MAX = 10_000


@dataclass(frozen=True)
class FormRequest:
    path: str
    headers: Message
    form: dict[str, str]
    base_url: str


@dataclass(frozen=True)
class JsonRequest:
    path: str
    headers: Message
    document: dict[str, Any]

    def bearer_token(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class FakeResponse:
    status: int
    body: str
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    code: str | None = None
    """The error code for the log; None for a success."""
    granted: Any = None
    """The issued credential for the log, so that cases can compare it with what the server returned."""


class MalformedForm(Exception):
    """The form cannot be parsed; the text says why."""


class MalformedJson(Exception):
    """The body is not a JSON object; the text says why."""


def parse_form(headers: Message, body: bytes) -> dict[str, str]:
    if headers.get_content_type() != "application/x-www-form-urlencoded":
        raise MalformedForm(f"the content type is {headers.get_content_type()}")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise MalformedForm("the body is not a form") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise MalformedForm("a field is repeated")
    return form


def parse_json(headers: Message, body: bytes) -> dict[str, Any]:
    if headers.get_content_type() != "application/json":
        raise MalformedJson(f"the content type is {headers.get_content_type()}")
    try:
        document = json.loads(body, object_pairs_hook=unique_members)
    except ValueError as error:
        raise MalformedJson(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedJson("the body is not an object")
    return document


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member is repeated")
    return dict(pairs)


def json_response(status: int, body: dict[str, Any], **more: Any) -> FakeResponse:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **more.pop("headers", {})}
    return FakeResponse(status, json.dumps(body), headers=headers, **more)


def oauth_error(status: int, code: str, description: str, **headers: str) -> FakeResponse:
    body = {"error": code, "error_description": description}
    return json_response(
        status, body, code=code, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def strict_base64(text: str, urlsafe: bool) -> bytes | None:
    """The decoded bytes; None if the text has any character that the alphabet lacks."""
    alphabet = b"-_" if urlsafe else b"+/"
    padded = text + "=" * (-len(text) % 4) if urlsafe else text
    try:
        return base64.b64decode(padded, altchars=alphabet, validate=True)
    except (binascii.Error, ValueError):
        return None


class ReplayCache:
    """Remembers what was presented, so that each proof is accepted once."""

    def __init__(self) -> None:
        self.seen: OrderedDict[str, None] = OrderedDict()

    def is_new(self, proof: str) -> bool:
        if proof in self.seen:
            return False
        self.seen[proof] = None
        if len(self.seen) > REPLAY_ENTRIES_MAX:
            self.seen.popitem(last=False)
        return True
