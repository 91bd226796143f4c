"""Scopes built exactly on every line, and a hair beside it: the screen must leave all of them to exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import cast

import pytest

from monitor.core.amounts import decimal_of
from monitor.core.instruments import Asset, Contract, Instrument, chain_deductions
from monitor.core.ladder import BY_RANK, Ladder
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from monitor.core.store import CellFacts, MarginStore, PartFacts, ScopeFacts
from tests.store import portfolio_books, twin

D = Decimal
KINDS = ("linear", "inverse", "multi_asset", "scenario", "span", "tims")
METHODS: dict[str, Terms] = {
    "scenario": ScenarioTerms(
        (Group("A", ("L", "I"), (), D("0.16")), Group("B", ("M",), (), D("0.5"), D("-0.5"), D(1000))),
        liquidity_exponent=D(1),
        spike_multiple=D(4),
    ),
    "span": SpanTerms(
        (Group("A", ("L", "I"), ("BTC",), D("0.16")), Group("B", ("M",), (), D("0.25"))),
        credits=(Credit(("A", "B"), D("0.6"), (D(1), D("0.5"))),),
    ),
    "tims": TimsTerms(
        (Group("A", ("L", "I"), (), D("0.15"), D("-0.1")), Group("B", ("M",), (), D("0.2"), D("-0.2"))),
        (Bundle("all", ("B", "A"), D("0.5")),),
        basis_rate=D("0.002"),
    ),
}
STRICT, INCLUSIVE = Ladder.build(), Ladder.build(inclusive=True)
HAIRS = (Fraction(0), Fraction(1, 10**24), Fraction(-1, 10**24), Fraction(1, 10**5), Fraction(-1, 10**5))
TOLD = range(8)


@dataclass(frozen=True)
class Case:
    """Hold one scope with its exact figures and the line it was built on."""

    scope: ScopeFacts
    line: Fraction | None
    hair: Fraction


def world(ladder: Ladder, kind: str = "") -> twin.World:
    """Return a market in which all exact figures end in decimals, so that wallets can be on a line."""
    found = twin.World([ladder], portfolio=METHODS.get(kind))
    brackets = chain_deductions([(D(0), D("0.0033"), None, None), (D(33), D("0.0066"), None, None)])
    for symbol, contract, asset, size in (
        ("L", Contract.LINEAR, "USDT", D("0.1")),
        ("M", Contract.LINEAR, "USDT", D(1)),
        ("I", Contract.INVERSE, "BTC", D(100)),
        ("J", Contract.INVERSE, "BTC", D(10)),
    ):
        found.instruments[symbol] = Instrument(symbol, contract, asset, brackets, size, D(0), D(0))
    found.marks.update({"L": D("61234.56"), "M": D("0.07"), "I": D(64000), "J": D("12.5")})
    found.assets["USDT"] = Asset("USDT", D("0.8"), bid_buffer=D("0.2"), ask_buffer=D("0.25"))
    found.assets["BTC"] = Asset("BTC", D("61234.5"), collateral_ratio=D("0.9"))
    return found


def book(kind: str) -> dict[str, tuple[CellFacts, ...]]:
    """Return the positions of a scope by asset."""
    linear = (CellFacts("L", D(1), D("0.7"), D("60000.1")), CellFacts("M", D(4), D("-1100.3"), D("0.0701")))
    inverse = (CellFacts("I", D(1), D(-7), D(62500)), CellFacts("J", D(1), D("3.3"), D(8)))
    return {"linear": {"USDT": linear}, "inverse": {"BTC": inverse}}.get(kind, {"BTC": inverse, "USDT": linear})


def scope(kind: str, wallets: dict[str, Decimal], positions: dict[str, tuple[CellFacts, ...]]) -> ScopeFacts:
    """Return a scope with wallets."""
    parts = tuple(PartFacts(asset, wallets.get(asset, D(0)), cells) for asset, cells in positions.items())
    in_usd = kind not in ("linear", "inverse")
    return ScopeFacts("s", 0, in_usd=in_usd, blocked=False, parts=parts, portfolio=kind in METHODS)


def lines(ladder: Ladder) -> list[Fraction]:
    """Return every line of a ladder, widened and not, and 0."""
    widened = 1 + ladder.hysteresis
    return [Fraction(0)] + [k * factor for _, k in ladder.thresholds for factor in (Fraction(1), widened)]


def cases(kind: str, market: twin.World) -> Iterator[Case]:
    """Yield scopes whose equity is line·requirement + hair, where a wallet can make it so."""
    positions = book(kind)
    asset = "BTC" if kind == "inverse" else "USDT"
    for line, hair in product(lines(market.ladders[0]), HAIRS):
        bare = twin.figures(scope(kind, {"BTC": D(100)}, positions), market)
        assert bare is not None
        wallets = {} if kind in ("linear", "inverse") else {"BTC": D(100)}
        start = twin.figures(scope(kind, wallets, positions), market)
        assert start is not None
        missing = line * start[1] + hair - start[0]
        if kind not in ("linear", "inverse"):
            missing = _amount_worth(missing, scope(kind, wallets, positions), market)
        if not _ends(missing):
            continue
        built = scope(kind, {**wallets, asset: decimal_of(missing)}, positions)
        figures = twin.figures(built, market)
        assert figures is not None
        assert figures[0] == line * figures[1] + hair
        yield Case(built, line, hair)


def _amount_worth(missing: Fraction, built: ScopeFacts, market: twin.World) -> Fraction:
    """Return the USDT wallet that adds a value in USD to a scope whose USDT amount counts with its haircut."""
    part = next(part for part in built.parts if part.asset == "USDT")
    alone = twin.figures(ScopeFacts("s", 0, in_usd=False, blocked=False, parts=(part,)), market)
    in_usd = twin.figures(ScopeFacts("s", 0, in_usd=True, blocked=False, parts=(part,)), market)
    assert alone is not None
    assert in_usd is not None
    value = in_usd[0] + missing
    terms = market.assets["USDT"]
    index = Fraction(terms.index_price or 1)
    factor = 1 - Fraction(terms.bid_buffer or 0) if value >= 0 else 1 + Fraction(terms.ask_buffer or 0)
    return value / (index * factor) - alone[0]


def _ends(number: Fraction) -> bool:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def store_of(market: twin.World, *, use_numba: bool) -> MarginStore:
    """Return a store that knows a market."""
    store = MarginStore(market.ladders, use_numba=use_numba)
    for symbol, terms in market.instruments.items():
        store.set_instrument(symbol, terms)
        store.set_mark(symbol, market.marks[symbol])
    for name, asset in market.assets.items():
        store.set_asset(name, asset)
    if market.portfolio is not None:
        store.set_portfolio(portfolio_books.portfolio_of(cast("Terms", market.portfolio), market.instruments))
    return store


def check(store: MarginStore, case: Case, market: twin.World) -> tuple[int, int]:
    """Judge a case after every told status; return how many were ties or changes, and how many were found."""
    store.put(0, [case.scope])
    (number,) = store.scopes_of(0)
    wanted = found = 0
    for told in TOLD:
        store.set_state(number, told)
        new = twin.told(case.scope, told, market)
        is_candidate = number in store.judge_all()
        assert is_candidate == (number in store.judge_accounts([0]))
        if new != told:
            wanted += 1
            found += is_candidate
    return wanted, found


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("ladder", [STRICT, INCLUSIVE], ids=["strict", "inclusive"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_tie_is_missed(kind: str, ladder: Ladder, use_numba: bool) -> None:
    """Everybody whose exact status differs from the told one is a candidate, on each line and a hair beside it."""
    market = world(ladder, kind)
    store = store_of(market, use_numba=use_numba)
    total = 0
    for case in cases(kind, market):
        wanted, found = check(store, case, market)
        assert found == wanted, case
        total += wanted
    assert total > 100


@pytest.mark.parametrize("kind", KINDS)
def test_who_stands_on_its_own_line_is_left_to_exact_arithmetic(kind: str) -> None:
    """A scope exactly on the line that would change it is a candidate whatever side the rule puts it on."""
    market = world(STRICT, kind)
    store = store_of(market, use_numba=True)
    seen = 0
    for case in cases(kind, market):
        if case.hair > Fraction(1, 10**20) or case.hair < -Fraction(1, 10**20):
            continue
        store.put(0, [case.scope])
        (number,) = store.scopes_of(0)
        for told in TOLD:
            if case.line not in _lines_of(told, STRICT):
                continue
            store.set_state(number, told)
            assert number in store.judge_all()
            seen += 1
    assert seen > 30


def _lines_of(told: int, ladder: Ladder) -> set[Fraction]:
    worse = [k for status, k in ladder.thresholds if status.rank > told]
    own = [k * (1 + ladder.hysteresis) for status, k in ladder.thresholds if status.rank == told]
    return {max(worse, default=Fraction(0)), *own} if told < 7 else {Fraction(0)}


@pytest.mark.parametrize("floor", [Fraction(1), Fraction(0), Fraction(7, 3)], ids=str)
@pytest.mark.parametrize("in_usd", [False, True], ids=["asset", "usd"])
def test_debts_are_measured_with_the_floor(floor: Fraction, in_usd: bool) -> None:
    """A wallet without positions is bankrupt from the debt floor on, and dust is no candidate."""
    market = twin.World([Ladder.build(debt_floor=floor)])
    market.assets["BTC"] = Asset("BTC", D("61234.5"))
    store = store_of(market, use_numba=True)
    edge = floor / Fraction("61234.5")
    amounts = [Fraction(0), -edge, edge, Fraction(1), Fraction(-1), -edge / 3]
    for amount, hair in product(amounts, (Fraction(0), Fraction(1, 10**30), Fraction(-1, 10**30))):
        part = PartFacts("BTC", decimal_of(amount + hair), ())
        dust = ScopeFacts("s", 0, in_usd=in_usd, blocked=False, parts=(part,))
        wanted, found = check(store, Case(dust, None, hair), market)
        assert found == wanted
        exact = twin.told(dust, 0, market)
        store.set_state(0, exact)
        is_on_the_floor = abs(amount) == edge and amount < 0
        if not is_on_the_floor and (abs(amount + hair) > Fraction(1, 10**29) or not amount + hair):
            assert not len(store.judge_all()), (amount, hair)


def test_a_jump_of_the_requirement_at_a_floor_is_doubted() -> None:
    """Where published deductions jump, a notional on the floor is a candidate if the jump reaches a line."""
    market = world(STRICT)
    jumping = ((D(0), D("0.01"), D(0), None), (D("0.3"), D("0.02"), D(0), None))
    terms = Instrument("L", Contract.LINEAR, "USDT", chain_deductions(jumping), D(1), D(0), D(0))
    market.instruments["L"], market.marks["L"] = terms, D("0.1")
    store = store_of(market, use_numba=True)
    for quantity in (D(3), D("2.9999999999999999999"), D("3.0000000000000000001")):
        part = PartFacts("USDT", D("0.004"), (CellFacts("L", D(1), quantity, D("0.1")),))
        built = ScopeFacts("s", 0, in_usd=False, blocked=False, parts=(part,))
        wanted, found = check(store, Case(built, None, Fraction(0)), market)
        assert wanted
        assert found == wanted
        for told in (twin.told(built, 4, market),):
            store.set_state(0, told)
            assert store.judge_all().tolist() == [0]


def test_every_status_is_told_apart() -> None:
    """The ranks the store speaks are the ladder's."""
    assert [status.rank for status in BY_RANK] == list(range(9))


def test_a_requirement_that_vanishes_leaves_the_debt_floor_to_decide() -> None:
    """A bankrupt scope whose positions come to need nothing is healthy again if its debt is dust."""
    market = twin.World([STRICT])
    free_at_first = chain_deductions([(D(0), D(0), None, None), (D(50), D("0.1"), None, None)])
    market.instruments["L"] = Instrument("L", Contract.LINEAR, "USDT", free_at_first, D(1), D(0), D(0))
    market.assets["USDT"] = Asset("USDT", D(1))
    for mark, wallet in product((D(40), D(50), D(60)), (D("-0.5"), D(-1), D(-2), D("0.5"))):
        market.marks["L"] = mark
        store = store_of(market, use_numba=True)
        part = PartFacts("USDT", wallet, (CellFacts("L", D(1), D(1), mark),))
        wanted, found = check(store, Case(ScopeFacts("s", 0, False, False, (part,)), None, Fraction(0)), market)
        assert wanted
        assert found == wanted


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
def test_no_tie_of_a_token_is_missed(use_numba: bool) -> None:
    """With Hyperliquid's method, value exactly on each line of the binding token's requirement is a candidate."""
    market = world(STRICT)
    market.portfolio = HyperliquidTerms((Token("BTC", borrowable=True, ltv=D("0.5")), Token("USDT", borrowable=True)))
    store = store_of(market, use_numba=use_numba)
    positions = {"USDT": book("linear")["USDT"]}
    worth = Fraction("0.8")
    seen = 0
    for line, hair in product(lines(STRICT), HAIRS):
        bare = ScopeFacts("s", 0, in_usd=False, blocked=False, parts=(PartFacts("USDT", D(0), positions["USDT"]),))
        alone = twin.figures(bare, market)
        assert alone is not None
        wallet = (line * (20 + alone[1] * worth) + hair) / worth - alone[0]
        if not _ends(wallet):
            continue
        part = PartFacts("USDT", decimal_of(wallet), positions["USDT"])
        built = ScopeFacts("s", 0, in_usd=True, blocked=False, parts=(part,), portfolio=True)
        wanted, found = check(store, Case(built, line, hair), market)
        assert found == wanted
        seen += wanted
    assert seen > 100
