"""The real Kafka of the test run: started once when the first test asks for it, on a free port with fresh data."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
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
_GUARDED: pytest.StashKey[Any] = pytest.StashKey()
_PASSWORDS = {"admin": "of-admin", "m": "right"}
_PLAIN = "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule"
_GUARD = f"""\
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
{_PLAIN} required username="admin" password="{_PASSWORDS["admin"]}" \
{" ".join(f'user_{user}="{password}"' for user, password in _PASSWORDS.items())};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""
"""A password for everybody and rights for nobody but the admin; controllers talk among themselves without one."""


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


def guarded_broker(request: pytest.FixtureRequest) -> Any:
    """Return the broker of the run that asks for a password and has access rules; skip where there is no Kafka.

    `passwords` holds a file for each of its users: `admin`, who may do all, `m`, who may do what is granted, and
    `wrong`, which is no user's.
    """

    def started(folder: Path) -> Any:
        broker = new_broker(folder / "node", protocol="SASL_PLAINTEXT", settings=_GUARD)
        broker.passwords = {name: folder / name for name in (*_PASSWORDS, "wrong")}
        for name, path in broker.passwords.items():
            path.write_text(f"{_PASSWORDS.get(name, 'wrong')}\n", encoding="utf-8")
            path.chmod(0o600)
        return broker

    return _kept(request, _GUARDED, started)


def shared_broker(request: pytest.FixtureRequest) -> Any:
    """Return the broker all tests of the run share; skip where there is no Java or Maven."""
    return _kept(request, _SHARED, lambda folder: new_broker(folder / "node"))


def _kept(request: pytest.FixtureRequest, key: pytest.StashKey[Any], start: Callable[[Path], Any]) -> Any:
    """Return what the first who asked has started."""
    config = request.config
    if key not in config.stash:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        try:
            broker = start(factory.mktemp("kafka"))
        except kafka.NoKafka as reason:
            config.stash[key] = reason
        else:
            config.stash[key] = broker
            config.add_cleanup(broker.kill)
    found = config.stash[key]
    if isinstance(found, kafka.NoKafka):
        pytest.skip(f"no Kafka: {found}")
    return found
