"""Lets schemathesis send requests to the Management API by its OpenAPI description, valid ones and others.

Every answer must be one that the description has, no request may fail the server, and what the description forbids must be
refused. The requests are the same in each run.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import management_proxy
from management_proxy import Change, Exchange
from management_server import ManagementServer, secret
from results import Case, Mismatch

SEED = "1"
EXAMPLES = "10"
"""Generated requests for each operation, besides those for each constraint of its schema."""

SECONDS_MAX = 300

CALLERS = [f"caller-{number}" for number in range(60)]
"""The server allows each client ten calls in a second, and fifty at once: together these may make enough."""

TOKEN = "the-next-caller"
"""What schemathesis sends as its token; the proxy puts a caller's in its place."""

PARTLY = "^/clients|^/tenants/settings$|^/client-grants$"
"""Whether the settings of an add-on are accepted is for its plugin to say, and whether keys, methods and secrets of a client go together
is more than a schema says; the same is true for the policy of a tenant; and a grant names a client that must exist. So valid requests
there may be refused, and others may not."""


def cases(server: ManagementServer, schemathesis: Path, report: Path | None) -> Iterator[Case]:
    tokens = [server.asked_token(client_id, secret(client_id)).body["access_token"] for client_id in CALLERS]
    for name, description, selection in [
        ("all-checks", "every answer is described, and what is valid is accepted", [f"--exclude-path-regex={PARTLY}"]),
        (
            "but-acceptance",
            "every answer about clients, grants and settings is described, and what is invalid refused",
            [f"--include-path-regex={PARTLY}", "--exclude-checks=positive_data_acceptance"],
        ),
    ]:
        check = partial(check_described, server, schemathesis, tokens, selection, report and report / name)
        yield Case(f"management/description-{name}", description, check)


def check_described(
    server: ManagementServer, schemathesis: Path, tokens: list[str], selection: list[str], report: Path | None
) -> None:
    with management_proxy.serving(server.server.base_url, server.folder, taking_turns(tokens)) as proxy:
        base = f"https://{proxy.domain}/api/v2"
        command = [str(schemathesis), "run", f"{base}/openapi.json", "--url", base, "--tls-verify", str(proxy.authority)]
        command += ["--header", f"Authorization: Bearer {TOKEN}", "--seed", SEED, "--max-examples", EXAMPLES]
        # No text may contain U+0000, which a schema cannot say.
        command += ["--generation-allow-x00", "false"]
        command += ["--phases", "coverage,fuzzing", "--continue-on-failure", "--no-color", "--generation-database", "none"]
        if report is not None:
            command += ["--report", "junit", "--report-dir", str(report.resolve())]
        done = subprocess.run(
            command + selection, cwd=server.folder, capture_output=True, text=True, timeout=SECONDS_MAX
        )
        if done.returncode != 0:
            print(done.stdout, done.stderr)
            raise Mismatch("schemathesis has found the failures above")
        refused = sum(exchange.status == 429 for exchange in proxy.exchanges)
        if refused or not proxy.exchanges:
            raise Mismatch(f"{refused} of {len(proxy.exchanges)} requests were refused for their number")


def taking_turns(tokens: list[str]) -> Change:
    turns = itertools.cycle(tokens)

    def next_caller(exchange: Exchange) -> None:
        if exchange.sent_headers.get("Authorization") == f"Bearer {TOKEN}":
            exchange.sent_headers["Authorization"] = f"Bearer {next(turns)}"

    return next_caller
