"""Tests of `liqmon topics`, on a real Kafka and on none."""

from __future__ import annotations

import socket
from pathlib import Path

import orjson
import pytest

from tests.broker import shared_broker
from tests.cli.conftest import Run


@pytest.fixture
def configured(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the configuration of the run's broker, under a prefix nobody else uses."""
    servers = shared_broker(request).bootstrap_servers
    path = tmp_path / "monitor.toml"
    path.write_text(f'[kafka]\nbootstrap_servers = "{servers}"\n[topics]\nprefix = "{tmp_path.name}-"\npartitions = 2')
    return str(path)


def test_without_a_broker_configured_there_is_nothing_to_create(liqmon: Run) -> None:
    """On the embedded log the command is a mistake, and says which key is missing."""
    ran = liqmon("topics", "check")
    assert ran.code == 2
    assert "kafka.bootstrap_servers" in ran.err


def test_an_unreachable_broker_is_an_outside_failure(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listening at the address: exit 3, one line of reason, no traceback."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LIQMON_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{unheard.getsockname()[1]}")
        ran = liqmon("topics", "check")
    assert (ran.code, ran.out) == (3, "")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("words", [("run",), ("compare", "--account", "a"), ("migrate-shards", "--into", "-")])
def test_it_is_bad_input_to_every_command_that_opens_kafka(words: tuple[str, ...], tmp_path: Path, liqmon: Run) -> None:
    """A key the client does not know is named by each of them, with exit 2."""
    path = tmp_path / "monitor.toml"
    path.write_text('[kafka]\nbootstrap_servers = "127.0.0.1:1"\n[kafka.client]\nnot_a_key = 1\n[http]\nport = 0\n')
    ran = liqmon(*(str(path) if word == "-" else word for word in words), "--config", str(path))
    assert ran.code == 2
    assert "client.not_a_key" in ran.err


def test_a_client_key_that_does_not_exist_is_bad_input(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key under `kafka.client` that the client does not know is named."""
    monkeypatch.setenv("LIQMON_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("LIQMON_KAFKA__CLIENT__NO_SUCH_KEY", "1")
    ran = liqmon("topics", "check")
    assert ran.code == 2
    assert "no_such_key" in ran.err


@pytest.mark.kafka
def test_topics_are_created_once_and_then_found_good(liqmon: Run, configured: str) -> None:
    """Before: everything is missing and the answer is no. Create makes all; create and check again find them good."""
    ran = liqmon("topics", "check", "--config", configured)
    assert ran.code == 1
    assert "account-events: does not exist" in ran.out
    first = liqmon("topics", "create", "--json", "--config", configured)
    assert first.code == 0, first
    assert any(name.endswith("-account-events") for name in orjson.loads(first.out)["created"])
    again = liqmon("topics", "create", "--json", "--config", configured)
    assert (again.code, orjson.loads(again.out)["created"]) == (0, [])
    assert liqmon("topics", "check", "--config", configured).code == 0


@pytest.mark.kafka
def test_a_difference_is_named_and_not_mended(liqmon: Run, configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for another number of partitions, create and check both say so and change nothing."""
    assert liqmon("topics", "create", "--config", configured).code == 0
    monkeypatch.setenv("LIQMON_TOPICS__PARTITIONS", "3")
    for verb in ("create", "check"):
        ran = liqmon("topics", verb, "--config", configured)
        assert ran.code == 1
        assert "has 2 partitions instead of 3" in ran.out
    monkeypatch.delenv("LIQMON_TOPICS__PARTITIONS")
    assert liqmon("topics", "check", "--config", configured).code == 0
