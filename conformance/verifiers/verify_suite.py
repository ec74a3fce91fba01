"""Verifies that `locum conformance --profile token-exchange` passes a certified OpenID provider, and finds faults in it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from node import Node
from processes import free_port, running
from results import Case, Report, expect_equal, run_cases

CLIENT, PUBLIC_CLIENT = "backend", "app"
# With characters that a form escapes.
SECRET = "backend secret +%:/&-0123456789"
RESOURCE = "https://orders.example.com/"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# What the provider does in another way than the cases ask for: it sends no Pragma, and answers `invalid_request` to a header
# `Authorization` that it cannot read.
ALLOWED_OTHERWISE = ["tx.answer.pragma", "tx.client.malformed-header", "tx.client.other-scheme"]
# Fewer would mean that the suite does not run them.
PASSED_MIN = 70
# Faults that the provider can have, with the cases that find each.
FAULTS = {
    "abbreviates-the-type": {
        "failed": ["tx.answer.issued-token-type-is-a-uri", "tx.request.requested-token-type"],
        "warned": [],
    },
    "ignores-the-audience": {"failed": [], "warned": ["tx.target.unknown-audience"]},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locum", type=Path, required=True, help="the program to verify")
    parser.add_argument("--node-modules", type=Path, required=True, help="the node_modules folder of package-lock.json")
    parser.add_argument("--report", type=Path, help="file to write the results to, as JSON")
    options = parser.parse_args()
    report = Report()
    with (
        tempfile.TemporaryDirectory(prefix="locum-verifiers-") as scratch,
        Node(options.node_modules.resolve()) as node,
    ):
        suite = Suite(options.locum.resolve(), node, Path(scratch))
        report.add(run_cases("suite", cases(suite), lambda _: True))
    return report.finish(options.report, strict=True)


class Suite:
    """The program, and a folder for its settings."""

    def __init__(self, locum: Path, node: Node, scratch: Path) -> None:
        self.locum, self.node, self.scratch = locum, node, scratch

    def profile(self, fault: str | None = None) -> dict[str, Any]:
        """The results of a run against the provider, which finds the token endpoint by its metadata."""
        port = free_port()
        issuer = f"http://127.0.0.1:{port}"
        configuration = {
            "issuer": issuer,
            "port": port,
            "clientId": CLIENT,
            "clientSecret": SECRET,
            "publicClientId": PUBLIC_CLIENT,
            "resource": RESOURCE,
            "fault": fault,
        }
        command = self.node.command("token-exchange-provider.mjs", json.dumps(configuration))
        log = self.scratch / "token-exchange-provider.log"
        with running(command, port, log, self.node.environment()):
            return self.run(issuer)

    def run(self, issuer: str) -> dict[str, Any]:
        token = {"url": f"{issuer}/token", "clientId": CLIENT, "clientSecret": SECRET}
        settings = {
            "client": {"client_id": CLIENT, "client_secret": SECRET},
            "public_client": {"client_id": PUBLIC_CLIENT},
            "subject_token": {
                "type": ACCESS_TOKEN,
                "command": self.node.command("client-token.mjs", json.dumps(token)),
            },
            "audience": RESOURCE,
            "resource": RESOURCE,
            "scope": "read",
            "refused_scope": "admin",
            "requested_token_type": ACCESS_TOKEN,
        }
        # JSON is YAML.
        file = self.scratch / "settings.yaml"
        file.write_text(json.dumps(settings), encoding="utf-8")
        words = ["conformance", issuer, "--profile", "token-exchange", "--settings", str(file), "--format", "json"]
        output = subprocess.run([str(self.locum), *words], capture_output=True, text=True, check=False)
        if output.stderr:
            raise RuntimeError(output.stderr)
        return json.loads(output.stdout)["profiles"][0]


def cases(suite: Suite) -> Iterator[Case]:
    yield Case(
        "suite/oidc-provider",
        "a certified provider with token exchange passes, and nothing of it counts as a deviation",
        partial(check_passes, suite),
    )
    for fault in FAULTS:
        yield Case(
            f"suite/oidc-provider-{fault}",
            "the same provider with one fault is found by the cases for it and by no other",
            partial(check_found, suite, fault),
        )


def check_passes(suite: Suite) -> None:
    profile = suite.profile()
    expect_equal("the failed cases", profile["failed"], [])
    expect_equal("the cases with a warning", ids(profile, "warned"), [])
    expect_equal("what is allowed otherwise", ids(profile, "allowed_otherwise"), ALLOWED_OTHERWISE)
    expect_equal(f"at least {PASSED_MIN} passed", len(profile["passed"]) >= PASSED_MIN, True)


def check_found(suite: Suite, fault: str) -> None:
    profile = suite.profile(fault)
    found = {"failed": profile["failed"], "warned": ids(profile, "warned")}
    expect_equal("the cases that find it", found, FAULTS[fault])


def ids(profile: dict[str, Any], result: str) -> list[str]:
    return [listed["case"] for listed in profile.get(result, [])]


if __name__ == "__main__":
    sys.exit(main())
