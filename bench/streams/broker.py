"""The real Kafka between the bench and a stream engine: the one node that `make kafka` would start, for a run."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.peers.peer import Missing

_SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "broker.py"


def start(stack: ExitStack) -> str:
    """Start a node that ends with the stack; return where it listens. Raises `Missing` where that is not possible."""
    kafka = loaded()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-kafka-")))
    try:
        broker = kafka.Broker(folder / "node", *kafka.free_ports(2))
    except kafka.NoKafka as reason:
        raise Missing(f"no Kafka: {reason}") from reason
    stack.callback(broker.kill)
    broker.start()
    return str(broker.bootstrap_servers)


def loaded() -> Any:
    """Return the script that `make kafka` runs, which is no part of a package."""
    name = "bench_kafka_broker"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _SCRIPT)
        assert spec is not None, _SCRIPT
        assert spec.loader is not None, _SCRIPT
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
