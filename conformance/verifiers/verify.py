"""Runs the outside judges against a Locum server, or against their own reference with `--self-test`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import app_tokens
import aws
import azure_blob
import client_sdk
import demo
import fake_upstream_cases
import fake_upstreams
import firebase
import id_tokens
import layer
import rate_limit
import salesforce
import saml
import sap
import self_test
import service_bus
import wams
from context import Context
from delegation import Delegation
from demo import Keys
from node import Node
from results import Case, CaseResult, Outcome, Report, run_cases

GROUPS: dict[str, Callable[[Context], Iterator[Case]]] = {
    "id_tokens": id_tokens.cases,
    "app_tokens": app_tokens.cases,
    "firebase": firebase.cases,
    "azure_blob": azure_blob.cases,
    "rate_limit": rate_limit.cases,
    "client_sdk": client_sdk.cases,
    "service_bus": service_bus.cases,
    "wams": wams.cases,
    "layer": layer.cases,
    "saml": saml.cases,
    "fake_upstreams": fake_upstream_cases.cases,
    "aws": aws.cases,
    "sap": sap.cases,
    "salesforce": salesforce.cases,
}
# These judge what upstreams were asked for: the server's add-ons must point at the fake upstreams.
NEED_UPSTREAMS = {"fake_upstreams", "aws", "sap", "salesforce"}


def main() -> int:
    options = arguments()
    report = Report()
    with (
        tempfile.TemporaryDirectory(prefix="locum-verifiers-") as scratch,
        Node(options.node_modules.resolve()) as node,
    ):
        if options.self_test:
            results = self_test.results(node, Path(scratch), GROUPS, options.only)
        else:
            results = judged(options, node, Path(scratch))
        for result in results:
            print(result.line(), flush=True)
            report.results.append(result)
    if options.report:
        report.write(options.report)
    print(report.summary())
    return 0 if report.is_good(options.strict) else 1


def judged(options: argparse.Namespace, node: Node, scratch: Path) -> Iterator[CaseResult]:
    server, keys, only = Delegation(options.base_url.rstrip("/")), Keys(options.keys), options.only
    groups = [group for group in GROUPS if not only or any(name.partition("/")[0] == group for name in only)]
    if not is_reachable(server):
        yield CaseResult("server", Outcome.FAIL, f"nobody answers at {server.base_url}")
        return
    with ExitStack() as running:
        upstreams = options.fake_upstreams
        if upstreams is None and not NEED_UPSTREAMS.isdisjoint(groups):
            jwks_url = f"{server.base_url}/.well-known/jwks.json"
            try:
                upstreams = running.enter_context(fake_upstreams.serving(keys, demo.FAKE_UPSTREAMS_PORT, jwks_url))
            except fake_upstreams.PortInUse as taken:
                yield CaseResult("fake_upstreams", Outcome.FAIL, str(taken))
                return
        context = Context(server, keys, node, scratch, upstreams)
        for group in groups:
            yield from run_cases(group, GROUPS[group](context), lambda name: is_wanted(name, only))


def is_reachable(server: Delegation) -> bool:
    try:
        server.send("/.well-known/jwks.json", None)
    except OSError:
        return False
    return True


def is_wanted(name: str, only: list[str]) -> bool:
    return not only or any(name == wanted or name.startswith(wanted + "/") for wanted in only)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="the server under judgement, such as http://127.0.0.1:8080")
    parser.add_argument("--keys", type=Path, help="directory with the demo tenant's keys")
    parser.add_argument("--node-modules", type=Path, required=True, help="node_modules made from package-lock.json")
    parser.add_argument("--report", type=Path, help="where the results go as JSON")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a group or one case; may be repeated"
    )
    parser.add_argument(
        "--fake-upstreams",
        help=f"fake upstreams that run; without it they are started on port {demo.FAKE_UPSTREAMS_PORT}",
    )
    parser.add_argument("--strict", action="store_true", help="a judge that could not run counts as a failure")
    parser.add_argument("--self-test", action="store_true", help="judge the judges: no server needed")
    options = parser.parse_args()
    if not options.self_test and (options.base_url is None or options.keys is None):
        parser.error("give --base-url and --keys, or --self-test")
    unknown = [name for name in options.only if name.partition("/")[0] not in GROUPS]
    if unknown:
        parser.error(f"no judge is called {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
