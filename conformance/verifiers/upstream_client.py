"""Asks the fake upstreams directly: for their log of requests and responses, or as another client of theirs."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

import locum_server
from context import Context
from locum_server import Response
from results import Mismatch, NotRun


def last_request(context: Context, path: str) -> dict[str, Any]:
    """The newest log entry for that path: `form`, `status`, `code` and what was `granted`."""
    entries = [entry for entry in get(context, "/log").body if entry["path"] == path]
    if not entries:
        raise Mismatch(f"the server returned a credential, but {path} of the fake upstreams received no request")
    return entries[-1]


def get(context: Context, path: str, headers: dict[str, str] | None = None) -> Response:
    return locum_server.send(urllib.request.Request(url(context) + path, headers=headers or {}))


def post(context: Context, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Response:
    return post_body(context, path, urllib.parse.urlencode(form), headers)


def post_body(context: Context, path: str, body: str, headers: dict[str, str] | None = None) -> Response:
    """Like `post`, for a form that a dictionary cannot hold."""
    request = urllib.request.Request(url(context) + path, data=body.encode("ascii"), headers=headers or {})
    return locum_server.send(request)


def url(context: Context) -> str:
    if context.fake_upstreams is None:
        raise NotRun("no fake upstreams are running")
    return context.fake_upstreams
