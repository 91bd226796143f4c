"""The real Kafka of the test run: started once when the first test asks for it, on a free port with fresh data."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = Path(__file__).resolve().parent.parent / "deploy" / "kafka" / "broker.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("liqmon_kafka_broker", _SCRIPT)
    assert spec is not None, _SCRIPT
    assert spec.loader is not None, _SCRIPT
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


kafka = _load()
_SHARED: pytest.StashKey[Any] = pytest.StashKey()


def new_broker(folder: Path, **options: Any) -> Any:
    """Return a broker of one's own, started; ask for the shared one first, which skips where there is none."""
    port, controller_port = kafka.free_ports(2)
    broker = kafka.Broker(folder, port, controller_port, **options)
    broker.start()
    return broker


def new_cluster(folder: Path, nodes: int = 3, **options: Any) -> Any:
    """Return a cluster of one's own, started; raise `NoKafka` where there is no Java or Maven."""
    cluster = kafka.Cluster(folder, nodes, **options)
    cluster.start()
    return cluster


def shared_broker(request: pytest.FixtureRequest) -> Any:
    """Return the broker all tests of the run share; skip where there is no Java or Maven."""
    config = request.config
    if _SHARED not in config.stash:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        try:
            broker = new_broker(factory.mktemp("kafka") / "node")
        except kafka.NoKafka as reason:
            config.stash[_SHARED] = reason
        else:
            config.stash[_SHARED] = broker
            config.add_cleanup(broker.kill)
    found = config.stash[_SHARED]
    if isinstance(found, kafka.NoKafka):
        pytest.skip(f"no Kafka: {found}")
    return found
