"""The group: Auth0's own tools, and schemathesis, against a real server whose tenant is in a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import management_clients
import management_deploy_cli
import management_description
import management_proxy
import management_server
from management_faults import FAULTS, Fault
from management_sdks import NodeSdk, PythonSdk, Sdk
from node import Node
from results import CRASHED, Case, Mismatch, Outcome, run_cases


@dataclass(frozen=True)
class Context:
    locum: Path
    plugins: Path
    fixtures: Path
    node_modules: Path
    schemathesis: Path
    scratch: Path
    report: Path | None = None
    fault: Fault | None = None

    def folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder


def cases(context: Context) -> Iterator[Case]:
    yield from tools(context)
    folder, callers = context.folder("described"), management_description.CALLERS
    with management_server.serving(context.locum, context.plugins, context.fixtures, folder, callers) as server:
        yield from management_description.cases(server, context.schemathesis, context.report)


def tools(context: Context) -> Iterator[Case]:
    folder, fault = context.folder("tools"), context.fault
    before, after = (fault.before, fault.after) if fault else (None, None)
    with (
        management_server.serving(context.locum, context.plugins, context.fixtures, folder, []) as server,
        management_proxy.serving(server.server.base_url, folder, before, after) as proxy,
        Node(context.node_modules, proxy.authority) as node,
    ):
        # auth0-python asks for its token by another client than for the rest.
        os.environ["SSL_CERT_FILE"] = str(proxy.authority)

        def python_sdk(client_id: str) -> Sdk:
            return PythonSdk(proxy, client_id)

        def node_sdk(client_id: str) -> Sdk:
            return NodeSdk(node, proxy.domain, client_id)

        yield from management_clients.cases(server, python_sdk)
        yield from management_clients.cases(server, node_sdk)
        yield from management_deploy_cli.cases(server, proxy, context.node_modules)


def self_test(context: Context) -> Iterator[Case]:
    for fault in FAULTS:
        yield Case(
            f"management/self-test/{fault.name}",
            f"the case {fault.found_by} finds the fault",
            partial(check_found, context, fault),
        )


def check_found(context: Context, fault: Fault) -> None:
    folder = context.folder(f"{fault.name}-{fault.found_by}")
    wanted = f"management/{fault.found_by}"
    faulty = tools(replace(context, scratch=folder, fault=fault))
    results = list(run_cases("management", faulty, lambda name: name == wanted))
    is_found = [result.outcome for result in results] == [Outcome.FAIL] and CRASHED not in results[0].detail
    if not is_found:
        raise Mismatch(f"{fault.name} is not found: {[result.line() for result in results]}")
