"""The rules for a Blob SAS: stricter than Azurite, with the signature by Microsoft's own library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from azure.storage.blob._serialize import _SUPPORTED_API_VERSIONS
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature

import demo
import sas_text
from rules import Refused, require

ORDER = ["st", "se", "sp", "sv", "si", "sr", "sig"]
PERMISSIONS = "rwdl"
OLDEST_VERSION = "2020-12-06"  # the first version whose layout the library signs
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Wanted:
    """What a request must grant: either permissions or the name of a stored policy."""

    container: str
    blob: str | None
    permissions: str = ""
    policy: str | None = None


def check(text: str, wanted: Wanted) -> dict[str, str]:
    """The fields of a SAS that satisfies every rule and has the signature that Microsoft's library computes."""
    fields = parse(text)
    require("sig" in fields and "sv" in fields and "sr" in fields, f"the only fields are {list(fields)}")
    require(fields["sr"] == ("b" if wanted.blob else "c"), f"sr is {fields['sr']}")
    version = fields["sv"]
    require(version in _SUPPORTED_API_VERSIONS and version >= OLDEST_VERSION, f"sv is {version}")
    if wanted.policy is None:
        require("si" not in fields, "si names a stored policy")
        check_permissions(fields, wanted.permissions)
        check_times(fields)
    else:
        require(fields.get("si") == wanted.policy, f"si is {fields.get('si')}")
        require(not {"st", "se", "sp"} & set(fields), "st, se or sp is in the SAS as well as in the stored policy")
    expected = signature(fields, wanted)
    require(fields["sig"] == expected, f"sig is {fields['sig']}, Microsoft's library computes {expected}")
    return fields


def parse(text: str) -> dict[str, str]:
    return sas_text.parse(text, ORDER)


def check_permissions(fields: dict[str, str], permissions: str) -> None:
    found = fields.get("sp", "")
    require(
        found == "".join(letter for letter in PERMISSIONS if letter in found),
        f"sp is {found!r}, which has unknown letters or another order",
    )
    require(found == permissions, f"sp is {found!r}, expected {permissions!r}")


def check_times(fields: dict[str, str]) -> None:
    start, expiry = fields.get("st", ""), fields.get("se", "")
    require(
        bool(TIME.fullmatch(start) and TIME.fullmatch(expiry)),
        f"st is {start!r}, se is {expiry!r}, expected UTC times with seconds",
    )
    try:
        lifetime = datetime.fromisoformat(expiry) - datetime.fromisoformat(start)
    except ValueError as error:
        raise Refused(str(error)) from error
    require(lifetime == timedelta(minutes=demo.SAS_MINUTES), f"its lifetime is {lifetime}")


def signature(fields: dict[str, str], wanted: Wanted) -> str:
    return unquote(dict(part.split("=", 1) for part in signed(fields, wanted).split("&"))["sig"])


def signed(fields: dict[str, str], wanted: Wanted) -> str:
    """The SAS that azure-storage-blob makes of these fields, in the library's own order."""
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
    """A correctly signed SAS with these fields, in the order that Locum uses."""
    whole = {**fields, "sig": signature(fields, wanted)}
    return sas_text.join({name: whole[name] for name in ORDER if name in whole})
