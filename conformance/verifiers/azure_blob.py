"""Verifies Blob SAS: each allows in Azurite what it grants and nothing else, and has Microsoft's own signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from azure.storage.blob import AccessPolicy

import blob_sas
import demo
import sas_text
import subject
from azurite import CONTENTS, Azurite, azurite
from blob_sas import Wanted
from context import Context
from results import Case, Mismatch, expect_equal
from rules import expect_accepted, expect_refused

ONE_BLOB = Wanted(demo.CONTAINER, demo.BLOB, permissions="r")
OTHER_BLOB = Wanted(demo.CONTAINER, "other.txt", permissions="r")
WHOLE_CONTAINER = Wanted(demo.CONTAINER, None, permissions="rl")
BY_POLICY = Wanted(demo.CONTAINER, demo.BLOB, policy=demo.STORED_POLICY)


def cases(context: Context) -> Iterator[Case]:
    with azurite(context) as storage:
        for name, description, check in checks():
            yield Case(f"azure_blob/{name}", description, partial(check, context, storage))


def checks() -> list[tuple[str, str, Callable[[Context, Azurite], None]]]:
    return [
        (
            "rules",
            "fields, order, encoding, lifetime and signature satisfy the rules, which refuse what Azurite wrongly accepts",
            check_rules,
        ),
        (
            "one-blob",
            "the blob is read; writing, deleting, listing and every other blob are refused",
            check_one_blob,
        ),
        (
            "tampered",
            "a changed signature, permission, time, version or resource is refused by Azurite",
            check_tampering,
        ),
        ("expiry", "it reads the blob four minutes later and is refused six minutes later", check_expiry),
        ("requested-blob", "a requested blobName moves the SAS to that blob if the settings allow it", check_requested_blob),
        ("bounds", "a blob or container beside the allowed ones is refused", check_bounds),
        ("container", "a container SAS can list and read but not write or delete", check_container),
        (
            "stored-policy",
            "a SAS bound to a stored policy works while the policy is stored and is refused before and after",
            check_stored_policy,
        ),
    ]


def issued(context: Context, client_id: str, **parameters: str) -> str:
    id_token = subject.for_client(client_id)
    body = context.server.exchange(client_id, id_token, api_type="azure_blob", **parameters).issued("azure_blob")
    expect_equal("the response's members", set(body), {"azure_blob_sas"})
    return body["azure_blob_sas"]


def check_rules(context: Context, _: Azurite) -> None:
    for client_id, wanted in (("spa", ONE_BLOB), ("files", WHOLE_CONTAINER), ("policy", BY_POLICY)):
        text = issued(context, client_id)
        fields = expect_accepted("the rules", f"the SAS of {client_id}", partial(blob_sas.check, text, wanted))
        for what, tampered in tampered_variants(fields, wanted):
            check = partial(blob_sas.check, tampered, wanted)
            expect_refused("the rules", f"a SAS of {client_id} {what}", check)
    starts = datetime.fromisoformat(blob_sas.parse(issued(context, "spa"))["st"])
    if abs(datetime.now(UTC) - starts) > timedelta(seconds=5):
        raise Mismatch(f"st is {starts}, expected now")


def tampered_variants(fields: dict[str, str], wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Correctly signed SAS that Azurite would accept, or that grant something else."""
    for what, changed in (
        ("of a version that does not exist", {"sv": "2099-01-01"}),
        ("with letters out of order", {"sp": "lr"}),
        ("with an unknown letter", {"sp": "rq"}),
        ("with more permissions", {"sp": "rwdl"}),
        ("with an unparsable expiry", {"se": "tomorrow"}),
        ("whose expiry has an offset", {"se": "2030-01-01T00:00:00+02:00"}),
        ("whose expiry has no seconds", {"se": "2030-01-01T00:00Z"}),
        ("with a lifetime of years", {"se": fields.get("se", "2030-01-01T00:00:00Z").replace("20", "21", 1)}),
        ("bound to another policy", {"si": "other"}),
        ("for the other kind of resource", {"sr": "c" if fields["sr"] == "b" else "b"}),
    ):
        yield what, blob_sas.resigned({**fields, **changed}, wanted)
    valid = blob_sas.resigned(fields, wanted)
    yield "with a leading question mark", "?" + valid
    yield "with a repeated field", valid + "&sr=" + fields["sr"]
    yield "with an unescaped signature", valid.replace("%3D", "=")


def check_one_blob(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    expect_content(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    expect_denied("writing", storage.write(sas, demo.BLOB))
    expect_denied("deleting", storage.delete(sas, demo.BLOB))
    expect_denied("listing", storage.list(sas))
    expect_denied("reading another blob", storage.read(sas, "other.txt"))
    expect_denied("reading that blob of another container", storage.read(sas, demo.BLOB, container="elsewhere"))
    expect_content(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])


def check_tampering(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    fields = blob_sas.parse(sas)
    expect_content(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    for name, value in (
        ("sig", subject.with_other_first_character(fields["sig"])),
        ("sp", "rw"),
        ("se", "2099-01-01T00:00:00Z"),
        ("st", "2020-01-01T00:00:00Z"),
        ("sv", "2020-12-06" if fields["sv"] != "2020-12-06" else "2022-11-02"),
        ("sr", "c"),
    ):
        changed = sas_text.join({**fields, name: value})
        expect_denied(f"reading with a changed {name}", storage.read(changed, demo.BLOB))
    expect_denied("reading without a signature", storage.read(sas[: sas.index("&sig=")], demo.BLOB))


def check_expiry(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    try:
        storage.move_clock(minutes=demo.SAS_MINUTES - 1)
        expect_content(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
        storage.move_clock(minutes=demo.SAS_MINUTES + 1)
        expect_denied("reading after the expiry", storage.read(sas, demo.BLOB))
        storage.move_clock(minutes=-1)
        expect_denied("reading before the start", storage.read(sas, demo.BLOB))
    finally:
        storage.move_clock(minutes=0)


def check_requested_blob(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa", blobName="other.txt")
    expect_accepted("the rules", "the SAS", lambda: blob_sas.check(sas, OTHER_BLOB))
    expect_content(storage.read(sas, "other.txt"), CONTENTS["other.txt"])
    expect_denied("reading the configured blob", storage.read(sas, demo.BLOB))


def check_bounds(context: Context, _: Azurite) -> None:
    for parameters in ({"blobName": "private.txt"}, {"containerName": "elsewhere"}, {"containerName": "$web"}):
        id_token = subject.for_client("spa")
        response = context.server.exchange("spa", id_token, api_type="azure_blob", **parameters)
        response.expect_error(400, "invalid_request")


def check_container(context: Context, storage: Azurite) -> None:
    sas = issued(context, "files")
    status, listing = storage.list(sas)
    if status != 200 or any(name.encode() not in listing for name in CONTENTS):
        raise Mismatch(f"listing the container gives HTTP {status} {listing[:200]!r}")
    for name, content in CONTENTS.items():
        expect_content(storage.read(sas, name), content)
    expect_denied("writing a new blob", storage.write(sas, "new.txt"))
    expect_denied("deleting", storage.delete(sas, demo.BLOB))
    expect_denied("reading another container", storage.read(sas, demo.BLOB, container="elsewhere"))


def check_stored_policy(context: Context, storage: Azurite) -> None:
    sas = issued(context, "policy")
    expect_denied("reading before the policy is stored", storage.read(sas, demo.BLOB))
    expiry = datetime.now(UTC) + timedelta(hours=1)
    storage.set_policy(AccessPolicy(permission="r", start=expiry - timedelta(hours=2), expiry=expiry))
    expect_content(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    expect_denied("writing beyond the policy", storage.write(sas, demo.BLOB))
    storage.set_policy(None)
    expect_denied("reading after the policy is deleted", storage.read(sas, demo.BLOB))


def expect_content(response: tuple[int, bytes], content: bytes) -> None:
    if response != (200, content):
        raise Mismatch(f"reading gives HTTP {response[0]} {response[1][:200]!r}, expected {content!r}")


def expect_denied(what: str, response: tuple[int, bytes]) -> None:
    if response[0] not in (401, 403):
        raise Mismatch(f"{what} gives HTTP {response[0]}, expected 401 or 403")
