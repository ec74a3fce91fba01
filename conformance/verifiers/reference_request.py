"""What the reference is asked to make, and how it declines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo import Keys


class Refusal(Exception):
    """An error answer: status, code and what happened."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.body = status, {"error": code, "error_description": description}


@dataclass(frozen=True)
class IssueRequest:
    """One credential that is to be made, for an authenticated user."""

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
