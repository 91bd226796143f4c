"""A gateway on the embedded log, clients that hold every message against the schema, and outputs written by hand."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.websocket.server import WebsocketServer
from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.access import Doorkeeper, Grant, hash_of
from monitor.app.gateway.following import Follower
from monitor.app.gateway.gateway import Gateway
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.observing import SilentGatewayObserver
from monitor.app.gateway.places import Places
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.ports import Log, OutputRecord
from monitor.app.topics import TopicSettings, create_topics
from monitor.core.partitioning import partition_of

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "gateway-server.json").read_text())
)
PARTITIONS = 2
DESK = "token-of-the-desk"
TRADER = "token-of-the-trader"
GRANTS = (
    Grant("desk", hash_of(DESK), None),
    Grant("trader", hash_of(TRADER), frozenset({"a1"})),
)
SETTINGS = GatewaySettings(port=0, settle_ms=100, heartbeat_ms=100, drain_ms=500)
EVENTS = ("margin-calls", "liquidations", "adl-events")
TOPIC_OF = {
    "watch": "margin-calls",
    "warning": "margin-calls",
    "margin_call": "margin-calls",
    "liquidation": "liquidations",
    "critical": "liquidations",
    "bankrupt": "adl-events",
}
RANKS = ("healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt")


class Notes(SilentGatewayObserver):
    """Keep what was observed."""

    def __init__(self) -> None:
        self.gaps = 0
        self.reasons: list[str] = []
        self.outcomes: list[str] = []
        self.foreign: Counter[str] = Counter()

    def unreadable(self, topic: str) -> None:
        """Count it."""
        self.foreign[topic] += 1

    def chain_gap(self) -> None:
        """Count it."""
        self.gaps += 1

    def dropped(self, reason: str) -> None:
        """Keep it."""
        self.reasons.append(reason)

    def refused(self, reason: str) -> None:
        """Keep it."""
        self.reasons.append(reason)

    def subscribed(self, outcome: str) -> None:
        """Keep it."""
        self.outcomes.append(outcome)


class Client:
    """One client whose every message is held against the schema."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.token = ""

    async def say(self, **fields: Any) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(fields))

    async def hear(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(20):
            found: dict[str, Any] = json.loads(await self.connection.recv())
        SCHEMA.validate(found)
        self.token = found.get("token", self.token)
        return found

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Return messages up to the first of a kind, heartbeats left out."""
        found = []
        while not found or found[-1]["type"] != kind:
            said = await self.hear()
            if said["type"] != "heartbeat" or kind == "heartbeat":
                found.append(said)
        return found

    async def snapshot(self, name: str = "s", **wish: Any) -> list[dict[str, Any]]:
        """Subscribe and return the entries of the snapshot."""
        await self.say(type="subscribe", subscription=name, **wish)
        pieces = await self.until("snapshot_end")
        entries = [entry for piece in pieces if piece["type"] == "snapshot" for entry in piece["entries"]]
        assert pieces[-1]["scopes"] == len(entries)
        return entries

    async def events(self, count: int) -> list[dict[str, Any]]:
        """Return the next messages about events, and remember the token of the last."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            said = await self.hear()
            if said["type"] in {"event", "passed"}:
                found.append(said)
        return found


class House:
    """Hold a log and the gateways on it."""

    def __init__(self, log: Any, partitions: int = PARTITIONS) -> None:
        self.log = log
        self.partitions = partitions
        self.sequences: dict[tuple[str, str], int] = {}
        self.statuses: dict[tuple[str, str], str] = {}

    def event(self, account: str, status: str, scope: str = "cross:USDT", **more: Any) -> OutputRecord:
        """Return the next event of a scope's chain, to the topic of the worse status."""
        key = (account, scope)
        sequence = self.sequences[key] = self.sequences.get(key, 0) + 1
        previous = self.statuses.get(key, "healthy")
        self.statuses[key] = status
        body = {
            "schema": 1,
            "event_id": f"{account}/{scope}/{sequence}",
            "sequence": sequence,
            "event_type": "recovered" if status == "healthy" else status,
            "account_id": account,
            "scope": scope,
            "previous_status": previous,
            "status": status,
            "evidence": {"document": {"accounts": [{"margin_mode": "single_asset", "positions": [{"symbol": "BTC"}]}]}},
        }
        topic = TOPIC_OF[max(previous, status, key=RANKS.index)]
        return self.record(topic, account, account, body | more)

    def status(self, account: str, scope: str = "cross:USDT", **more: Any) -> OutputRecord:
        """Return the status record of a scope as its chain has it."""
        body = {
            "account_id": account,
            "scope": scope,
            "sequence": self.sequences.get((account, scope), 0),
            "status": self.statuses.get((account, scope), "healthy"),
            "margin_mode": "single_asset",
            "positions": [{"symbol": "BTC"}],
        }
        return self.record("account-status", account, f"{account}|{scope}", body | more)

    def gone(self, account: str, scope: str = "cross:USDT") -> OutputRecord:
        """Return the tombstone of a scope."""
        return self.record("account-status", account, f"{account}|{scope}", None)

    def record(self, topic: str, account: str, key: str, body: Any) -> OutputRecord:
        """Return an output in the partition of its account."""
        value = None if body is None else json.dumps(body).encode()
        return OutputRecord(topic, partition_of(account.encode(), self.partitions), key.encode(), value)

    def write(self, *records: OutputRecord) -> None:
        """Write outputs to the embedded log."""
        for record in records:
            self.log.produce(record.topic, record.key, record.value, record.partition)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Yield a house on an embedded log with its topics made."""
    log = EmbeddedLog(lambda: time.time_ns() // 1_000_000)
    await create_topics(await log.admin(), TopicSettings(partitions=PARTITIONS))
    yield House(log)
    await log.close()


class Running:
    """One gateway that runs."""

    def __init__(self, log: Log, settings: GatewaySettings, grants: tuple[Grant, ...], partitions: int) -> None:
        self.notes = Notes()
        self.following: asyncio.Task[None] | None = None
        codec = SubscriberCodec(settings.max_names)
        places = Places(EVENTS, "account-status", partitions)
        self.hub = Hub(places, settings, codec, self.notes, lambda: time.time_ns() // 1_000_000)
        self.follower = Follower(log, places, self.hub, settings, self.notes)
        self.gateway = Gateway(self.hub, settings, Doorkeeper(grants), self.notes)
        self.server = WebsocketServer(settings, self.gateway, codec, self.notes)

    @asynccontextmanager
    async def client(self, token: str = DESK, **options: Any) -> AsyncIterator[Client]:
        """Yield a client that was welcomed."""
        headers = {"Authorization": f"Bearer {token}"}
        options = {"max_queue": None} | options  # a client that leaves with messages unread must not wait for them
        async with connect(
            f"ws://127.0.0.1:{self.server.port}/v1", additional_headers=headers, compression=None, **options
        ) as connection:
            client = Client(connection)
            said = await client.hear()
            assert said["type"] == "welcome", said
            yield client


@asynccontextmanager
async def running(
    home: House, grants: tuple[Grant, ...] = GRANTS, log: Log | None = None, **changes: Any
) -> AsyncIterator[Running]:
    """Yield a gateway that has read everything; at the end it is drained."""
    found = Running(log or home.log, replace(SETTINGS, **changes), grants, home.partitions)
    follower = found.following = asyncio.create_task(found.follower.run())
    loaded = asyncio.create_task(found.follower.loaded())
    await asyncio.wait({follower, loaded}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    loaded.cancel()
    if follower.done():
        follower.result()
    await found.server.start()
    beats = asyncio.create_task(found.gateway.beat())
    try:
        yield found
    finally:
        beats.cancel()
        await found.server.stop()
        follower.cancel()
        await asyncio.gather(beats, follower, return_exceptions=True)
