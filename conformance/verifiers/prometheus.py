"""Prometheus: `promtool`, and a server that scrapes Locum and is asked over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import http_client
import processes
from results import Mismatch, NotRun

SCRAPE_SECONDS_MAX = 30.0
CONFIG = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: locum
    static_configs: [{{ targets: [{target}] }}]
"""


def promtool(*arguments: str, directory: Path, stdin: str | None = None) -> str:
    """Runs it and returns its output; a complaint is a mismatch."""
    command = [program("promtool"), *arguments]
    done = subprocess.run(command, cwd=directory, input=stdin, capture_output=True, text=True, timeout=60)
    output = done.stdout + done.stderr
    if done.returncode != 0:
        raise Mismatch(f"promtool {' '.join(arguments)}: {output}")
    return output


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotRun(f"{name} is not installed; install the Debian package prometheus")
    return found


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, over its HTTP API."""

    base_url: str

    def get(self, path: str, **parameters: str) -> Any:
        url = f"{self.base_url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        status, _, content = http_client.send(urllib.request.Request(url))
        answer = json.loads(content)
        if status != 200 or answer["status"] != "success":
            raise Mismatch(f"Prometheus refuses {path} {parameters}: {answer.get('error')}")
        return answer["data"]

    def values(self, query: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each series of an instant query."""
        return [(series["metric"], float(series["value"][1])) for series in self.get("query", query=query)["result"]]

    def value(self, query: str) -> float | None:
        values = self.values(query)
        return values[0][1] if values else None

    def await_value(self, query: str, expected: float) -> None:
        """Waits for a scrape after which the query has this value."""
        deadline = time.monotonic() + SCRAPE_SECONDS_MAX
        while (found := self.value(query)) != expected:
            if time.monotonic() > deadline:
                raise Mismatch(f"{query} is {found}, expected {expected}")
            time.sleep(0.2)

    def labels_by_name(self) -> dict[str, set[str]]:
        """The names of all metrics, each with the labels of its series."""
        names: dict[str, set[str]] = {}
        for series in self.get("series", **{"match[]": '{job="locum"}'}):
            names.setdefault(series.pop("__name__"), set()).update(series)
        return names


@contextmanager
def scraping(metrics_url: str, rules: Path, scratch: Path) -> Iterator[Prometheus]:
    """Runs a Prometheus that scrapes these metrics each second, until the block ends."""
    port = processes.free_port()
    target = urllib.parse.urlsplit(metrics_url).netloc
    config = scratch / "prometheus.yml"
    config.write_text(CONFIG.format(rules=json.dumps(str(rules)), target=json.dumps(target)), encoding="utf-8")
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={scratch / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with processes.running(command, port, scratch / "prometheus.log", {}):
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        await_start(prometheus)
        yield prometheus


def await_start(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + SCRAPE_SECONDS_MAX
    while http_client.send(urllib.request.Request(f"{prometheus.base_url}/-/ready"))[0] != 200:
        if time.monotonic() > deadline:
            raise RuntimeError("Prometheus does not become ready")
        time.sleep(0.1)
