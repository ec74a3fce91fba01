"""Runs the external verifiers against a Locum server, or tests the verifiers themselves with `--self-test`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import app_tokens
import auth0_js
import aws
import azure_blob
import client_assertions
import client_sdk
import demo
import entra
import fake_upstream_cases
import fake_upstreams
import firebase
import gcp
import github_app
import id_tokens
import layer
import management_tokens
import profiles
import rate_limit
import refresh_tokens
import salesforce
import saml
import sap
import self_test
import service_bus
import token_exchange
import trusted_issuer
import wams
from context import Context
from demo import Keys
from locum_server import LocumServer
from node import Node
from results import Case, CaseResult, Outcome, Report, run_cases

GROUPS: dict[str, Callable[[Context], Iterator[Case]]] = {
    "id_tokens": id_tokens.cases,
    "app_tokens": app_tokens.cases,
    "firebase": firebase.cases,
    "azure_blob": azure_blob.cases,
    "rate_limit": rate_limit.cases,
    "client_sdk": client_sdk.cases,
    "auth0_js": auth0_js.cases,
    "token_exchange": token_exchange.cases,
    "refresh_tokens": refresh_tokens.cases,
    "client_assertions": client_assertions.cases,
    "management_tokens": management_tokens.cases,
    "profiles": profiles.cases,
    "trusted_issuer": trusted_issuer.cases,
    "service_bus": service_bus.cases,
    "wams": wams.cases,
    "layer": layer.cases,
    "saml": saml.cases,
    "fake_upstreams": fake_upstream_cases.cases,
    "aws": aws.cases,
    "gcp": gcp.cases,
    "entra": entra.cases,
    "github_app": github_app.cases,
    "sap": sap.cases,
    "salesforce": salesforce.cases,
}
# The groups that need the fake upstreams. The server's add-ons must have their URL.
NEED_UPSTREAMS = {"fake_upstreams", "aws", "entra", "gcp", "github_app", "sap", "salesforce"}


def main() -> int:
    options = arguments()
    report = Report()
    with (
        tempfile.TemporaryDirectory(prefix="locum-verifiers-") as scratch,
        Node(options.node_modules.resolve()) as node,
    ):
        if options.self_test:
            results = self_test.run(node, Path(scratch), GROUPS, options.only)
        else:
            results = verify(options, node, Path(scratch))
        report.add(results)
    return report.finish(options.report, options.strict)


def verify(options: argparse.Namespace, node: Node, scratch: Path) -> Iterator[CaseResult]:
    server, keys, only = LocumServer(options.base_url.rstrip("/")), Keys(options.keys), options.only
    groups = [group for group in GROUPS if not only or any(name.partition("/")[0] == group for name in only)]
    if not server.is_reachable():
        yield CaseResult("server", Outcome.FAIL, f"no server answers at {server.base_url}")
        return
    with ExitStack() as stack:
        upstreams_url = options.fake_upstreams
        if upstreams_url is None and not NEED_UPSTREAMS.isdisjoint(groups):
            jwks_url = f"{server.base_url}/.well-known/jwks.json"
            try:
                upstreams_url = stack.enter_context(fake_upstreams.serving(keys, demo.FAKE_UPSTREAMS_PORT, jwks_url))
            except fake_upstreams.PortInUse as error:
                yield CaseResult("fake_upstreams", Outcome.FAIL, str(error))
                return
        context = Context(server, keys, node, scratch, upstreams_url)
        for group in groups:
            yield from run_cases(group, GROUPS[group](context), lambda name: is_wanted(name, only))


def is_wanted(name: str, only: list[str]) -> bool:
    return not only or any(name == wanted or name.startswith(wanted + "/") for wanted in only)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="the server to verify, such as http://127.0.0.1:8080")
    parser.add_argument("--keys", type=Path, help="directory with the demo tenant's keys")
    parser.add_argument(
        "--node-modules", type=Path, required=True, help="the node_modules folder installed from package-lock.json"
    )
    parser.add_argument("--report", type=Path, help="file to write the results to, as JSON")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="run only this group or case; may be repeated"
    )
    parser.add_argument(
        "--fake-upstreams",
        help=f"base URL of running fake upstreams; without it they are started on port {demo.FAKE_UPSTREAMS_PORT}",
    )
    parser.add_argument("--strict", action="store_true", help="count a case that was not run as a failure")
    parser.add_argument("--self-test", action="store_true", help="test the verifiers themselves; needs no server")
    options = parser.parse_args()
    if not options.self_test and (options.base_url is None or options.keys is None):
        parser.error("give --base-url and --keys, or --self-test")
    unknown = [name for name in options.only if name.partition("/")[0] not in GROUPS]
    if unknown:
        parser.error(f"unknown name {', '.join(unknown)}; the groups are {', '.join(GROUPS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
