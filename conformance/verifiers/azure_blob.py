"""Judge 4: a Blob SAS opens in Azurite what it says and nothing else, and equals Microsoft's own signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

from azure.storage.blob import AccessPolicy

import blob_sas
import demo
import subject
from azurite import CONTENTS, Azurite, azurite
from blob_sas import Wanted
from context import Context
from results import Case, Mismatch, expect_equal

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
            "fields, order, encoding, lifetime and Microsoft's signature hold; what Azurite lets through is refused",
            rules_bite,
        ),
        (
            "one-blob",
            "the blob is read; writing, deleting, listing and every other blob are refused",
            one_blob_is_opened,
        ),
        (
            "tampered",
            "a changed signature, permission, time, version or resource is refused by Azurite",
            tampering_is_refused,
        ),
        ("expiry", "it opens the blob four minutes later and is refused six minutes later", expiry_is_kept),
        ("requested-blob", "a requested blobName moves the SAS to that blob", request_chooses_the_blob),
        ("container", "a container SAS lists and reads, and writes nothing", container_is_opened),
        (
            "stored-policy",
            "a SAS bound to a stored policy works while the policy lasts and is refused after",
            policy_is_honoured,
        ),
    ]


def issued(context: Context, client_id: str, **parameters: str) -> str:
    id_token = subject.for_client(client_id)
    answer = context.server.exchange(client_id, id_token, api_type="azure_blob", **parameters).issued("azure_blob")
    expect_equal("the answer's members", set(answer), {"azure_blob_sas"})
    return answer["azure_blob_sas"]


def rules_bite(context: Context, _: Azurite) -> None:
    for client_id, wanted in (("spa", ONE_BLOB), ("files", WHOLE_CONTAINER), ("policy", BY_POLICY)):
        fields = blob_sas.obey(issued(context, client_id), wanted)
        for what, tampered in unruly(fields, wanted):
            try:
                blob_sas.obey(tampered, wanted)
            except Mismatch:
                continue
            raise Mismatch(f"our rules accept a SAS of {client_id} {what}")
    starts = datetime.fromisoformat(blob_sas.read(issued(context, "spa"))["st"])
    if abs(datetime.now(UTC) - starts) > timedelta(seconds=5):
        raise Mismatch(f"st is {starts}, not now")


def unruly(fields: dict[str, str], wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Rightly signed SAS that Azurite would take, or that say something else than was granted."""
    for what, changed in (
        ("of a version that does not exist", {"sv": "2099-01-01"}),
        ("with letters out of order", {"sp": "lr"}),
        ("with an unknown letter", {"sp": "rq"}),
        ("with more permissions", {"sp": "rwdl"}),
        ("with an unparsable expiry", {"se": "tomorrow"}),
        ("whose expiry has an offset", {"se": "2030-01-01T00:00:00+02:00"}),
        ("whose expiry has no seconds", {"se": "2030-01-01T00:00Z"}),
        ("that lives for a year", {"se": fields.get("se", "2030-01-01T00:00:00Z").replace("20", "21", 1)}),
        ("bound to another policy", {"si": "other"}),
        ("for the other kind of resource", {"sr": "c" if fields["sr"] == "b" else "b"}),
    ):
        yield what, blob_sas.resigned({**fields, **changed}, wanted)
    good = blob_sas.resigned(fields, wanted)
    yield "with a leading question mark", "?" + good
    yield "with a field given twice", good + "&sr=" + fields["sr"]
    yield "with an unescaped signature", blob_sas.resigned(fields, wanted).replace("%3D", "=")


def one_blob_is_opened(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    opens(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    closed("writing", storage.write(sas, demo.BLOB))
    closed("deleting", storage.delete(sas, demo.BLOB))
    closed("listing", storage.list(sas))
    closed("reading another blob", storage.read(sas, "other.txt"))
    closed("reading that blob of another container", storage.read(sas, demo.BLOB, container="elsewhere"))
    opens(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])


def tampering_is_refused(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    fields = blob_sas.read(sas)
    opens(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    for name, value in (
        ("sig", ("B" if fields["sig"][0] == "A" else "A") + fields["sig"][1:]),
        ("sp", "rw"),
        ("se", "2099-01-01T00:00:00Z"),
        ("st", "2020-01-01T00:00:00Z"),
        ("sv", "2020-12-06" if fields["sv"] != "2020-12-06" else "2022-11-02"),
        ("sr", "c"),
    ):
        changed = "&".join(
            f"{field}={quote(value if field == name else own, safe='')}" for field, own in fields.items()
        )
        closed(f"reading with a changed {name}", storage.read(changed, demo.BLOB))
    closed("reading without a signature", storage.read(sas[: sas.index("&sig=")], demo.BLOB))


def expiry_is_kept(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa")
    try:
        storage.move_clock(minutes=demo.SAS_MINUTES - 1)
        opens(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
        storage.move_clock(minutes=demo.SAS_MINUTES + 1)
        closed("reading after the expiry", storage.read(sas, demo.BLOB))
        storage.move_clock(minutes=-1)
        closed("reading before the start", storage.read(sas, demo.BLOB))
    finally:
        storage.move_clock(minutes=0)


def request_chooses_the_blob(context: Context, storage: Azurite) -> None:
    sas = issued(context, "spa", blobName="other.txt")
    blob_sas.obey(sas, OTHER_BLOB)
    opens(storage.read(sas, "other.txt"), CONTENTS["other.txt"])
    closed("reading the configured blob", storage.read(sas, demo.BLOB))


def container_is_opened(context: Context, storage: Azurite) -> None:
    sas = issued(context, "files")
    status, listing = storage.list(sas)
    if status != 200 or any(name.encode() not in listing for name in CONTENTS):
        raise Mismatch(f"listing the container gives HTTP {status} {listing[:200]!r}")
    for name, content in CONTENTS.items():
        opens(storage.read(sas, name), content)
    closed("writing a new blob", storage.write(sas, "new.txt"))
    closed("deleting", storage.delete(sas, demo.BLOB))
    closed("reading another container", storage.read(sas, demo.BLOB, container="elsewhere"))


def policy_is_honoured(context: Context, storage: Azurite) -> None:
    sas = issued(context, "policy")
    closed("reading before the policy is stored", storage.read(sas, demo.BLOB))
    until = datetime.now(UTC) + timedelta(hours=1)
    storage.set_policy(AccessPolicy(permission="r", start=until - timedelta(hours=2), expiry=until))
    opens(storage.read(sas, demo.BLOB), CONTENTS[demo.BLOB])
    closed("writing beyond the policy", storage.write(sas, demo.BLOB))
    storage.set_policy(None)
    closed("reading after the policy is gone", storage.read(sas, demo.BLOB))


def opens(answer: tuple[int, bytes], content: bytes) -> None:
    if answer != (200, content):
        raise Mismatch(f"reading gives HTTP {answer[0]} {answer[1][:200]!r}, not {content!r}")


def closed(what: str, answer: tuple[int, bytes]) -> None:
    if answer[0] not in (401, 403):
        raise Mismatch(f"{what} gives HTTP {answer[0]}, it should be refused")
