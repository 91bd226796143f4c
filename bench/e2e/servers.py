"""The broker of a run: one started for it from `deploy/kafka`, or one that runs already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.streams import broker

ROOT = Path(__file__).resolve().parents[2]


class NoServers(Exception):
    """There is no broker, and none can be started."""


@dataclass(frozen=True)
class Servers:
    """Hold where a broker listens, and its process where we have started it."""

    bootstrap: str
    pid: int | None = None


@contextmanager
def servers(bootstrap: str | None, folder: Path) -> Iterator[Servers]:
    """Lend the broker that listens at `bootstrap`, or one of our own whose data lie in a folder."""
    if bootstrap is not None:
        yield Servers(bootstrap)
        return
    script = broker.loaded()
    try:
        port, controller_port = script.free_ports(2)
        node = script.Broker(folder, port, controller_port)
        node.start()
    except script.NoKafka as reason:
        raise NoServers(str(reason)) from reason
    try:
        yield Servers(node.bootstrap_servers, node.pid)
    finally:
        node.kill()
