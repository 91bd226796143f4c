"""Accounts moved from two shards to five on a real Kafka, by the commands an operator types."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from monitor.app.migration.checks import OWN
from monitor.app.topics import TopicNames
from monitor.core.partitioning import partition_of
from tests.broker import shared_broker
from tests.kafka.test_adl_on_kafka import INSTRUMENT, SYMBOL, Topics
from tests.programs import Program, free_port, liqmon, make_topics, without_ageing, write_config

ACCOUNTS = {f"account-{number}": 12 + number for number in range(9)}
SUFFIX = "-5"
EVENTS = ("margin-calls", "liquidations", "adl-events")


async def put(topics: Topics, *messages: tuple[str, str, Any]) -> None:
    """Write messages into input topics."""
    producer = topics.log._clients.producer("feeder")
    await producer.start()
    try:
        await producer.begin_transaction()
        for topic, key, body in messages:
            await producer.send(topics.prefix + topic, json.dumps(body).encode(), key.encode())
        await producer.commit_transaction()
    finally:
        await producer.stop()


def mark(price: str, number: int) -> tuple[str, str, Any]:
    """Return a price message."""
    return "mark-prices", "x", {"symbol": SYMBOL, "mark_price": price, "event_time_ms": number}


async def chains(topics: Topics, suffix: str, wanted: int) -> dict[str, list[dict[str, Any]]]:
    """Wait until so many events are told; return them by account, in order."""
    async with asyncio.timeout(60):
        while True:
            found = [body for topic in EVENTS for body in await topics.bodies(topic + suffix)]
            if len(found) >= wanted:
                break
            await asyncio.sleep(0.2)
    by_account: dict[str, list[dict[str, Any]]] = {}
    for event in sorted((event for event in found if "sequence" in event), key=lambda event: event["sequence"]):
        by_account.setdefault(event["account_id"], []).append(event)
    return by_account


async def started(config: Path, port: int) -> Program:
    """Return a daemon that does its work."""
    daemon = Program("run", config=config, health_port=port)
    daemon.start()
    try:
        await daemon.ready()
    except BaseException:
        daemon.close()
        raise
    return daemon


async def migrate(old: Path, new: Path) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit code and what it says."""
    done = await asyncio.to_thread(liqmon, "migrate-shards", "--config", str(old), "--into", str(new), "--json")
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_two_shards_become_five(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It refuses while the monitor runs; then chains begun in two shards go on in five, unbroken."""
    broker = await asyncio.to_thread(shared_broker, request)
    before, after = (Topics(broker.bootstrap_servers, "grow.", shards) for shards in (2, 5))
    port = free_port()
    old = write_config(tmp_path / "old.toml", without_ageing(before.bootstrap_servers, "grow.", 2, port))
    sections = without_ageing(before.bootstrap_servers, "grow.", 5, port)
    names = {role: f"{getattr(TopicNames(), role)}{SUFFIX}" for role in OWN}
    new = write_config(tmp_path / "new.toml", {**sections, "topics": {**sections["topics"], **names}})
    for config in (old, new):
        await make_topics(config)
    daemons = [await started(old, port)]
    try:
        await put(before, ("instruments", SYMBOL, INSTRUMENT), mark("100", 1))
        opening = [
            {
                "account_id": name,
                "version": 1,
                "event_time_ms": 1,
                "snapshot": True,
                "balances": {"USDT": str(wealth)},
                "positions": [{"symbol": SYMBOL, "quantity": "10", "entry_price": "100"}],
            }
            for name, wealth in ACCOUNTS.items()
        ]
        await put(before, *(("account-events", body["account_id"], body) for body in opening))
        await put(before, mark("99", 2))
        await chains(before, "", 5)
        await put(before, mark("100", 3))
        first = await chains(before, "", 10)
        code, said = await migrate(old, new)
        assert code == 1
        assert said["complaints"] == ["the group grow.liqmon has 1 members: stop every instance first"]
        assert await asyncio.to_thread(daemons[0].end) == 0
        first = await chains(before, "", 10)
        code, said = await migrate(old, new)
        assert code == 0, said
        assert (said["shards_before"], said["shards_after"], said["accounts"]) == (2, 5, len(ACCOUNTS))
        daemons.append(await started(new, port))
        await put(after, mark("98.5", 4))
        second = await chains(after, SUFFIX, 8)
        await put(after, mark("100", 5))
        second = await chains(after, SUFFIX, sum(map(len, second.values())) + 8)
        assert await asyncio.to_thread(daemons[1].end) == 0
    finally:
        for daemon in daemons:
            daemon.close()
        await before.log.close()
        await after.log.close()
    for name in first.keys() | second.keys():
        chain = first.get(name, []) + second.get(name, [])
        assert [event["sequence"] for event in chain] == list(range(1, len(chain) + 1)), name
        assert [event["previous_status"] for event in chain] == ["healthy", *(e["status"] for e in chain)][:-1], name
    assert len(set(second)) > 5
    assert {partition_of(name.encode(), 5) for name in second} > {0, 1}
