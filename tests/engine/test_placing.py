"""Tests of which way accounts take into the store: work is counted, what they come to is held elsewhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.core.accounts import ABSENT, AccountEvent, PositionChange, Side
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, InstrumentTerms, Origin, Prices
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import Ladder
from monitor.core.placement import Placement
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders
from tests.core.building import instrument

NOW_MS = 1_700_000_000_000
SYMBOLS = [f"S{number:02}USDT" for number in range(40)]
LATE = SYMBOLS[-1:]


def message(symbol: str, version: int) -> AccountMessage:
    """Return the account that holds one contract: all of it at first, then another quantity."""
    change = PositionChange(
        symbol, Side.BOTH, Decimal(version), Decimal(100) if version == 1 else ABSENT, ABSENT, ABSENT, ABSENT
    )
    snapshot, balances = version == 1, {"USDT": Decimal(10**6)}
    event = AccountEvent(
        symbol, version, NOW_MS, 0, snapshot, False, None, None, balances, (change,), None, None, None
    )  # fmt: skip
    return AccountMessage(event, Origin("a", 0, version))


@pytest.mark.skipif(not HAS_NUMBA, reason="without compiled kernels all accounts go the long way")
def test_symbols_that_come_late_are_soon_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts that hold a contract nobody held before go the long way a few times, not for ever."""
    long_way: list[int] = []
    place = Placement.place

    def counted(placement: Placement, accounts: Any) -> None:
        long_way.extend(number for number, _ in accounts)
        place(placement, accounts)

    engine = MarginEngine(EngineSettings(Ladders.same(Ladder.build())), MarketBoard(FreshnessSettings(), ("USD",)))
    terms = [InstrumentTerms(symbol, instrument(symbol), Origin("i", 0, 0)) for symbol in SYMBOLS]
    marks = tuple(PriceUpdate(symbol, Decimal(100), None, None, None, NOW_MS) for symbol in SYMBOLS)
    engine.apply([*terms, Prices(marks, Origin("p", 0, 0), NOW_MS)], NOW_MS)
    early = [symbol for symbol in SYMBOLS if symbol not in LATE]
    engine.apply([message(symbol, 1) for symbol in early], NOW_MS)
    engine.apply([message(symbol, 2) for symbol in early], NOW_MS)
    engine.apply([message(symbol, 1) for symbol in LATE], NOW_MS)
    monkeypatch.setattr(Placement, "place", counted)
    for version in range(2, 12):
        engine.apply([message(symbol, version) for symbol in LATE], NOW_MS)
    assert 0 < len(long_way) < 5
    del long_way[:]
    engine.apply([message(symbol, 12) for symbol in SYMBOLS], NOW_MS)
    assert not long_way
