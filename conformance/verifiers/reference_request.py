"""The reference's input and its refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo import Keys


class Refusal(Exception):
    """An error response: status, code and description."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.body = status, {"error": code, "error_description": description}


@dataclass(frozen=True)
class IssueRequest:
    """A request for one credential, for an authenticated user."""

    keys: Keys
    fake_upstreams: str | None
    fault: str | None
    parameters: dict[str, Any]
    claims: dict[str, Any]

    @property
    def user_id(self) -> str:
        return self.claims["sub"]

    def has(self, fault: str) -> bool:
        return self.fault == fault
