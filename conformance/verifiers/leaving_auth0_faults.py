"""Tests the verifiers of leaving Auth0: they must find one fault in the page or in what the import has written."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import leaving_auth0
from leaving_auth0 import Context
from processes import free_port
from results import CRASHED, Case, Mismatch, Outcome, run_cases


@dataclass(frozen=True)
class PageFault:
    """The page with one text in place of another."""

    name: str
    right: str
    wrong: str
    found_by: str = "page"


@dataclass(frozen=True)
class ImportFault:
    """A `locum` that changes what it has imported by this command."""

    name: str
    command: str
    found_by: str


FAULTS: list[PageFault | ImportFault] = [
    PageFault("config-without-ids", '  "AUTH0_EXPORT_IDENTIFIERS": true,\n', ""),
    PageFault("a-scope-is-missing", "read:client_keys", "read:users"),
    PageFault("another-file-in-locum-toml", 'tenants = ["tenant/', 'tenants = ["'),
    ImportFault("everybody-can-read", "chmod -R go+r tenant", "page"),
    ImportFault(
        "no-former-issuer",
        "sed -i '/^former_issuers:/,/^signing_keys:/{/^signing_keys:/!d}' FILE",
        "former-issuer-rs256",
    ),
    ImportFault("an-open-target", "sed -i '/allowed_clients: ..reportsId..$/d' FILE", "allowed-clients"),
    ImportFault("another-default-add-on", "sed -i '/^      wams:/,+1d' FILE", "add-ons"),
]


def cases(context: Context) -> Iterator[Case]:
    for fault in FAULTS:
        yield Case(
            f"leaving_auth0/self-test/{fault.name}",
            f"the case {fault.found_by} finds the fault",
            partial(check_found, context, fault),
        )


def check_found(context: Context, fault: PageFault | ImportFault) -> None:
    scratch = context.scratch / fault.name
    scratch.mkdir()
    faulty = replace(context, scratch=scratch, port=free_port())
    if isinstance(fault, PageFault):
        faulty.page = with_fault(context.page, fault, scratch)
    else:
        faulty.locum = changing(context.locum, fault, scratch)
    wanted = f"leaving_auth0/{fault.found_by}"
    results = list(run_cases("leaving_auth0", leaving_auth0.cases(faulty), lambda name: name == wanted))
    is_found = [result.outcome for result in results] == [Outcome.FAIL] and CRASHED not in results[0].detail
    if not is_found:
        raise Mismatch(f"{fault.name} is not found: {[result.line() for result in results]}")


def with_fault(page: Path, fault: PageFault, scratch: Path) -> Path:
    text = page.read_text(encoding="utf-8")
    if fault.right not in text:
        raise Mismatch(f"the page does not contain {fault.right!r}")
    faulty = scratch / page.name
    faulty.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    return faulty


def changing(locum: Path, fault: ImportFault, scratch: Path) -> Path:
    """A program that runs `locum`, and changes the tenant after an import."""
    program = scratch / "bin/locum"
    program.parent.mkdir()
    command = fault.command.replace("FILE", f"tenant/{leaving_auth0.TENANT_FILE}")
    lines = ["#!/bin/sh", f'"{locum}" "$@" || exit', f'if [ "$1" = import ]; then {command}; fi', ""]
    program.write_text("\n".join(lines), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program
