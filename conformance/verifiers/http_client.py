"""Sends one HTTP request; an error status is a response like any other."""

from __future__ import annotations

import urllib.error
import urllib.request
from email.message import Message

TIMEOUT_SECONDS = 30


def send(request: urllib.request.Request) -> tuple[int, Message, bytes]:
    """Status, headers and body."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
