"""A snapshot or a resumption amid whatever else happens: the client's picture has no hole, no repetition, no future."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from monitor.adapters.wire.subscribers import SubscriberCodec
from monitor.app.gateway.beginnings import Beginning
from monitor.app.gateway.filters import Filter
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.observing import SilentGatewayObserver
from monitor.app.gateway.places import Places
from monitor.app.gateway.requests import Subscribe
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.subscription import Subscription
from monitor.app.ports import OutputRecord, Record
from tests.gateway.house import EVENTS, PARTITIONS, House


class Stream:
    """Write outputs straight into a hub, one after the other."""

    def __init__(self, seed: int) -> None:
        self.house = House(None)
        self.hub = Hub(
            Places(EVENTS, "account-status", PARTITIONS),
            GatewaySettings(),
            SubscriberCodec(9),
            SilentGatewayObserver(),
            lambda: 1_000,
        )
        self.dice = random.Random(seed)
        self._offsets: dict[tuple[str, int], int] = {}

    def step(self) -> None:
        """Tell an event of some account, or show one."""
        account = f"a{self.dice.randrange(6)}"
        if self.dice.random() < 0.5:
            self._feed(self.house.event(account, self.dice.choice(("watch", "critical", "bankrupt"))))
        else:
            self._feed(self.house.status(account))

    def house_chains(self) -> dict[str, int]:
        """Return how far each account's chain was told."""
        return {account: sequence for (account, _), sequence in self.house.sequences.items()}

    def _feed(self, record: OutputRecord) -> None:
        place = (record.topic, record.partition)
        offset = self._offsets.get(place, 0)
        self._offsets[place] = offset + 1
        item = self.hub.read(Record(record.topic, record.partition, offset, 1_000, record.key, record.value))
        assert item is not None
        self.hub.feed(item)


class Picture:
    """An outlet that lets more happen while it sends, and a client that believes what it is told, and checks it."""

    def __init__(self, stream: Stream, steps: int) -> None:
        self.chains: dict[str, int] = {}
        self.shown: dict[str, int] = {}
        self.token = ""
        self._stream = stream
        self._steps = steps

    def push(self, data: bytes) -> bool:
        """Take a message in."""
        self._hear(json.loads(data))
        return True

    async def send(self, data: bytes) -> None:
        """Let more happen, then take a message in."""
        for _ in range(self._stream.dice.randrange(3)):
            if self._steps > 0:
                self._steps -= 1
                self._stream.step()
        self._hear(json.loads(data))

    def close(self, code: int, reason: str) -> None:
        """Nobody closes."""
        raise AssertionError(reason)

    def _hear(self, said: dict[str, Any]) -> None:
        for entry in said.get("entries", ()):
            if entry["sequence"]:
                self.chains[entry["account_id"]] = entry["sequence"]
            self.shown[entry["account_id"]] = entry["status"]["sequence"] if entry["status"] else 0
        if said["type"] == "event":
            account, sequence = said["event"]["account_id"], said["event"]["sequence"]
            assert sequence == self.chains.get(account, 0) + 1, "a gap or a repetition"
            self.chains[account] = sequence
        if said["type"] == "status":
            account, sequence = said["account_id"], said["status"]["sequence"]
            assert sequence <= self.chains.get(account, 0), "a status before its event"
            assert sequence >= self.shown.get(account, 0), "an older status after a newer one"
            self.shown[account] = sequence
        self.token = said.get("token", self.token)


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_happens_meanwhile_the_picture_is_right(seed: int) -> None:
    """Records come between any two messages of a snapshot, of a replay and after it; all promises hold throughout."""
    stream = Stream(seed)
    for _ in range(seed * 3):
        stream.step()
    picture = Picture(stream, 60)
    subscription = Subscription(Subscribe("s"), Filter(), picture, guarded=False)
    beginning = Beginning(stream.hub, picture, subscription)
    await beginning.go_on(await beginning.snapshot(), resumed=False)
    for _ in range(20):
        stream.step()
    assert picture.chains == stream.house_chains()
    stream.hub.remove(subscription)
    for _ in range(20):
        stream.step()
    again = Picture(stream, 60)
    again.chains, again.shown = dict(picture.chains), dict(picture.shown)
    cut = await stream.hub.cut_of(picture.token)
    subscription = Subscription(Subscribe("s"), Filter(), again, guarded=False)
    await Beginning(stream.hub, again, subscription).go_on(cut, resumed=True)
    for _ in range(20):
        stream.step()
    assert again.chains == stream.house_chains()
