"""Looks into the stub upstreams: what reached them through the server, and what they handed out."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

from context import Bench
from delegation import Answer, parsed
from results import Difference, NotRun

ANSWER_SECONDS_MAX = 30


def last_asked(bench: Bench, path: str) -> dict[str, Any]:
    """The newest log entry of that path."""
    entries = [entry for entry in got(bench, "/log").body if entry["path"] == path]
    if not entries:
        raise Difference(f"nothing reached {path} of the stub upstreams, though a credential was answered")
    return entries[-1]


def got(bench: Bench, path: str, headers: dict[str, str] | None = None) -> Answer:
    return sent(urllib.request.Request(stubs(bench) + path, headers=headers or {}))


def posted(bench: Bench, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Answer:
    return sent_form(bench, path, urllib.parse.urlencode(form), headers)


def sent_form(bench: Bench, path: str, body: str, headers: dict[str, str] | None = None) -> Answer:
    """As `posted`, for a body that no dictionary can make."""
    return sent(urllib.request.Request(stubs(bench) + path, data=body.encode("ascii"), headers=headers or {}))


def stubs(bench: Bench) -> str:
    if bench.stubs is None:
        raise NotRun("no stub upstreams are running")
    return bench.stubs


def sent(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as response:
            return Answer(response.status, response.headers, parsed(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, parsed(error.read()))
