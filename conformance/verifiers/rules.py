"""Acceptance and refusal of a credential, and the two expectations that cases have of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from results import Mismatch

T = TypeVar("T")


class Refused(Mismatch):
    """A library, a receiver or a rule refuses the credential; `expired` is set if expiry is the cause."""

    def __init__(self, reason: str, expired: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def expect_accepted(who: str, what: str, verify: Callable[[], T]) -> T:
    try:
        return verify()
    except Refused as refusal:
        raise Mismatch(f"{who} refused {what}: {refusal}") from refusal


def expect_refused(who: str, what: str, verify: Callable[[], object]) -> None:
    try:
        verify()
    except Refused:
        return
    raise Mismatch(f"{who} accepted {what}")
