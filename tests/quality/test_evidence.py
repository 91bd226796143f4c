"""What evidence says of prices: the same by both ways of telling, and provable; and the market that is rebuilt."""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from monitor.adapters.wire.document import Base, decode_document
from monitor.app.feed import market_inputs
from monitor.app.topics import TopicNames
from monitor.config import load
from monitor.core.board import MarketBoard
from monitor.core.document import Document
from monitor.core.explain import explanation
from monitor.core.freshness import FreshnessSettings
from monitor.core.herald.herald import Herald
from monitor.core.inputs import Clock, Origin, Prices
from monitor.core.limits import Limits
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.settings import QualitySettings
from monitor.core.verify import first_difference
from tests.app.lab import virtual
from tests.quality.histories import drawn, stated
from tests.quality.incidents import xpl
from tests.quality.theatre import play
from tests.storm.market import Market
from tests.storm.shard import MOVES, NOW_MS, Shard


class GatedShard(Shard):
    """Drive an engine whose prices have been judged: half of the symbols would have to wait for their larger moves."""

    def __init__(self, *, quick: bool) -> None:
        super().__init__({}, quick=quick)
        settings = QualitySettings(jump_ceiling=load(None, environment={}).quality.jump_floor, delay_ms=10_000)
        self._gate = PartitionGate(settings)

    def prices(self, market: Market, turn: int, move: float) -> Prices:
        """Return a judged message; odd symbols move half as far."""
        prices = super().prices(market, turn, move)
        calm = super().prices(market, turn, 0).updates
        pairs = enumerate(zip(prices.updates, calm, strict=True))
        updates = tuple(moved if number % 2 else usual for number, (moved, usual) in pairs)
        qualities, _ = self._gate.judge(updates, prices.origin, NOW_MS + turn * 2_000)
        return replace(prices, updates=updates, timestamp_ms=NOW_MS + turn * 2_000, qualities=qualities)


def told_by(shard: Shard) -> list[list[tuple[Any, ...]]]:
    """Return all that a shard tells while its prices move."""
    market = Market(0)
    shard.open(market, 0)
    return [
        shard.apply(item)
        for turn, move in enumerate(MOVES, 2)
        for item in (shard.prices(market, turn, move), Clock(NOW_MS + turn * 2_000))
    ]


def read(event: dict[str, Any]) -> Document | None:
    """Return the document of an event's evidence."""
    document = event.get("evidence", {}).get("document")
    if document is None:
        return None
    return decode_document(json.dumps(document).encode(), Limits(), Base(of_evidence=True))


def test_both_ways_of_telling_state_the_same_of_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code writes byte for byte what the teller writes, verdicts on prices included."""
    monkeypatch.setattr(Herald, "is_worth_it", lambda self, scopes: self._store.uses_numba and len(scopes) > 0)
    quick, plain = told_by(GatedShard(quick=True)), told_by(GatedShard(quick=False))
    assert quick == plain
    bodies = [json.loads(event[3]) for turn in quick for account in turn for event in account[1]]
    named: Counter[str] = Counter()
    for body in bodies:
        for origin in body.get("evidence", {}).get("price_origins", {}).values():
            named.update(origin.keys())
        assert first_difference(body, read(body)) is None
    assert named["quality"] > 20 < named["quarantined"], named


def test_a_market_rebuilt_is_the_market_it_was() -> None:
    """Prices that count, those in quarantine and all verdicts come back from the inputs that stand for a market."""
    for seed in range(4):
        rng = Random(seed)
        gate, board = PartitionGate(QualitySettings()), MarketBoard(FreshnessSettings())
        seen = 0
        for offset, said in enumerate(drawn(rng, minutes=10, symbols=4, troubles=20)):
            update = stated(said)
            qualities, _ = gate.judge((update,), Origin("mark-prices", 0, offset), said.log_ms)
            board.take_all((update,), 0, offset, said.log_ms, qualities)
            if board.quarantine.doubted and offset % 7 == 0:
                seen += 1
                again = MarketBoard(FreshnessSettings())
                for item in market_inputs(board, TopicNames()):
                    assert isinstance(item, Prices)
                    again.take_all(item.updates, *item.origin[1:], item.timestamp_ms, item.qualities)
                assert vars(again.quarantine) == vars(board.quarantine)
                assert again.quotes == board.quotes
        assert seen


@virtual
async def test_a_forged_verdict_is_noticed() -> None:
    """Whoever changes a reason, a figure or a limit of a stated verdict is told which term does not follow."""
    told = await play(xpl())
    tried: set[str] = set()
    for event in [event for event in told.events if "evidence" in event]:
        document = read(event)
        assert any(line.startswith("  the price of XPLUSDT is ") for line in explanation(event, document))
        for path, value in FORGED.items():
            forged = copy.deepcopy(event)
            places = forged["evidence"]["price_origins"]["XPLUSDT"]
            name, *inner = path.split(".")
            if name not in places or path in tried:
                continue
            tried.add(path)
            body = places[name]
            for step in inner[:-1]:
                body = body[step]
            body[inner[-1]] = value
            difference = first_difference(forged, document)
            assert difference is not None
            assert difference.term.startswith("evidence.price_origins.XPLUSDT"), path
    assert tried == set(FORGED)


FORGED = {
    "quality.reasons": ["stuck"],
    "quality.verdict": "bad",
    "quality.believed": False,
    "quality.observed.mark_price": "1.7",
    "quarantined.quality.reasons": [],
    "quarantined.quality.believed": True,
    "quarantined.quality.observed.index_price": "1.57",
    "quarantined.quality.limits.refuse": [],
    "quarantined.mark_price": "1.5",
}
