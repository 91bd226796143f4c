"""Accounts built exactly on every line of the ladder, and a hair beside it, through the whole engine."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import pytest

from monitor.core.accounts import AccountEvent, MarginMode, MarginType, PositionChange, Side
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, InstrumentTerms, Origin, Prices
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, MarginTier
from monitor.core.ladder import RUNGS, Ladder, MarginStatus
from monitor.core.prices import PriceUpdate
from monitor.core.verdict import Ladders

D = Decimal
HAIR = D("1e-24")
AWAY, HERE = D(160), D(100)
"""The mark the account is made at, and the one it is judged at."""
STRICT, INCLUSIVE = Ladder.build(), Ladder.build(inclusive=True)
BUILT = {"strict": STRICT, "inclusive": INCLUSIVE}


class Book(NamedTuple):
    """A kind of scope: with its mark at `HERE` its requirement is `requirement`, and its equity wallet + `profit`."""

    scope: str
    inverse: bool = False
    basis: MaintenanceBasis = MaintenanceBasis.MARK
    mode: MarginMode = MarginMode.SINGLE_ASSET
    requirement: Decimal = D(33)
    profit: Decimal = D(132)
    entry: Decimal = D(80)


# 6.6 contracts at 5 %: 660 · 0.05 = 33 at the mark; the profit is 6.6 · (100 − 80).
# 660 contracts of 100 quote units: 66000/100 · 0.05 = 33 coins; the profit is 66000 · (1/80 − 1/100) = 165.
BOOKS = {
    "linear": Book("cross:USDT"),
    "inverse": Book("cross:COIN", inverse=True, profit=D(165)),
    "multi asset": Book("cross:USD", mode=MarginMode.MULTI_ASSET),
    "isolated": Book("isolated:S:both"),
    "isolated inverse": Book("isolated:S:both", inverse=True, profit=D(165)),
    "at entry": Book("cross:USDT", basis=MaintenanceBasis.ENTRY, requirement=D("26.4")),
    "isolated at entry": Book("isolated:S:both", basis=MaintenanceBasis.ENTRY, requirement=D("26.4")),
}


class Life:
    """An engine with one account of one kind."""

    def __init__(self, book: Book, ladder: Ladder, *, use_numba: bool, index: str = "1") -> None:
        board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ())
        self.engine = MarginEngine(EngineSettings(Ladders.same(ladder)), board, use_numba=use_numba)
        self.book = book
        self._offset = 0
        terms = Instrument(
            "S",
            Contract.INVERSE if book.inverse else Contract.LINEAR,
            "COIN" if book.inverse else "USDT",
            (MarginTier(D(0), D("0.05"), D(0)),),
            D(100) if book.inverse else D(1),
            D(0),
            D(0),
            maintenance_basis=book.basis,
        )
        self.engine.apply([InstrumentTerms("S", terms, self._origin())], 1)
        asset = Asset("USDT" if not book.inverse else "COIN", D(index))
        self.engine.apply([AssetTerms(asset.asset, asset, self._origin(), 1)], 1)

    def _origin(self) -> Origin:
        self._offset += 1
        return Origin("topic", 0, self._offset)

    def mark(self, price: Decimal) -> MarginStatus:
        """Tick, and return the status told."""
        self._offset += 1
        update = PriceUpdate("S", price, None, None, None, self._offset)
        self.engine.apply([Prices((update,), self._origin(), 1)], 1)
        return self.told()

    def wallet(self, equity: Decimal, *, quantity: Decimal | None = None) -> MarginStatus:
        """Make the equity what is asked for when the mark is `HERE`, and return the status told."""
        size = quantity if quantity is not None else D(660) if self.book.inverse else D("6.6")
        wallet = less(equity, self.book.profit if size else D(0))
        isolated = self.book.scope.startswith("isolated")
        place = (MarginType.ISOLATED, wallet) if isolated else (MarginType.CROSS,)
        self._offset += 1
        event = AccountEvent(
            "a",
            self._offset,
            1,
            snapshot=True,
            margin_mode=self.book.mode,
            balances={} if isolated else {"COIN" if self.book.inverse else "USDT": wallet},
            positions=(PositionChange("S", Side.BOTH, size, self.book.entry, *place),),
        )
        self.engine.apply([AccountMessage(event, self._origin())], 1)
        return self.told()

    def told(self) -> MarginStatus:
        """Return the status the world has been told."""
        line = self.engine.teller.memory.get("a", {}).get(self.book.scope)
        return MarginStatus.HEALTHY if line is None else line.status


@exactly
def less(one: Decimal, other: Decimal) -> Decimal:
    """Return a difference, exactly."""
    return one - other


@exactly
def on_line(requirement: Decimal, k: Fraction, hair: int) -> Decimal:
    """Return k·MM, moved by so many hairs: it ends in decimals for every line of the default ladder."""
    line = requirement * k.numerator / k.denominator
    assert Fraction(line) == Fraction(requirement) * k
    return line + hair * HAIR


def milder(status: MarginStatus) -> MarginStatus:
    """Return the status above a rung."""
    return MarginStatus.HEALTHY if status is RUNGS[0] else RUNGS[RUNGS.index(status) - 1]


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def use_numba(request: pytest.FixtureRequest) -> bool:
    """Both kinds of kernels."""
    return bool(request.param)


@pytest.mark.parametrize("hair", [-1, 0, 1])
@pytest.mark.parametrize("status", RUNGS)
@pytest.mark.parametrize("rule", BUILT)
@pytest.mark.parametrize("name", BOOKS)
def test_a_status_begins_at_its_line(name: str, rule: str, status: MarginStatus, hair: int, *, use_numba: bool) -> None:
    """At E = k·MM a status begins only where the ladder is inclusive, a hair below always: by tick and by wallet."""
    book, ladder = BOOKS[name], BUILT[rule]
    k = ladder.threshold(status)
    assert k is not None
    equity = on_line(book.requirement, k, hair)
    expected = status if hair < 0 or (hair == 0 and ladder.inclusive) else milder(status)
    by_tick, by_wallet = (Life(book, ladder, use_numba=use_numba) for _ in range(2))
    by_tick.wallet(equity)
    assert by_tick.mark(AWAY) is MarginStatus.HEALTHY
    assert by_tick.mark(HERE) is expected
    by_wallet.mark(HERE)
    assert by_wallet.wallet(D(1000)) is MarginStatus.HEALTHY
    assert by_wallet.wallet(equity) is expected


@pytest.mark.parametrize("hair", [-1, 0, 1])
@pytest.mark.parametrize("status", RUNGS)
@pytest.mark.parametrize("rule", BUILT)
@pytest.mark.parametrize("name", BOOKS)
def test_a_status_is_left_at_its_widened_line(
    name: str, rule: str, status: MarginStatus, hair: int, *, use_numba: bool
) -> None:
    """Upwards a status is left at E = k·(1+h)·MM, with an inclusive ladder only above it; till then it stays."""
    book, ladder = BOOKS[name], BUILT[rule]
    k = ladder.threshold(status)
    assert k is not None
    life = Life(book, ladder, use_numba=use_numba)
    life.mark(HERE)
    assert life.wallet(on_line(book.requirement, k, -1)) is status
    left = hair > 0 or (hair == 0 and not ladder.inclusive)
    expected = milder(status) if left else status
    assert life.wallet(on_line(book.requirement, k, 1)) is status
    assert life.wallet(on_line(book.requirement, k * (1 + ladder.hysteresis), hair)) is expected


@pytest.mark.parametrize("hair", [-1, 0, 1])
@pytest.mark.parametrize("rule", BUILT)
@pytest.mark.parametrize("name", BOOKS)
def test_bankrupt_at_nothing(name: str, rule: str, hair: int, *, use_numba: bool) -> None:
    """With a requirement E = 0 is bankrupt and one hair more is not, coming and going alike: there is no band."""
    life = Life(BOOKS[name], BUILT[rule], use_numba=use_numba)
    expected = MarginStatus.BANKRUPT if hair <= 0 else MarginStatus.TAKEOVER
    life.wallet(hair * HAIR)
    assert life.mark(AWAY) is MarginStatus.HEALTHY
    assert life.mark(HERE) is expected
    assert life.wallet(D(-5)) is MarginStatus.BANKRUPT
    assert life.wallet(hair * HAIR) is expected


@pytest.mark.parametrize("index", ["1", "4", "8"])
@pytest.mark.parametrize("hair", [-1, 0, 1])
@pytest.mark.parametrize("name", ["linear", "inverse", "multi asset"])
def test_a_debt_without_requirement(name: str, hair: int, index: str, *, use_numba: bool) -> None:
    """A debt worth less than the floor in USD is no status, one worth exactly as much is bankrupt."""
    life = Life(BOOKS[name], STRICT, use_numba=use_numba, index=index)
    debt = less(-1 / D(index), hair * HAIR)
    expected = MarginStatus.BANKRUPT if hair >= 0 else MarginStatus.HEALTHY
    assert life.wallet(debt, quantity=D(0)) is expected
    assert life.wallet(D(0), quantity=D(0)) is MarginStatus.HEALTHY


def test_nothing_at_all_is_healthy(*, use_numba: bool) -> None:
    """E = MM = 0 is healthy, whatever the ladder says of equality."""
    assert Life(BOOKS["linear"], INCLUSIVE, use_numba=use_numba).wallet(D(0), quantity=D(0)) is MarginStatus.HEALTHY
