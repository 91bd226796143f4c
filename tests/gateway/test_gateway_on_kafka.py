"""The gateway on a real Kafka, killed while events are written; the example client and a browser go on over it."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import OutputRecord, ShardWriter
from monitor.app.topics import TopicSettings, create_topics
from tests.broker import shared_broker
from tests.gateway.browser import Browser
from tests.gateway.example import ExampleClient
from tests.gateway.house import DESK, PARTITIONS, House, hash_of
from tests.programs import Program, free_port, liqmon, write_config
from tests.waiting import holds

ACCOUNTS = [f"a{number}" for number in range(12)]


class Stage:
    """Hold a Kafka with topics, a writer for each shard, and a gateway beside it."""

    def __init__(self, log: KafkaLog, prefix: str, gateway: Program, port: int) -> None:
        self.house = House(None)
        self.gateway = gateway
        self.port = port
        self.prefix = prefix
        self.written: list[str] = []
        self._log = log
        self._writers: dict[int, ShardWriter] = {}
        self._dice = random.Random(11)

    async def write(self, count: int) -> None:
        """Tell so many events, several a transaction and shard, each with its status."""
        while count > 0:
            batch: dict[int, list[OutputRecord]] = {}
            for _ in range(min(count, self._dice.randrange(1, 9))):
                account = self._dice.choice(ACCOUNTS)
                event = self.house.event(account, self._dice.choice(("watch", "critical", "bankrupt")))
                batch.setdefault(event.partition, []).extend((event, self.house.status(account)))
                self.written.append(f"{account}/cross:USDT/{self.house.sequences[account, 'cross:USDT']}")
                count -= 1
            for partition, records in batch.items():
                writer = await self._writer(partition)
                await writer.write([record._replace(topic=self.prefix + record.topic) for record in records])

    async def ready(self) -> None:
        """Wait until the gateway serves clients."""
        await self.gateway.ready()

    async def restart(self, how: signal.Signals) -> None:
        """End the gateway and start it anew."""
        code = await asyncio.to_thread(self.gateway.end, how)
        assert how is signal.SIGKILL or code == 0
        self.gateway.start()

    def snapshots(self) -> int:
        """Return how many snapshots the gateway has sent whole."""
        return int(self.gateway.metric('liqmon_gateway_subscriptions_total{outcome="snapshot"}'))

    def strike_tokens(self) -> None:
        """Put another token into the place of the one there is, and say so."""
        tokens = self.gateway.config.with_name("tokens.toml")
        tokens.write_text(tokens.read_text().replace(hash_of(DESK), hash_of("another")))
        self.gateway.tell(signal.SIGHUP)

    async def tailed(self) -> list[str]:
        """Return the events that `liqmon tail` shows from the beginning on."""
        words = ("tail", "--config", str(self.gateway.config), "--from", "beginning", "--no-follow", "--json")
        done = await asyncio.to_thread(liqmon, *words)
        assert done.returncode == 0, done.stderr
        return sorted(json.loads(line)["value"]["event_id"] for line in done.stdout.splitlines())

    async def close(self) -> None:
        """End everything."""
        self.gateway.close()
        for writer in self._writers.values():
            await writer.close()
        await self._log.close()

    async def _writer(self, partition: int) -> ShardWriter:
        if partition not in self._writers:
            self._writers[partition] = self._log.writer(f"{self.prefix}{partition}")
            await self._writers[partition].fence()
        return self._writers[partition]


@asynccontextmanager
async def stage(request: pytest.FixtureRequest, folder: Path, prefix: str) -> AsyncIterator[Stage]:
    """Yield a stage whose gateway is ready."""
    broker = await asyncio.to_thread(shared_broker, request)
    log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    assert not await create_topics(await log.admin(), TopicSettings(prefix=prefix, partitions=PARTITIONS))
    tokens = folder / "tokens.toml"
    tokens.write_text(f'[[token]]\nname = "desk"\nsha256 = "{hash_of(DESK)}"\naccounts = ["*"]\n')
    port, http_port = free_port(), free_port()
    doors: dict[str, object] = {"port": port, "http_port": http_port, "token_file": str(tokens)}
    page: dict[str, object] = {"page": True, "origins": [f"http://127.0.0.1:{port}"]}
    config = write_config(
        folder / "gateway.toml",
        {
            "kafka": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"prefix": prefix},
            "gateway": {**doors, **page, "heartbeat_ms": 500},
        },
    )
    gateway = Program("gateway", config=config, health_port=http_port)
    found = Stage(log, prefix, gateway, port)
    try:
        gateway.start()
        await found.ready()
        yield found
    finally:
        await found.close()


def in_chains(events: list[dict[str, Any]]) -> bool:
    """Tell whether each account's events stand in order, without a gap or a repetition."""
    told: dict[str, int] = {}
    for event in events:
        if event["sequence"] != told.get(event["account_id"], 0) + 1:
            return False
        told[event["account_id"]] = event["sequence"]
    return True


@pytest.mark.kafka
@pytest.mark.timeout(120)
async def test_a_killed_gateway_costs_the_example_client_nothing(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Through a kill and a stop while events are written, each event is printed once, in order, and no gap is."""
    async with stage(request, tmp_path, "gateway.") as on:
        client = ExampleClient(on.port, tmp_path / "client.out")
        try:
            await holds(lambda: on.snapshots() == 1)
            for how in (signal.SIGKILL, signal.SIGTERM):
                begun = len(client.events())
                await on.write(30)
                await holds(lambda begun=begun: len(client.events()) > begun)
                writing = asyncio.create_task(on.write(40))
                await on.restart(how)
                await writing
                await on.ready()
            await on.write(20)
            await holds(lambda: len(client.events()) >= len(on.written))
            on.strike_tokens()
            await holds(lambda: any("not known any more" in line for line in client.lines()))
        finally:
            client.close()
        assert sorted(event["event_id"] for event in client.events()) == sorted(on.written)
        assert in_chains(client.events())
        assert await on.tailed() == sorted(on.written)
        assert not [line for line in client.lines() if "GAP" in line or "expired" in line]


@pytest.mark.kafka
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium (Debian: apt-get install chromium)")
async def test_the_page_goes_on_over_a_restart_in_a_browser(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In Chromium the page connects, filters by account, survives a killed gateway, shows every event and no gap."""
    async with (
        stage(request, tmp_path, "browser.") as on,
        Browser.open(tmp_path, f"http://127.0.0.1:{on.port}/") as page,
    ):
        await page.do("document.querySelector('#accounts').value = 'a1, a2'")
        await page.do("document.querySelector('#severity').value = 'healthy'")
        await page.do(f"document.querySelector('#token').value = '{DESK}'")
        await page.do("document.querySelector('button').click()")
        await page.shows("#connection", "connected")
        await on.write(40)
        await page.shows("#count", str(mine(on)))
        await on.restart(signal.SIGKILL)
        await on.write(40)
        await page.shows("#connection", "connected")
        await page.shows("#count", str(mine(on)))
        await page.shows("#gaps", "0 gaps")
        named = await page.do("[...document.querySelectorAll('#events tr td:nth-child(2)')].map(c => c.textContent)")
        assert set(named) == {"a1", "a2"}
        (tmp_path / "page.png").write_bytes(await page.picture())
        assert not page.complaints


def mine(on: Stage) -> int:
    """Return how many events of the two accounts were written."""
    return sum(on.house.sequences.get((account, "cross:USDT"), 0) for account in ("a1", "a2"))
