"""Tests of the herald: what compiled code tells of plain scopes is byte for byte what the teller tells of them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from monitor.app.second_thread import SecondThread
from monitor.core import teller
from monitor.core.fund.shortfall import Share
from monitor.core.herald import batch
from monitor.core.herald.batch import Batch, Pieces
from monitor.core.herald.herald import Herald
from monitor.core.herald.shortfalls import Shortfalls
from monitor.core.inputs import Clock
from monitor.core.ladder import MarginStatus
from monitor.core.storm.telling import ROOM_OF_SCOPE, V_STATUS
from monitor.core.storm.wording import P_PLAN
from tests.storm.market import Market
from tests.storm.shard import MOVES, NOW_MS, Shard

VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "inclusive": {"ladder.inclusive": True, "ladder.hysteresis": "0.02", "ladder.isolated.liquidation": "0.95"},
    "odd lines": {"ladder.liquidation": "20/21", "ladder.margin_call": None, "liquidation.fund_share": "0.3"},
    "by bracket": {"liquidation.rule": "by_bracket"},
    "on the index": {"funding.basis": "index", "liquidation.cancel_orders": False, "liquidation.target": "1.05"},
    "desk": {"adl.population": "desk"},
}


def play(shard: Shard, seed: int) -> list[list[tuple[Any, ...]]]:
    """Take a market and accounts in, and let the prices move; return all that was told."""
    market, told = Market(seed), []
    shard.open(market, seed)
    for turn, move in enumerate(MOVES, 2):
        told.append(shard.apply(shard.prices(market, turn, move)))
        told.append(shard.apply(Clock(NOW_MS + turn * 2_000)))
    return told


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have every scope put to the compiled code where an engine may use it, and count the answers."""
    counted: Counter[str] = Counter()
    answered = Batch._answered

    def counting(self: Batch, *asked: Any) -> list[Pieces | None]:
        answers = answered(self, *asked)
        counted["all"] += len(answers)
        counted["plain"] += len([one for one in answers if one is not None])
        return answers

    shares = Shortfalls.shares

    def sharing(self: Shortfalls, pieces: Pieces, *, is_cross: bool) -> list[Share] | None:
        found = shares(self, pieces, is_cross=is_cross)
        counted["converted" if found is None else "claims" if any(one.figure for one in found) else "orphans"] += 1
        return found

    monkeypatch.setattr(Batch, "_answered", counting)
    monkeypatch.setattr(Shortfalls, "shares", sharing)
    monkeypatch.setattr(Herald, "is_worth_it", lambda self, scopes: self._store.uses_numba and len(scopes) > 0)
    return counted


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(2))
def test_both_ways_write_the_same_bytes(variant: str, seed: int, asked: Counter[str]) -> None:
    """Of every message the same is told, shown, claimed and remembered, in the same order, and most of it quickly."""
    quick = play(Shard(VARIANTS[variant], quick=True), seed)
    assert asked["plain"] > 20
    assert asked["plain"] < asked["all"], "some scopes of these books are not plain"
    if variant != "by bracket":  # whose plans, and so whose bankruptcies, are not told by compiled code
        assert asked["claims" if seed else "orphans"] > 2
    before = asked["all"]
    plain = play(Shard(VARIANTS[variant], quick=False), seed)
    assert asked["all"] == before
    assert sum(len(events) for step in plain for _, events, *_ in step) > 40
    for mine, theirs in zip(quick, plain, strict=True):
        assert mine == theirs


def test_batches_looked_at_ahead_in_another_thread_write_the_same_bytes(
    asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one batch is told the next is looked at in a thread of its own; nothing comes out otherwise for it."""
    at_once = play(Shard({}, quick=True), 1)
    monkeypatch.setattr(teller, "AT_ONCE", 7)
    threads: set[str] = set()
    tell = batch.tell_scopes

    def telling(*asked: Any) -> int:
        threads.add(threading.current_thread().name)
        return tell(*asked)

    monkeypatch.setattr(batch, "tell_scopes", telling)
    with SecondThread("beside") as second:
        assert play(Shard({}, quick=True, begin=second.begin), 1) == at_once
    assert {name.partition("_")[0] for name in threads} == {"MainThread", "beside"}


def test_a_piece_that_was_not_written_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope in no liquidation has no words of a plan, and none of what was written of the scopes before it."""
    found: list[Pieces] = []
    answered = Batch._answered

    def keeping(self: Batch, *asked: Any) -> list[Pieces | None]:
        answers = answered(self, *asked)
        found.extend(one for one in answers if one is not None and one.words)
        return answers

    monkeypatch.setattr(Batch, "_answered", keeping)
    monkeypatch.setattr(Herald, "is_worth_it", lambda self, scopes: self._store.uses_numba and len(scopes) > 0)
    play(Shard({}, quick=True), 1)
    milder = [one for one in found if one.verdict[V_STATUS] < MarginStatus.LIQUIDATION.rank]
    assert len(milder) > 20
    assert {word for one in milder for word in one.words[P_PLAN:]} == {b""}
    assert max(sum(map(len, one.words)) for one in found) < ROOM_OF_SCOPE
