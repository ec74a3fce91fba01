"""The text form of both kinds of SAS: fields in a fixed order, values percent-encoded."""

from __future__ import annotations

from urllib.parse import quote, unquote

from rules import require


def parse(text: str, order: list[str]) -> dict[str, str]:
    """The fields by name; `Refused` if they are unknown, repeated, in another order or not percent-encoded."""
    pairs = [part.partition("=") for part in text.split("&")]
    names = [name for name, _, _ in pairs]
    require(names == [name for name in order if name in names], f"the fields are {names}, in this order")
    for name, _, value in pairs:
        require(quote(unquote(value), safe="") == value, f"{name} is not percent-encoded")
    return {name: unquote(value) for name, _, value in pairs}


def join(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
