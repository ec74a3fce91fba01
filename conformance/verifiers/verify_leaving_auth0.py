"""Follows docs/leaving-auth0.md with the real deploy CLI, against a fake of the Management API."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import leaving_auth0
import leaving_auth0_faults
from results import Report, run_cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locum", type=Path, required=True, help="the `locum` program")
    parser.add_argument("--plugins", type=Path, required=True, help="the directory of its pinned plugins")
    parser.add_argument("--page", type=Path, required=True, help="the page, docs/leaving-auth0.md")
    parser.add_argument(
        "--node-modules", type=Path, required=True, help="the node_modules folder installed from package-lock.json"
    )
    parser.add_argument("--self-test", action="store_true", help="test the verifiers, by faults that they must find")
    parser.add_argument("--report", type=Path, help="file to write the results to, as JSON")
    parser.add_argument("--strict", action="store_true", help="count a case that was not run as a failure")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="locum-leaving-auth0-") as scratch:
        context = leaving_auth0.Context(
            options.locum.resolve(), options.plugins.resolve(), options.page.resolve(), options.node_modules.resolve(),
            Path(scratch),
        )
        cases = leaving_auth0_faults.cases if options.self_test else leaving_auth0.cases
        report.add(run_cases("leaving_auth0", cases(context), lambda _: True))
    return report.finish(options.report, options.strict)


if __name__ == "__main__":
    sys.exit(main())
