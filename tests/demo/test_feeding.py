"""`liqmon demo --feed`: the book and the market, written into Kafka for a daemon that runs elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import TopicPartition
from monitor.core.partitioning import partition_of
from tests.broker import shared_broker

COMMAND = [sys.executable, "-m", "monitor.cli.main"]
ACCOUNTS = 40
PARTITIONS = 3


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=90, check=False)


async def everything(servers: str, topics: dict[str, int]) -> dict[str, list[Any]]:
    """Return all committed records by topic."""
    log = KafkaLog(KafkaSettings(bootstrap_servers=servers))
    reader = log.reader()
    await reader.start()
    try:
        places = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
        reader.assign(dict.fromkeys(places, 0))
        ends = await reader.end_offsets(places)
        found: dict[str, list[Any]] = {topic: [] for topic in topics}
        while any(reader.position(where) < end for where, end in ends.items()):
            for record in await reader.poll(1000, 200):
                found[record.topic].append(record)
        return found
    finally:
        await reader.stop()
        await log.close()


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_book_and_market_stand_in_the_topics(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Without topics it ends with 3 and says what to do; with them every input stands where it belongs."""
    servers = shared_broker(request).bootstrap_servers
    config = tmp_path / "monitor.toml"
    config.write_text(
        f'[kafka]\nbootstrap_servers = "{servers}"\n[topics]\nprefix = "fed-"\npartitions = {PARTITIONS}\n'
    )
    words = ("demo", "--feed", "--config", str(config), "--accounts", str(ACCOUNTS), "--seconds", "2", "--speed", "2")
    early = run(*words)
    assert early.returncode == 3
    assert "liqmon topics create" in early.stderr
    assert run("topics", "create", "--config", str(config)).returncode == 0
    for _ in range(2):
        done = run(*words)
        assert done.returncode == 0, done.stderr
        assert "16 price messages written" in done.stdout
    found = await everything(servers, {"fed-account-events": PARTITIONS, "fed-mark-prices": 1, "fed-instruments": 1})
    assert len(found["fed-mark-prices"]) == 2 * (16 + 2)
    times = [json.loads(record.value)[0]["event_time_ms"] for record in found["fed-mark-prices"]]
    assert times == sorted(times)
    versions: dict[bytes, list[int]] = {}
    for record in found["fed-account-events"]:
        assert record.partition == partition_of(record.key, PARTITIONS)
        versions.setdefault(record.key, []).append(json.loads(record.value)["version"])
    assert len(versions) == ACCOUNTS
    assert all(first < second for first, second in versions.values()), "a second feed must outrank the first"


def test_feeding_needs_a_kafka() -> None:
    """Without a broker configured the command ends with 2."""
    done = run("demo", "--feed")
    assert done.returncode == 2
    assert "kafka.bootstrap_servers" in done.stderr
