"""What a Blob SAS must be, as a script: stricter than Azurite, with Microsoft's own library for the signature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from azure.storage.blob._serialize import _SUPPORTED_API_VERSIONS
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature

import demo
from results import Mismatch

ORDER = ["st", "se", "sp", "sv", "si", "sr", "sig"]
PERMISSIONS = "rwdl"
OLDEST_VERSION = "2020-12-06"  # the library signs the layout that begins here
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Wanted:
    """What one request must lead to: either permissions or the name of a stored policy."""

    container: str
    blob: str | None
    permissions: str = ""
    policy: str | None = None


def obey(sas: str, wanted: Wanted) -> dict[str, str]:
    """The SAS's fields, if each rule holds and the signature is Microsoft's; `Mismatch` otherwise."""
    fields = read(sas)
    rule("sig" in fields and "sv" in fields and "sr" in fields, f"it holds only {list(fields)}")
    rule(fields["sr"] == ("b" if wanted.blob else "c"), f"sr is {fields['sr']}")
    version = fields["sv"]
    rule(version in _SUPPORTED_API_VERSIONS and version >= OLDEST_VERSION, f"sv is {version}")
    if wanted.policy is None:
        rule("si" not in fields, "it names a stored policy")
        obey_permissions(fields, wanted.permissions)
        obey_times(fields)
    else:
        rule(fields.get("si") == wanted.policy, f"si is {fields.get('si')}")
        rule(not {"st", "se", "sp"} & set(fields), "it repeats what the stored policy fixes")
    expected = signature(fields, wanted)
    rule(fields["sig"] == expected, f"sig is {fields['sig']}, Microsoft's library computes {expected}")
    return fields


def read(sas: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in sas.split("&")]
    names = [name for name, _, _ in pairs]
    rule(names == [name for name in ORDER if name in names], f"its fields stand as {names}")
    for name, _, value in pairs:
        rule(quote(unquote(value), safe="") == value, f"{name} is not percent-encoded")
    return {name: unquote(value) for name, _, value in pairs}


def obey_permissions(fields: dict[str, str], permissions: str) -> None:
    found = fields.get("sp", "")
    rule(
        found == "".join(letter for letter in PERMISSIONS if letter in found),
        f"sp is {found!r}: unknown letters or order",
    )
    rule(found == permissions, f"sp is {found!r}, not {permissions!r}")


def obey_times(fields: dict[str, str]) -> None:
    start, end = fields.get("st", ""), fields.get("se", "")
    rule(
        bool(TIME.fullmatch(start) and TIME.fullmatch(end)), f"st is {start!r}, se is {end!r}: no UTC times in seconds"
    )
    try:
        lifetime = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    except ValueError as error:
        raise Mismatch(f"the SAS is wrong: {error}") from error
    rule(lifetime == timedelta(minutes=demo.SAS_MINUTES), f"it lives for {lifetime}")


def signature(fields: dict[str, str], wanted: Wanted) -> str:
    return unquote(dict(part.split("=", 1) for part in signed(fields, wanted).split("&"))["sig"])


def signed(fields: dict[str, str], wanted: Wanted) -> str:
    """The SAS that azure-storage-blob makes of these fields, in that library's own order."""
    maker = BlobSharedAccessSignature(demo.STORAGE_ACCOUNT, demo.STORAGE_KEY)
    maker.x_ms_version = fields["sv"]
    named = {
        "permission": fields.get("sp"),
        "start": fields.get("st"),
        "expiry": fields.get("se"),
        "policy_id": fields.get("si"),
    }
    if wanted.blob:
        return maker.generate_blob(wanted.container, wanted.blob, **named)
    return maker.generate_container(wanted.container, **named)


def resigned(fields: dict[str, str], wanted: Wanted) -> str:
    """A SAS of any fields under a right signature, in the order that Locum uses."""
    whole = {**fields, "sig": signature(fields, wanted)}
    return "&".join(f"{name}={quote(whole[name], safe='')}" for name in ORDER if name in whole)


def rule(holds: bool, broken: str) -> None:
    if not holds:
        raise Mismatch(f"the SAS is wrong: {broken}")
