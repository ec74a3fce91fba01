"""What Auth0's deploy CLI exports from a server that runs, and what its import changes there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

import demo
import management_server
import subject
from management_clients import soon
from management_proxy import TlsProxy
from management_server import DEPLOYING, DEPLOYING_SECRETS, ManagementServer
from results import Case, Mismatch, expect_equal

SECONDS_MAX = 240
CONFIG = {
    "AUTH0_AUDIENCE": demo.MANAGEMENT_AUDIENCE,
    "AUTH0_INCLUDED_ONLY": ["tenant", "clients", "clientGrants"],
    # Without ids, an import finds clients by their names.
    "AUTH0_EXPORT_IDENTIFIERS": True,
}
SECRET_SETTINGS = (demo.STORAGE_KEY, demo.BUS_KEY, demo.SAP_PASSWORD, demo.MOBILE_MASTER_KEY, "PRIVATE KEY")


@dataclass(frozen=True)
class DeployCli:
    """The program, as one of the clients of GRANTS, in a folder of its own."""

    server: ManagementServer
    proxy: TlsProxy
    modules: Path
    folder: Path
    client_id: str

    def export(self) -> dict[str, Any]:
        file = self.folder / "export/tenant.yaml"
        self.run("export", "--format", "yaml", "--output_folder", "export")
        return yaml.safe_load(file.read_text(encoding="utf-8"))

    def import_(self, document: dict[str, Any], **config: Any) -> None:
        (self.folder / "import.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        self.run("import", "--input_file", "import.yaml", **config)

    def run(self, *arguments: str, **config: Any) -> None:
        self.folder.mkdir(exist_ok=True)
        own = {
            "AUTH0_DOMAIN": self.proxy.domain,
            "AUTH0_CLIENT_ID": self.client_id,
            "AUTH0_CLIENT_SECRET": management_server.secret(self.client_id),
        }
        (self.folder / "config.json").write_text(json.dumps({**CONFIG, **own, **config}), encoding="utf-8")
        command = [self.modules / ".bin/a0deploy", *arguments, "--config_file", "config.json"]
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(self.proxy.authority), "NO_COLOR": "1"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX
        )
        if done.returncode != 0:
            raise Failed(f"a0deploy {arguments[0]} failed: {(done.stdout + done.stderr)[-500:]}", done.stdout + done.stderr)


class Failed(Mismatch):
    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def cases(server: ManagementServer, proxy: TlsProxy, modules: Path) -> Iterator[Case]:
    cli = DeployCli(server, proxy, modules, server.folder / "deploy-cli", DEPLOYING)
    full = DeployCli(server, proxy, modules, server.folder / "deploy-cli-with-secrets", DEPLOYING_SECRETS)
    for name, description, check in [
        ("export", "an export has what the API has, and no secret", partial(check_export, cli)),
        ("unchanged", "the import of an unchanged export changes nothing", partial(check_unchanged, cli)),
        (
            "changed",
            "the import of a changed export changes that only: clients, a grant, a setting; secrets stay, and tokens follow",
            partial(check_changed, cli),
        ),
        (
            "without-secret",
            "an add-on whose secret the export does not have cannot be changed",
            partial(check_without_secret, cli),
        ),
        (
            "with-secrets",
            "with the scopes for secrets it can, and what the file lacks is deleted if that is allowed",
            partial(check_with_secrets, full),
        ),
    ]:
        yield Case(f"management/deploy-cli-{name}", description, check)


def check_export(cli: DeployCli) -> None:
    exported = cli.export()
    stored = cli.server.clients()
    names = {client["client_id"]: client["name"] for client in exported["clients"]}
    expected = {client_id: client["name"] for client_id, client in stored.items()}
    expect_equal("what differs in the exported clients", names.items() ^ expected.items(), set())
    expect_equal("the exported settings", exported["tenant"], cli.server.call("GET", "/tenants/settings").body)
    grants = {(grant["client_id"], tuple(grant["scope"])) for grant in exported["clientGrants"]}
    of_backend = (stored["backend"]["name"], tuple(demo.MANAGEMENT_SCOPE.split()))
    if of_backend not in grants:
        raise Mismatch(f"the grant of `backend` is not exported: {grants}")
    text = (cli.folder / "export/tenant.yaml").read_text(encoding="utf-8")
    secrets = [client["client_secret"] for client in stored.values() if "client_secret" in client]
    expect_equal("the secrets in the export", [secret for secret in (*secrets, *SECRET_SETTINGS) if secret in text], [])


def check_unchanged(cli: DeployCli) -> None:
    exported, before, changes = cli.export(), state(cli), cli.server.changes()
    cli.import_(exported)
    expect_equal("the events of changes", cli.server.changes(), changes)
    expect_equal("what the API has", state(cli), before)


def check_changed(cli: DeployCli) -> None:
    exported = cli.export()
    expected = state(cli)
    client(exported, "orders-api")["jwt_configuration"]["lifetime_in_seconds"] = 600
    expected["clients"]["orders-api"]["jwt_configuration"]["lifetime_in_seconds"] = 600
    added = {"name": "Added by a file", "app_type": "spa", "callbacks": ["https://new.example/"]}
    exported["clients"].append(added)
    name = expected["clients"]["backend"]["name"]
    grant = next(grant for grant in exported["clientGrants"] if grant["client_id"] == name)
    grant["scope"] = ["read:clients"]
    next(grant for grant in expected["grants"] if grant["client_id"] == "backend")["scope"] = ["read:clients"]
    exported["tenant"]["friendly_name"] = expected["settings"]["friendly_name"] = "Acme by a file"
    expect_lifetime(cli.server, 36_000)
    cli.import_(exported)
    found = state(cli)
    new = [found["clients"].pop(client_id) for client_id in found["clients"].keys() - expected["clients"].keys()]
    expect_equal("the new clients", [{name: made.get(name) for name in added} for made in new], [added])
    expect_equal("what the API has", found, expected)
    soon(lambda: expect_lifetime(cli.server, 600))
    secret = demo.SECRETS["backend"].decode("ascii")
    scope = cli.server.asked_token("backend", secret).body.get("scope")
    expect_equal("the scope of a token", scope, "read:clients")
    # Its secret is base64url text, which the CLI does not write again.
    token = subject.hmac_signed(subject.claims("legacy-spa"), demo.SECRETS["legacy-spa"])
    cli.server.server.exchange("legacy-spa", token, api_type="app").issued("app")


def check_without_secret(cli: DeployCli) -> None:
    exported, before = cli.export(), state(cli)
    client(exported, "policy")["addons"]["azure_blob"]["containerName"] = "elsewhere"
    try:
        cli.import_(exported)
    except Failed as failed:
        if "/addons/azure_blob" not in failed.output:
            raise
    else:
        raise Mismatch("the import succeeded")
    expect_equal("the client", state(cli)["clients"]["policy"], before["clients"]["policy"])


def check_with_secrets(cli: DeployCli) -> None:
    exported, expected = cli.export(), state(cli)
    client(exported, "policy")["addons"]["azure_blob"]["containerName"] = "elsewhere"
    expected["clients"]["policy"]["addons"]["azure_blob"]["containerName"] = "elsewhere"
    exported["clients"].remove(client(exported, "rs512-api"))
    del expected["clients"]["rs512-api"]
    cli.import_(exported, AUTH0_ALLOW_DELETE=True)
    expect_equal("what the API has", state(cli), expected)


def expect_lifetime(server: ManagementServer, seconds: int) -> None:
    response = server.server.exchange("spa", subject.for_client("spa"), target="orders-api", api_type="app")
    expect_equal("the lifetime of a token for orders-api", response.issued("app")["expires_in"], seconds)


def client(exported: dict[str, Any], client_id: str) -> dict[str, Any]:
    return next(client for client in exported["clients"] if client["client_id"] == client_id)


def state(cli: DeployCli) -> dict[str, Any]:
    """All that the CLI could change, with secrets."""
    return deepcopy(
        {
            "clients": cli.server.clients(),
            "grants": cli.server.call("GET", "/client-grants?per_page=100").body,
            "settings": cli.server.call("GET", "/tenants/settings").body,
        }
    )
