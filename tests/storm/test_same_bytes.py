"""Tests of the herald: what compiled code tells of plain scopes is byte for byte what the teller tells of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from monitor.cli.assembly import codec_of, new_engine
from monitor.config import load
from monitor.core.accounts import AccountEvent
from monitor.core.adl.queue import AdlQueue
from monitor.core.engine import MarginEngine
from monitor.core.herald.batch import Batch, Pieces, Question
from monitor.core.inputs import AccountMessage, AssetTerms, Clock, InstrumentTerms, Origin, Prices
from monitor.core.ladder import MarginStatus
from monitor.core.outcome import Outcome
from monitor.core.storm.telling import ROOM_OF_SCOPE, V_STATUS
from monitor.core.storm.wording import P_PLAN
from monitor.core.teller import Teller
from tests.storm.market import Market

NOW_MS = 1_700_000_000_000
VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "inclusive": {"ladder.inclusive": True, "ladder.hysteresis": "0.02", "ladder.isolated.liquidation": "0.95"},
    "odd lines": {"ladder.liquidation": "20/21", "ladder.margin_call": None, "liquidation.fund_share": "0.3"},
    "by bracket": {"liquidation.rule": "by_bracket"},
    "on the index": {"funding.basis": "index", "liquidation.cancel_orders": False, "liquidation.target": "1.05"},
    "desk": {"adl.population": "desk"},
}


class Shard:
    """Drive one engine; `quick`: every scope is put to the compiled code first."""

    def __init__(self, overrides: dict[str, Any], *, quick: bool) -> None:
        settings = load(None, environment={}, overrides=overrides)
        self.codec = codec_of(settings)
        self.engine: MarginEngine = new_engine(settings)
        self.engine.adl.join(AdlQueue(), 0)
        self.engine.store.uses_numba = quick
        self._offset = 0

    def apply(self, *inputs: Any) -> list[tuple[Any, ...]]:
        """Apply inputs; return all that comes of it, encoded."""
        return self._encoded(self.engine.apply(inputs, NOW_MS))

    def origin(self) -> Origin:
        """Return a new place in the log."""
        self._offset += 1
        return Origin("t", 0, self._offset)

    def _encoded(self, outcome: Outcome) -> list[tuple[Any, ...]]:
        encode = self.codec.encode
        return [
            (
                one.account_id,
                [(event.channel, event.severity, event.body["event_type"], encode(event.body)) for event in one.events],
                [(scope, None if body is None else encode(body)) for scope, body in one.statuses.items()],
                one.memory,
                one.claims,
                [(request.key, encode(request.body)) for request in one.requests],
            )
            for one in outcome.accounts.values()
        ]


def play(shard: Shard, seed: int) -> list[list[tuple[Any, ...]]]:
    """Take a market and accounts in, and let the prices move; return all that was told."""
    market, told = Market(seed), []
    codec, numbers = shard.codec, {}
    for symbol in market.symbols:
        terms = codec.instrument(market.instrument(symbol), symbol.encode()).instrument
        shard.apply(InstrumentTerms(symbol, terms, shard.origin()))
    for name in ("USDT", "BTC", "S1")[: 1 + seed % 3]:
        terms = codec.asset(market.asset(name), name.encode()).asset
        shard.apply(AssetTerms(name, terms, shard.origin(), NOW_MS))
    shard.apply(Prices(codec.prices(market.prices(1, 0)).prices, shard.origin(), NOW_MS))
    for account_id, value in market.accounts(60):
        event: AccountEvent = codec.account_event(value, account_id.encode())
        numbers[account_id] = shard.apply(AccountMessage(event, shard.origin()))
    for turn, move in enumerate((-0.02, -0.04, 0.03, -0.1, 0.02, 0.15, -0.3), 2):
        prices = codec.prices(market.prices(10 * turn, move)).prices
        told.append(shard.apply(Prices(prices, shard.origin(), NOW_MS)))
        told.append(shard.apply(Clock(NOW_MS + turn * 2_000)))
    return told


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have every scope put to the compiled code where an engine may use it, and count the answers."""
    counted: Counter[str] = Counter()
    ask = Batch.ask

    def counting(self: Batch, questions: list[Question]) -> list[Pieces | None]:
        answers = ask(self, questions)
        counted["all"] += len(answers)
        counted["plain"] += len([one for one in answers if one is not None])
        return answers

    monkeypatch.setattr(Batch, "ask", counting)
    monkeypatch.setattr(Teller, "_is_worth_it", lambda self, scopes: self._store.uses_numba and len(scopes) > 0)
    return counted


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(2))
def test_both_ways_write_the_same_bytes(variant: str, seed: int, asked: Counter[str]) -> None:
    """Of every message the same is told, shown, claimed and remembered, in the same order, and most of it quickly."""
    quick = play(Shard(VARIANTS[variant], quick=True), seed)
    assert asked["plain"] > 20
    assert asked["plain"] < asked["all"], "some scopes of these books are not plain"
    before = asked["all"]
    plain = play(Shard(VARIANTS[variant], quick=False), seed)
    assert asked["all"] == before
    assert sum(len(events) for step in plain for _, events, *_ in step) > 40
    for mine, theirs in zip(quick, plain, strict=True):
        assert mine == theirs


def test_a_piece_that_was_not_written_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope in no liquidation has no words of a plan, and none of what was written of the scopes before it."""
    found: list[Pieces] = []
    ask = Batch.ask

    def keeping(self: Batch, questions: list[Question]) -> list[Pieces | None]:
        answers = ask(self, questions)
        found.extend(one for one in answers if one is not None and one.words)
        return answers

    monkeypatch.setattr(Batch, "ask", keeping)
    monkeypatch.setattr(Teller, "_is_worth_it", lambda self, scopes: self._store.uses_numba and len(scopes) > 0)
    play(Shard({}, quick=True), 1)
    milder = [one for one in found if one.verdict[V_STATUS] < MarginStatus.LIQUIDATION.rank]
    assert len(milder) > 20
    assert {word for one in milder for word in one.words[P_PLAN:]} == {b""}
    assert max(sum(map(len, one.words)) for one in found) < ROOM_OF_SCOPE
