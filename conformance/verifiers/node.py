"""Runs the Node programs: each is a process that answers one line of JSON with another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rules import Refused

SCRIPTS = Path(__file__).parent / "node_scripts"
STOP_SECONDS_MAX = 5


@dataclass
class Node:
    """The npm packages of package-lock.json, installed in `modules`, and the programs that use them."""

    modules: Path
    authority: Path | None = None
    """The certificate of an authority that the programs trust."""
    programs: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for program in self.programs.values():
            program.stdin.close()
            program.wait(STOP_SECONDS_MAX)
            program.stdout.close()

    def environment(self) -> dict[str, str]:
        trusted = {} if self.authority is None else {"NODE_EXTRA_CA_CERTS": str(self.authority)}
        return {"VERIFIER_NODE_MODULES": str(self.modules), "NO_COLOR": "1", **trusted}

    def command(self, script: str, *arguments: str) -> list[str]:
        return [executable(), str(SCRIPTS / script), *arguments]

    def ask(self, script: str, question: Any) -> Any:
        """The script's answer. The script is started once and kept running, since starting costs more than answering."""
        if script not in self.programs:
            self.programs[script] = subprocess.Popen(
                self.command(script),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **self.environment()},
            )
        program = self.programs[script]
        program.stdin.write(json.dumps(question) + "\n")
        program.stdin.flush()
        line = program.stdout.readline()
        if not line:
            raise RuntimeError(f"{script} exited with {program.wait()} before it answered")
        return json.loads(line)

    def verify(self, script: str, question: Any) -> Any:
        """Like `ask`, for a script that verifies something; `Refused` with its reason if it refuses."""
        answer = self.ask(script, question)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer


def executable() -> str:
    found = shutil.which("node")
    if found is None:
        raise RuntimeError("node is not installed; the verifiers need version 20 or newer")
    return found
