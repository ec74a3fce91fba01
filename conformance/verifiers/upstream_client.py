"""Looks into the fake upstreams: what reached them through the server, and what they handed out."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

from context import Context
from delegation import Response, parsed
from results import Mismatch, NotRun

ANSWER_SECONDS_MAX = 30


def last_request(context: Context, path: str) -> dict[str, Any]:
    """The newest log entry of that path."""
    entries = [entry for entry in get(context, "/log").body if entry["path"] == path]
    if not entries:
        raise Mismatch(f"nothing reached {path} of the fake upstreams, though a credential was answered")
    return entries[-1]


def get(context: Context, path: str, headers: dict[str, str] | None = None) -> Response:
    return send(urllib.request.Request(url(context) + path, headers=headers or {}))


def post(context: Context, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Response:
    return post_body(context, path, urllib.parse.urlencode(form), headers)


def post_body(context: Context, path: str, body: str, headers: dict[str, str] | None = None) -> Response:
    """As `post`, for a body that no dictionary can make."""
    return send(urllib.request.Request(url(context) + path, data=body.encode("ascii"), headers=headers or {}))


def url(context: Context) -> str:
    if context.fake_upstreams is None:
        raise NotRun("no fake upstreams are running")
    return context.fake_upstreams


def send(request: urllib.request.Request) -> Response:
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:
            return Response(response.status, response.headers, parsed(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, parsed(error.read()))
