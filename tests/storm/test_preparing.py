"""Tests of what is prepared in quiet moments: a storm finds the terms of its contracts worded."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.core.herald import herald, tables
from monitor.core.inputs import Clock, InstrumentTerms
from tests.storm.market import Market
from tests.storm.shard import NOW_MS, Shard

AT_ONCE = 4


def test_terms_are_worded_a_few_at_a_time_before_a_storm_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn of the clock words a few new terms; a storm words none, and new terms of one contract cost one."""
    worded: list[str] = []
    real = tables._numbers_of

    def counting(terms: Any) -> Any:
        worded.append(terms.symbol)
        return real(terms)

    monkeypatch.setattr(tables, "_numbers_of", counting)
    monkeypatch.setattr(herald, "PREPARED_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(herald, "WORTH_IT", 10**6)  # nothing is told yet that would need them
    shard, market = Shard({}, quick=True), Market(1)
    shard.open(market, 1)
    for turn in range(1, 6):
        before = len(worded)
        shard.apply(Clock(NOW_MS + turn * 200))
        assert len(worded) - before <= AT_ONCE
    assert sorted(worded) == sorted(market.symbols)
    monkeypatch.setattr(herald, "WORTH_IT", 1)
    assert shard.apply(shard.prices(market, 2, -0.3))
    assert len(worded) == len(market.symbols)
    symbol = market.symbols[3]
    terms = shard.codec.instrument(market.instrument(symbol), symbol.encode()).instrument
    shard.apply(InstrumentTerms(symbol, terms, shard.origin()), Clock(NOW_MS + 2_000))
    shard.apply(shard.prices(market, 3, 0.1))
    assert worded[len(market.symbols) :] == [symbol]
