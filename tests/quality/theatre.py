"""The theatre: an incident played to the whole application on the embedded log, and what was told of it.

Accounts, feeding and reading back live here; what an incident is, is in `incidents`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from monitor.adapters.wire.document import Base, decode_document
from monitor.core.limits import Limits
from monitor.core.verify import first_difference
from tests.app.lab import Running, World, new_world
from tests.quality.incidents import PEGGED, Collateral, Incident, Second, dislocation

CALLED = ("liquidation", "critical", "takeover", "bankrupt")
ACCOUNTS = 24
_JUDGED_CALM = 10
"""So many of the calm seconds are judged by the first instance: everybody has a status by then."""


@dataclass
class Told:
    """Hold what was told while an incident was played, times from its beginning: who was called, what of prices."""

    called_ms: dict[str, int] = field(default_factory=dict)
    flagged_ms: int | None = None
    differing: list[Any] = field(default_factory=list)
    quality: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    prices: list[dict[str, Any]] = field(default_factory=list)


_played: dict[tuple[str, bool, int | None, str], Told] = {}


async def play(incident: Incident, *, sound: bool = False, kill_after: int | None = None, **settings: Any) -> Told:
    """Play one feed of an incident; `kill_after` seconds of it the instance is killed, and another goes on.

    The calm before it stands in the topic when the first instance starts: it is read, and nobody judged by it. What was
    played is played once: it comes out the same.
    """
    what = incident.name, sound, kill_after, repr(settings)
    if what not in _played:
        _played[what] = await _play(incident, sound=sound, kill_after=kill_after, settings=settings)
    return _played[what]


async def _play(incident: Incident, *, sound: bool, kill_after: int | None, settings: dict[str, Any]) -> Told:
    world = await new_world(partitions=1, **{"quality__enabled": True} | settings)
    seconds = incident.sound if sound else incident.told
    calm = incident.begins - _JUDGED_CALM
    open_world(world, incident.symbol, seconds[0])
    for second in seconds[:calm]:
        put_price(world, incident.symbol, second)
        world.skip(1.0)
    one, begin_ms = world.start(), 0
    await world.until_quiet()
    for number, second in enumerate(seconds[calm:], calm):
        if number == incident.begins:
            begin_ms = world.now_ms()
        put_price(world, incident.symbol, second)
        await world.pass_time(1.0)
        if kill_after is not None and number == incident.begins + kill_after:
            one = _succeeded(world, one)
    await world.until_quiet()
    return read_back(world, begin_ms)


def _succeeded(world: World, one: Running) -> Running:
    one.kill()
    return world.start()


def open_world(world: World, symbol: str, first: Second) -> None:
    """Fill the topics: accounts long and short of the contract, each with another leverage, from 1.5 to 14."""
    world.instrument(symbol, rate="0.05")
    put_price(world, symbol, first)
    price = float(first.mark)
    for number in range(ACCOUNTS):
        side = 1 if number % 2 else -1
        wallet = 1_000 / (1.5 + 12.5 * number / (ACCOUNTS - 1))
        quantity = f"{side * 1_000 / price:.6f}"
        world.account(f"a{number}", f"{wallet:.2f}", positions={symbol: (quantity, first.mark)}, snapshot=True)


def put_price(world: World, symbol: str, second: Second) -> None:
    """Append what a feed states of one contract in one second."""
    body = {"symbol": symbol, "mark_price": second.mark, "event_time_ms": world.now_ms()}
    body |= {} if second.index is None else {"index_price": second.index}
    world.put("mark_prices", symbol, body, 0)


async def play_collateral(*, sound: bool, kill_at: int | None = None, **settings: Any) -> Told:
    """Play the dislocation of collateral to accounts that hold it against long positions, some of each leverage."""
    references = {
        f"references.{name}.{part}": value
        for name, (rate, symbol) in PEGGED.items()
        for part, value in (("rate", rate), ("symbol", symbol))
        if value is not None
    }
    world = await new_world(partitions=1, **{"quality__enabled": True} | references | settings)
    seconds = dislocation(sound=sound)
    for symbol in seconds[0].prices:
        world.instrument(symbol, rate="0.02")
    world.put("assets", "USDT", {"asset": "USDT", "index_price": "1", "event_time_ms": world.now_ms()})
    _state(world, seconds[0])
    mark = float(seconds[0].prices["BTCUSDT"].mark)
    for number in range(ACCOUNTS):
        asset = list(PEGGED)[number % 3]
        quantity = 10_000 / (1.5 + 12 * number / (ACCOUNTS - 1)) / float(seconds[0].indices[asset])
        held = {"BTCUSDT": (f"{10_000 / mark:.6f}", f"{mark:.2f}")}
        more = {"margin_mode": "multi_asset", "balances": {asset: f"{quantity:.6f}"}, "snapshot": True}
        world.account(f"a{number}", positions=held, **more)
    world.start()
    await world.until_quiet()
    begin_ms = world.now_ms()
    for number, second in enumerate(seconds):
        _state(world, second)
        await world.pass_time(1.0)
        if number == kill_at:
            _succeeded(world, world.instances[-1])
    await world.until_quiet()
    return read_back(world, begin_ms)


def _state(world: World, second: Collateral) -> None:
    now = world.now_ms()
    world.put(
        "mark_prices",
        "all",
        [
            {"symbol": name, "mark_price": price.mark, "index_price": price.index, "event_time_ms": now}
            for name, price in second.prices.items()
        ],
        0,
    )
    for name, index in second.indices.items():
        body = {"asset": name, "index_price": index, "collateral_ratio": "0.95", "event_time_ms": now}
        world.put("assets", name, body)


def price_records(world: World) -> list[dict[str, Any]]:
    """Return the records of `mark-prices` as `kcat -J` writes them."""
    return [
        {
            "partition": one.partition,
            "offset": one.offset,
            "ts": one.timestamp_ms,
            "payload": (one.value or b"").decode(),
        }
        for one in world.kept("mark_prices")
    ]


def read_back(world: World, begin_ms: int = 0) -> Told:
    """Return what was told in a world since a time, every event verified."""
    told = Told(
        prices=price_records(world),
        quality=world.quality("price_quality") + world.quality("asset_quality"),
        events=world.events(),
    )
    letters = [record.timestamp_ms for record in world.written("dead_letters")]
    flags = [line["since_ms"] for line in told.quality if not line["believed"]] + letters
    told.flagged_ms = min((at_ms - begin_ms for at_ms in flags if at_ms >= begin_ms), default=None)
    for event in told.events:
        if event["status"] in CALLED:
            told.called_ms.setdefault(event["account_id"], event["decided_at_ms"] - begin_ms)
        document = decode_document(json.dumps(event["evidence"]["document"]).encode(), Limits(), Base(of_evidence=True))
        difference = first_difference(event, document)
        if difference is not None:
            told.differing.append(difference)
    return told
