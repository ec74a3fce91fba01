"""Azurite, Microsoft's storage emulator: started in memory, filled, asked with a SAS, and run with a shifted clock."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import AccessPolicy, BlobServiceClient

import demo
import http_client
from context import Context
from processes import free_port, running

# The newest version that Azurite 3.35.0 accepts from an SDK. A plain request names no version and may use any `sv`.
API_VERSION = "2025-11-05"
CONTENTS = {"hello.txt": b"hello", "other.txt": b"other"}


@dataclass(frozen=True)
class Azurite:
    url: str
    clock: Path

    def move_clock(self, minutes: float) -> None:
        self.clock.write_text(str(int(minutes * 60_000)), encoding="ascii")

    def read(self, sas: str, blob: str, container: str = demo.CONTAINER) -> tuple[int, bytes]:
        return self.send("GET", f"{container}/{blob}?{sas}")

    def write(self, sas: str, blob: str) -> tuple[int, bytes]:
        return self.send("PUT", f"{demo.CONTAINER}/{blob}?{sas}", b"changed")

    def delete(self, sas: str, blob: str) -> tuple[int, bytes]:
        return self.send("DELETE", f"{demo.CONTAINER}/{blob}?{sas}")

    def list(self, sas: str) -> tuple[int, bytes]:
        return self.send("GET", f"{demo.CONTAINER}?restype=container&comp=list&{sas}")

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "text/plain"} if body else {}
        request = urllib.request.Request(f"{self.url}/{path}", data=body, headers=headers, method=method)
        status, _, content = http_client.send(request)
        return status, content

    def owner(self) -> BlobServiceClient:
        return BlobServiceClient(self.url, credential=demo.STORAGE_KEY, api_version=API_VERSION)

    def set_policy(self, policy: AccessPolicy | None) -> None:
        identifiers = {demo.STORED_POLICY: policy} if policy else {}
        self.owner().get_container_client(demo.CONTAINER).set_container_access_policy(identifiers)


@contextmanager
def azurite(context: Context) -> Iterator[Azurite]:
    port, clock = free_port(), context.scratch / "azurite-clock"
    clock.write_text("0", encoding="ascii")
    program = str(context.node.modules / "azurite/dist/src/blob/main.js")
    options = [
        "--inMemoryPersistence",
        "--disableTelemetry",
        "--silent",
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
    ]
    node = context.node.command("shifted-clock.cjs")
    command = [node[0], "--require", node[1], program, *options]
    environment = {
        **context.node.environment(),
        "AZURITE_ACCOUNTS": f"{demo.STORAGE_ACCOUNT}:{demo.STORAGE_KEY}",
        "VERIFIER_CLOCK_FILE": str(clock),
    }
    with running(command, port, context.scratch / "azurite.log", environment):
        storage = Azurite(f"http://127.0.0.1:{port}/{demo.STORAGE_ACCOUNT}", clock)
        for container in (demo.CONTAINER, "elsewhere"):
            client = storage.owner().create_container(container)
            for name, content in CONTENTS.items():
                client.upload_blob(name, content)
        yield storage
