"""A scripted crash on a real Kafka, and a script that derives plans and every ADL event again from the topics alone.

The script knows the contract's formulas, not the product: equity, the least reduction, shortfall, the fund's order, the
2019 ranking.
"""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import Record, TopicPartition
from tests.broker import shared_broker
from tests.programs import Program, free_port, liqmon, make_topics, without_ageing, write_config

SYMBOL = "XUSDT"
RATE = Fraction("0.01")
INSTRUMENT = {
    "symbol": SYMBOL,
    "status": "trading",
    "contract": "linear",
    "settle_asset": "USDT",
    "brackets": [{"floor": "0", "rate": "0.01", "max_leverage": "100"}],
}
LONGS = {f"long{n}": ("20", "10", "100") for n in range(4)}
SHORTS = {f"short{n}": (str(40 + 17 * n), "-4", str(100 + n)) for n in range(6)}
MARKS = ("100", "98.8", "98.5", "90")
FUND = "100"


class Topics:
    """Read and write the topics of one case."""

    def __init__(self, bootstrap_servers: str, prefix: str, partitions: int) -> None:
        self.bootstrap_servers, self.prefix, self.partitions = bootstrap_servers, prefix, partitions
        self.log = KafkaLog(KafkaSettings(bootstrap_servers=bootstrap_servers))

    async def records(self, topic: str, partitions: int | None = None) -> list[Record]:
        """Return every committed record of a topic, in the order of each partition."""
        reader = self.log.reader()
        await reader.start()
        try:
            places = [TopicPartition(self.prefix + topic, number) for number in range(partitions or self.partitions)]
            reader.assign(await reader.beginning_offsets(places))
            ends = await reader.end_offsets(places)
            found: list[Record] = []
            while any(reader.position(where) < end for where, end in ends.items()):
                found += await reader.poll(2000, 200)
            return found
        finally:
            await reader.stop()

    async def bodies(self, topic: str, partitions: int | None = None) -> list[dict[str, Any]]:
        """Return the values of a topic."""
        return [json.loads(record.value) for record in await self.records(topic, partitions) if record.value]


class Derivation:
    """Derive decisions and counterparties from the inputs and the claims, as a stranger would."""

    def __init__(
        self, accounts: list[dict[str, Any]], prices: list[dict[str, Any]], funds: list[dict[str, Any]]
    ) -> None:
        self.mark = Fraction(max(prices, key=lambda price: price["event_time_ms"])["mark_price"])
        self.balance = Fraction(max(funds, key=lambda fund: fund["event_time_ms"])["balance"])
        self.accounts = {account["account_id"]: account for account in accounts}

    def figures(self, account: str) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """Return wallet, profit, requirement and quantity of an account's only position."""
        body = self.accounts[account]
        (position,) = body["positions"]
        quantity = Fraction(position["quantity"])
        profit = quantity * (self.mark - Fraction(position["entry_price"]))
        return Fraction(body["balances"]["USDT"]), profit, abs(quantity) * self.mark * RATE, quantity

    def shortfall(self, account: str) -> Fraction:
        """Return max(0, −E)."""
        wallet, profit, _, _ = self.figures(account)
        return max(Fraction(0), -(wallet + profit))

    def score(self, account: str) -> Fraction:
        """Return the 2019 ranking: max(0, uPnL) ÷ max(1, wallet), times MM ÷ (wallet + uPnL)."""
        wallet, profit, requirement, _ = self.figures(account)
        equity = wallet + profit
        return (
            Fraction(0) if equity <= 0 else max(Fraction(0), profit) / max(Fraction(1), wallet) * requirement / equity
        )

    def queue(self) -> list[str]:
        """Return the holders of the short side, best first."""
        shorts = [name for name in self.accounts if self.figures(name)[3] < 0]
        return sorted(shorts, key=lambda name: (-self.score(name), name))

    def bankruptcy_price(self, account: str) -> Fraction:
        """Return the mark at which the equity is gone: the account has one position."""
        wallet, profit, _, quantity = self.figures(account)
        return self.mark - (wallet + profit) / quantity

    def decide(self, claims: list[dict[str, Any]]) -> dict[str, list[tuple[str, Fraction, int]] | None]:
        """Return for each claimant, in the order of the fund's partition, who loses how much, None where covered."""
        left, free = self.balance, {name: -self.figures(name)[3] for name in self.queue()}
        found: dict[str, list[tuple[str, Fraction, int]] | None] = {}
        for claim in claims:
            account, amount = claim["bankrupt"]["account_id"], Fraction(claim["amount"])
            assert amount == self.shortfall(account)
            if amount <= left:
                left, found[account] = left - amount, None
                continue
            wanted, chosen = abs(self.figures(account)[3]), []
            for rank, name in enumerate(self.queue(), 1):
                part = min(free[name], wanted)
                if part > 0:
                    chosen.append((name, part, rank))
                    free[name], wanted = free[name] - part, wanted - part
            found[account] = chosen
        return found

    def reduction(self, account: str, mark: Fraction) -> tuple[Fraction, bool]:
        """Return the least quantity whose reduction brings E back to MM at a mark, and whether one does."""
        body = self.accounts[account]
        (position,) = body["positions"]
        quantity = Fraction(position["quantity"])
        equity = Fraction(body["balances"]["USDT"]) + quantity * (mark - Fraction(position["entry_price"]))
        return (abs(quantity) - equity / (mark * RATE), True) if equity > 0 else (abs(quantity), False)


async def feed(topics: Topics) -> None:
    """Feed the fund, the book and the fall, each price once the one before is judged."""
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=topics.bootstrap_servers, enable_idempotence=True) as producer:

        async def send(topic: str, key: str, body: dict[str, Any]) -> None:
            await producer.send_and_wait(topics.prefix + topic, json.dumps(body).encode(), key=key.encode())

        await send("instruments", SYMBOL, INSTRUMENT)
        await send("insurance-funds", "main", {"fund": "main", "asset": "USDT", "balance": FUND, "event_time_ms": 1})
        await send("mark-prices", "x", {"symbol": SYMBOL, "mark_price": MARKS[0], "event_time_ms": 1})
        for name, (wallet, quantity, entry) in {**LONGS, **SHORTS}.items():
            position = {"symbol": SYMBOL, "quantity": quantity, "entry_price": entry}
            body = {"account_id": name, "version": 1, "event_time_ms": 1, "snapshot": True}
            await send("account-events", name, body | {"balances": {"USDT": wallet}, "positions": [position]})
        await shown(topics, len(LONGS) + len(SHORTS))
        for number, mark in enumerate(MARKS[1:], 2):
            await send("mark-prices", "x", {"symbol": SYMBOL, "mark_price": mark, "event_time_ms": number})


async def shown(topics: Topics, accounts: int) -> None:
    """Wait until so many accounts stand in account-status."""
    seen: set[str] = set()
    async with asyncio.timeout(60):
        while len(seen) < accounts:
            seen = {body["account_id"] for body in await topics.bodies("account-status")}


async def told(topics: Topics, count: int) -> list[dict[str, Any]]:
    """Wait until so many `adl_triggered` stand in the topic and everybody chosen is told; return all events."""
    async with asyncio.timeout(60):
        while True:
            events = await topics.bodies("adl-events")
            triggered = [event for event in events if event["event_type"] == "adl_triggered"]
            chosen = sum(len(p["counterparties"]) for event in triggered for p in event["positions"])
            if len(triggered) >= count and chosen == sum(event["event_type"] == "adl_selected" for event in events):
                return events
            await asyncio.sleep(0.2)


def compare(events: list[dict[str, Any]], claims: list[dict[str, Any]], right: Derivation) -> None:
    """Hold every ADL event against what is derived."""
    decided = right.decide(claims)
    triggered = {event["account_id"]: event for event in events if event["event_type"] == "adl_triggered"}
    assert triggered.keys() == {account for account, chosen in decided.items() if chosen is not None}
    expected: dict[tuple[str, str], tuple[Fraction, int]] = {}
    for account, event in triggered.items():
        (position,), chosen = event["positions"], decided[account] or []
        found = [(c["account_id"], Fraction(c["quantity"]), c["rank"]) for c in position["counterparties"]]
        assert found == chosen
        quantity = abs(right.figures(account)[3])
        assert Fraction(position["unfilled_quantity"]) == quantity - sum(part for _, part, _ in chosen)
        assert abs(Fraction(position["price"]) - right.bankruptcy_price(account)) < Fraction(1, 10**20)
        assert Fraction(event["shortfall"]) == right.shortfall(account)
        assert event["queue_covers_prices"] is True
        expected |= {(name, account): (part, rank) for name, part, rank in chosen}
    selected = [event for event in events if event["event_type"] == "adl_selected"]
    assert len(selected) == len(expected)
    for event in selected:
        key = (event["account_id"], event["serves"]["account_id"])
        assert (Fraction(event["quantity"]), event["rank"]) == expected[key]
        assert event["serves"]["event_id"] == triggered[key[1]]["event_id"]
        assert abs(Fraction(event["score"]) - right.score(key[0])) < Fraction(1, 10**20)
    order = [(event["account_id"], event["event_type"]) for event in events]
    # whoever is deleveraged against has been told to be bankrupt before, and watched before that
    for account in triggered:
        steps = [order.index((account, step)) for step in ("adl_watch", "bankrupt", "adl_triggered")]
        assert steps == sorted(steps)
    watched = {event["account_id"] for event in events if event["event_type"] == "adl_watch"}
    assert watched == set(LONGS)


def compare_plans(events: list[dict[str, Any]], right: Derivation) -> None:
    """Hold every plan against what is derived at the price of its event."""
    planned = [event for event in events if event.get("plan")]
    assert {event["account_id"] for event in planned} == set(LONGS)
    for event in planned:
        mark = Fraction(MARKS[event["price_time_ms"] - 1])
        quantity, restores = right.reduction(event["account_id"], mark)
        (reduction,) = event["plan"]["reductions"]
        assert event["plan"]["restores"] is restores
        assert abs(Fraction(reduction["quantity"]) - quantity) < Fraction(1, 10**20)
    assert {event["plan"]["restores"] for event in planned} == {True, False}


async def crash(topics: Topics, daemons: list[Program]) -> list[dict[str, Any]]:
    """Let the crash happen, derive all of it again, and return all events."""
    for daemon in daemons:
        await daemon.ready()
    await feed(topics)
    events = await told(topics, 3)
    claims = [body for body in await topics.bodies("liqmon-fund") if body["kind"] == "claim"]
    accounts, prices = await topics.bodies("account-events"), await topics.bodies("mark-prices", 1)
    right = Derivation(accounts, prices, await topics.bodies("insurance-funds", 1))
    compare(events, claims, right)
    events += await topics.bodies("liquidations")
    compare_plans(events, right)
    return events


@pytest.mark.kafka
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("instances", "shards"), [(1, 3), (2, 6)])
async def test_a_crash_is_derived_again_from_the_topics(
    request: pytest.FixtureRequest, tmp_path: Path, instances: int, shards: int
) -> None:
    """A fall bankrupts four longs against a fund for one: plans, watch, claims, ADL and who is selected, all derived.

    The ranking is the same with one instance and three shards as with two and six: it is that of the script.
    """
    broker = await asyncio.to_thread(shared_broker, request)
    topics = Topics(broker.bootstrap_servers, f"crash{shards}.", shards)
    daemons: list[Program] = []
    try:
        for number in range(instances):
            port = free_port()
            sections = without_ageing(topics.bootstrap_servers, topics.prefix, shards, port)
            sections |= {"adl": {"refresh_ms": 1000}, "liquidation": {"rule": "large_order"}}
            config = write_config(tmp_path / f"monitor-{number}.toml", sections)
            if not number:
                await make_topics(config)
            daemons.append(Program("run", config=config, health_port=port))
            daemons[-1].start()
        events = await crash(topics, daemons)
        assert [await asyncio.to_thread(daemon.end) for daemon in daemons] == [0] * instances
    finally:
        for daemon in daemons:
            daemon.close()
        await topics.log.close()
    assert len({event["event_id"] for event in events}) == len(events)
    lines = tmp_path / "events.jsonl"
    lines.write_text("\n".join(json.dumps(event) for event in events))
    verified = await asyncio.to_thread(liqmon, "verify", str(lines))
    assert verified.returncode == 0, verified.stdout + verified.stderr
