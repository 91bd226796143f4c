"""The broker of a run: one started for it from `deploy/kafka`, or one that runs already."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    script = _script()
    try:
        port, controller_port = script.free_ports(2)
        broker = script.Broker(folder, port, controller_port)
        broker.start()
    except script.NoKafka as reason:
        raise NoServers(str(reason)) from reason
    try:
        yield Servers(broker.bootstrap_servers, broker.pid)
    finally:
        broker.kill()


def _script() -> Any:
    """Return the script that `make kafka` runs: it is no part of a package."""
    spec = importlib.util.spec_from_file_location("liqmon_bench_broker", ROOT / "deploy" / "kafka" / "broker.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
