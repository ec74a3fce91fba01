"""Lets schemathesis send requests to the Management API by its OpenAPI description, valid ones and others.

Every answer must be one that the description has, no request may fail the server, and what the description forbids must be
refused. The requests are the same in each run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

SEED = "1"
EXAMPLES = "40"
"""Generated requests for each operation, besides those for each constraint of its schema."""

CLIENTS = "^/clients"
"""Whether the settings of an add-on are accepted is for its plugin to say, and whether keys, methods and secrets of a client go together
is more than a schema says. So valid requests for clients may be refused, and others may not."""

SETTINGS = "^/tenants/settings$"
"""The same is true for the policy of a tenant, whose rules the tenant file has."""

GRANTS = "^/client-grants$"
"""A grant names a client that must exist."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="the example `described` of locum-management")
    parser.add_argument("--report", type=Path, help="a folder for the reports of schemathesis")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = [arguments.program.resolve(), folder]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None and server.stdout is not None
            try:
                address, token = server.stdout.readline().strip(), server.stdout.readline().strip()
                partly = [f"--exclude-path-regex={CLIENTS}|{SETTINGS}|{GRANTS}"]
                rest = [f"--include-path-regex={CLIENTS}|{SETTINGS}|{GRANTS}", "--exclude-checks=positive_data_acceptance"]
                codes = [
                    schemathesis(address, token, folder, selection, arguments.report and arguments.report / name)
                    for name, selection in (("all-checks", partly), ("but-acceptance", rest))
                ]
                if server.poll() is not None:
                    print("FAIL management: the server has ended")
                    return 1
            finally:
                server.stdin.close()
    print("ok management: schemathesis" if not any(codes) else "FAIL management: schemathesis has found the failures above")
    return 1 if any(codes) else 0


def schemathesis(address: str, token: str, folder: str, selection: list[str], report: Path | None) -> int:
    base = f"http://{address}/api/v2"
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{base}/openapi.json", "--url", base]
    command += ["--header", f"Authorization: Bearer {token}", "--seed", SEED, "--max-examples", EXAMPLES]
    # No text may contain U+0000, which a schema cannot say.
    command += ["--generation-allow-x00", "false"]
    command += ["--phases", "coverage,fuzzing", "--continue-on-failure", "--no-color", "--generation-database", "none"]
    if report is not None:
        command += ["--report", "junit", "--report-dir", str(report.resolve())]
    return subprocess.run(command + selection, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
