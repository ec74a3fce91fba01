"""Lets Auth0's deploy CLI, its clients for Python and Node, and schemathesis use the Management API of a real server."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import management
from results import Report, run_cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locum", type=Path, required=True, help="the `locum` program")
    parser.add_argument("--plugins", type=Path, required=True, help="the directory of its pinned plugins")
    parser.add_argument("--fixtures", type=Path, required=True, help="the folder with the demo tenant and its keys")
    parser.add_argument(
        "--node-modules", type=Path, required=True, help="the node_modules folder installed from package-lock.json"
    )
    parser.add_argument("--schemathesis", type=Path, required=True, help="the program `schemathesis`")
    parser.add_argument("--self-test", action="store_true", help="test the verifiers, by faults that they must find")
    parser.add_argument("--only", action="append", help="run this case only; may be repeated")
    parser.add_argument("--report", type=Path, help="a folder for the results, as JSON and of schemathesis")
    parser.add_argument("--strict", action="store_true", help="count a case that was not run as a failure")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="locum-management-") as scratch:
        context = management.Context(
            options.locum.resolve(),
            options.plugins.resolve(),
            options.fixtures.resolve(),
            options.node_modules.resolve(),
            options.schemathesis.absolute(),
            Path(scratch),
            options.report,
        )
        cases = management.self_test if options.self_test else management.cases
        report.add(run_cases("management", cases(context), lambda name: not options.only or name in options.only))
    return report.finish(options.report and options.report / "management.json", options.strict)


if __name__ == "__main__":
    sys.exit(main())
