"""What every case is given: the server, the keys, the Node programs, a scratch directory and the fake upstreams."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from demo import Keys
from locum_server import LocumServer
from node import Node


@dataclass(frozen=True)
class Context:
    server: LocumServer
    keys: Keys
    node: Node
    scratch: Path
    fake_upstreams: str | None = None
    """Their base URL."""
