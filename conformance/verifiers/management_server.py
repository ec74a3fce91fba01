"""A `locum serve` whose tenant, the demo tenant with clients that may manage it, is in a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import demo
from locum_server import LocumServer, Response, send

SCOPES = [
    f"{action}:{resource}"
    for resource in ("clients", "client_grants", "users")
    for action in ("create", "read", "update", "delete")
] + [
    "read:client_keys",
    "update:client_keys",
    "read:user_idp_tokens",
    "read:device_credentials",
    "delete:device_credentials",
    "read:tenant_settings",
    "update:tenant_settings",
    "read:signing_keys",
    "create:signing_keys",
    "update:signing_keys",
    "read:locum_issuers",
    "read:locum_plugins",
]
"""All that the endpoints ask for."""

DEPLOYING_SCOPES = [scope for scope in SCOPES if "users" not in scope and "keys" not in scope and "idp" not in scope]

MANAGING = "managing-tool"
DEPLOYING = "deploy-cli"
DEPLOYING_SECRETS = "deploy-cli-with-secrets"
READING = "reading-tool"
"""May read clients only."""

GRANTS = {
    MANAGING: SCOPES,
    DEPLOYING: DEPLOYING_SCOPES,
    DEPLOYING_SECRETS: [*DEPLOYING_SCOPES, "read:client_keys", "update:client_keys"],
    READING: ["read:clients"],
}

DOMAIN = demo.ISSUER.removeprefix("https://").removesuffix("/")

START_SECONDS_MAX = 60


def secret(client_id: str) -> str:
    return f"{client_id}-secret-0123456789-0123456789-0123456789"


@dataclass(frozen=True)
class ManagementServer:
    """One that runs."""

    server: LocumServer
    folder: Path
    token: str
    """An operator's."""
    locum: Path

    def call(self, method: str, path: str, body: Any = None) -> Response:
        content = None if body is None else json.dumps(body).encode("utf-8")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        url = f"{self.server.base_url}/api/v2{path}"
        return send(urllib.request.Request(url, data=content, headers=headers, method=method))

    def asked_token(self, client_id: str, secret: str) -> Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "audience": demo.MANAGEMENT_AUDIENCE,
        }
        return self.server.post_form("/oauth/token", form)

    def clients(self) -> dict[str, dict[str, Any]]:
        """All clients with their secrets, by id."""
        return {client["client_id"]: client for client in self.call("GET", "/clients?per_page=100").body}

    def publish_next_key_long_ago(self) -> None:
        """Makes the next signing key if there is none, and then says that it has been published for a year."""
        if not any(key["next"] for key in self.call("GET", "/keys/signing").body):
            self.call("POST", "/keys/signing")
        file = self.folder / f"{uuid.uuid4().hex}.yaml"
        run(self.locum, self.folder, "state", "export", DOMAIN, file)
        tenant = yaml.safe_load(file.read_text(encoding="utf-8"))
        tenant["next_signing_key"]["published_since"] = "2020-01-01T00:00:00Z"
        file.write_text(yaml.safe_dump(tenant, sort_keys=False), encoding="utf-8")
        run(self.locum, self.folder, "state", "import", "--replace", file)

    def changes(self) -> list[dict[str, Any]]:
        """The events of what was changed by the Management API."""
        events = map(json.loads, (self.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines())
        return [event for event in events if event.get("code") == "sapi"]


@contextmanager
def serving(locum: Path, plugins: Path, fixtures: Path, folder: Path, clients: list[str]) -> Iterator[ManagementServer]:
    """Fills a new database in `folder` by Locum's own commands, and serves it until the block ends.

    `clients` are added to those of GRANTS; each may do everything.
    """
    tenant = tenant_file(fixtures, folder, clients)
    config = folder / "locum.toml"
    config.write_text(
        'directory = "database"\nstate = "state.db"\nmaster_keys_file = "master.keys"\nlisten = "127.0.0.1:0"\n'
        f'plugins_dir = {json.dumps(str(plugins))}\naudit = {{ file = "audit.jsonl" }}\n',
        encoding="utf-8",
    )
    run(locum, folder, "state", "init")
    run(locum, folder, "state", "import", tenant)
    token = run(locum, folder, "token", "mint-management", "--tenant", tenant).strip()
    with (folder / "serve.log").open("wb") as log:
        command = [locum, "serve", "--config", config]
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            base_url = process.stdout.readline().strip().removeprefix("listening on ")
            if not base_url.startswith("http://"):
                said = (folder / "serve.log").read_text(encoding="utf-8")
                raise RuntimeError(f"`locum serve` has not started: {said[-600:]}")
            yield ManagementServer(LocumServer(base_url), folder, token, locum)
        finally:
            process.terminate()
            process.wait(START_SECONDS_MAX)
            process.stdout.close()


def tenant_file(fixtures: Path, folder: Path, clients: list[str]) -> Path:
    """The demo tenant with these clients and those of GRANTS, beside its keys."""
    (folder / "keys").symlink_to((fixtures / "keys").resolve())
    (folder / "demo").mkdir()
    document = yaml.safe_load((fixtures / "demo/tenant.yaml").read_text(encoding="utf-8"))
    for client_id, scope in {**GRANTS, **dict.fromkeys(clients, SCOPES)}.items():
        document["clients"].append(
            {
                "client_id": client_id,
                "name": client_id,
                "client_secret": secret(client_id),
                "token_endpoint_auth_method": "client_secret_post",
            }
        )
        grant = {"client_id": client_id, "audience": demo.MANAGEMENT_AUDIENCE, "scope": scope}
        document["clientGrants"].append(grant)
    # Auth0's own settings, in the form in which the deploy CLI writes them.
    document["tenant"] = {"friendly_name": "Acme", "flags": {"allow_legacy_delegation_grant_types": True}}
    file = folder / "demo/tenant.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return file


def run(locum: Path, folder: Path, *arguments: str | Path) -> str:
    found = subprocess.run([locum, *arguments], cwd=folder, env=environment(), capture_output=True, text=True)
    if found.returncode != 0:
        raise RuntimeError(f"`locum {' '.join(map(str, arguments))}` failed: {found.stderr}")
    return found.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "LOCUM_LOG": "warn"}
