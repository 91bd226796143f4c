"""Tests of plain contenders: whatever they say of a scope is what the exact assessment of its account says."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionMode, Settings, Side
from monitor.core.adl.holders import LONG, SHORT, may_be_taken_from
from monitor.core.adl.lines import Lines
from monitor.core.adl.listing import Contender
from monitor.core.adl.plain import NotPlain, PlainContender
from monitor.core.adl.settings import AdlRanking, AdlSettings
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.facts import pack, settings_of, unpack
from monitor.core.freshness import FreshnessSettings
from monitor.core.instruments import MaintenanceBasis
from monitor.core.prices import PriceUpdate
from monitor.core.scopes import scope_names
from tests.adl.books import book, engine
from tests.core.building import BTC_USDT, account, asset, instrument, inverse, position

MARKS = {"X": "120", "Y": "7.5", "W": "60010.5", "Z": "60000", "I": "60100", "E": "33", "D": "9.99", "V": "7.7"}
TERMS = (
    instrument("X", base="X"),
    instrument("Y", brackets=BTC_USDT, size="0.1", base="Y", fee="0.0004"),
    instrument("W", brackets=BTC_USDT, base="BTC"),
    instrument("Z", brackets=BTC_USDT, settle="USDC", base="BTC"),
    inverse("I"),
    instrument("E", brackets=BTC_USDT, basis=MaintenanceBasis.ENTRY, fee="0.01"),
    instrument("D", brackets=(("0", "0.01", "3"), ("500", "0.02", "8"))),
    instrument("V", base="Y"),
    instrument("M", base="X"),
)
"""M has no mark; U, which accounts hold too, no terms."""
HELD = (*(terms.symbol for terms in TERMS), "U")
RANKINGS = st.sampled_from([*AdlRanking, AdlRanking.LEVERAGE_PNL_2019, AdlRanking.LEVERAGE_PNL_2019])
"""Requirements count in one of them alone."""
USUAL = ("X", "Y", "W", "E", "D", "V")


def board() -> MarketBoard:
    """Return a board with the contracts above."""
    made = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0), ("USD",))
    for terms in TERMS:
        made.set_instrument(terms.symbol, terms)
    for terms in (asset("USDT", "0.9997"), asset("BTC", "60050", ratio="0.95")):
        made.set_asset(terms.asset, terms, 0)
    tick(made, MARKS, 1)
    return made


def tick(of: MarketBoard, marks: dict[str, str], at: int) -> None:
    """Move some prices."""
    for name, mark in marks.items():
        of.take(PriceUpdate(name, Decimal(mark), None, None, None, at), 0, at, at)


def amounts(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    """Return amounts between two, in their present form or without zeros at the end."""
    whole = st.integers(low * 10**places, high * 10**places).map(lambda number: Decimal(number).scaleb(-places))
    return st.one_of(whole, whole.map(lambda amount: amount.normalize()))


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Return an account of any mode: settings of its own, legs on both sides, isolated ones, what is not known."""
    hedged = draw(st.booleans())
    symbols = draw(st.sampled_from([USUAL, USUAL, USUAL, HELD]))
    sides = (Side.LONG, Side.SHORT) if hedged else (Side.BOTH,)
    keys = draw(
        st.lists(st.tuples(st.sampled_from(symbols), st.sampled_from(sides)), unique=True, min_size=1, max_size=5)
    )
    raw: dict[str, object] = draw(
        st.sampled_from([{}] * 5 + [{"bracket_multiplier": dict.fromkeys(USUAL, "0.3")}] * 2 + [{"adl_exempt": True}])
    )
    return Account(
        "a1",
        draw(st.sampled_from([MarginMode.SINGLE_ASSET] * 6 + [MarginMode.MULTI_ASSET])),
        PositionMode.HEDGE if hedged else PositionMode.ONE_WAY,
        balances=draw(st.dictionaries(st.sampled_from(["USDT", "USDC", "BTC"]), amounts(-1_000, 500_000, 4))),
        positions={key: draw(positions(*key)) for key in keys},
        settings=settings_of(raw) if raw else Settings(),
        complete=draw(st.sampled_from([True] * 9 + [False])),
        suspect=draw(st.sampled_from([False] * 9 + [True])),
    )


@st.composite
def positions(draw: st.DrawFn, symbol: str, side: Side) -> Position:
    """Return a position near the present mark, at times a large one with as many digits as an amount may have."""
    mark = Decimal(MARKS.get(symbol, "50"))
    most = draw(st.sampled_from([300, 5_000, 1_000_000]))
    worth = draw(st.integers(1, most)) / mark if symbol != "I" else Decimal(draw(st.integers(1, 500)))
    digits = draw(st.sampled_from([4, 6, 60]))
    quantity = Decimal(f"{worth:.{digits}f}")
    is_short = draw(st.booleans()) if side is Side.BOTH else side is Side.SHORT
    entry = mark * draw(amounts(1, 4, 3)) / 2
    wallet = draw(st.one_of(st.none(), amounts(-10, 50_000, 3)))
    kind = MarginType.CROSS if wallet is None else MarginType.ISOLATED
    return Position(symbol, side, -quantity if is_short else quantity, entry, kind, wallet)


@exactly
def said(held: Account, of: MarketBoard, lines: Lines, ranking: AdlRanking) -> None:
    """Compare all that a plain contender says of an account."""
    lines.refresh()
    record = pack(held)
    for scope in scope_names(held, of):
        try:
            plain = PlainContender(record, scope, lines, ranking, 3)
        except NotPlain:
            continue
        right = Contender(unpack(record), scope, of, ranking, 3)
        for key in product({one.symbol for one in held.positions.values()}, (LONG, SHORT)):
            try:
                found = plain.candidate(key)
            except NotPlain:
                continue
            expected = right.candidate(key)
            assert found == expected
            assert found is None or (expected is not None and found.packed() == expected.packed())


RICH = {"USDT": "5000", "BTC": "9"}

LENIENT = settings_of({"bracket_multiplier": {"W": "0.3"}})


@settings(max_examples=120)
@example(account(position("2", "100"), position("5", "9", symbol="M"), balances=RICH), AdlRanking.BINANCE_V2, "1")
@example(account(position("500", "50000", symbol="I"), balances=RICH), AdlRanking.BINANCE_V2, "1")
@example(account(position("2", "100"), position("-5", "9", symbol="U"), balances=RICH), AdlRanking.HYPERLIQUID, "1")
@example(
    replace(account(position("0.3", "50000", symbol="W"), balances=RICH), settings=LENIENT),
    AdlRanking.LEVERAGE_PNL_2019,
    "1",
)
@example(account(position("2", "30", symbol="E"), balances=RICH), AdlRanking.LEVERAGE_PNL_2019, "1")
@given(accounts(), RANKINGS, st.sampled_from(["0.5", "0.97", "1.03", "2"]))
def test_a_plain_contender_says_what_an_assessment_says(held: Account, ranking: AdlRanking, move: str) -> None:
    """Of every scope and queue it answers for, to the last digit; also after prices and terms have changed."""
    of = board()
    lines = Lines(of)
    said(held, of, lines, ranking)
    tick(of, {name: str(Decimal(mark) * Decimal(move)) for name, mark in MARKS.items() if name != "Y"}, 2)
    said(held, of, lines, ranking)
    of.set_instrument("X", instrument("X", brackets=BTC_USDT, size="3", base="BTC"))
    of.set_instrument("W", None)
    said(held, of, lines, ranking)


@exactly
def test_what_covers_nothing_is_answered_the_short_way() -> None:
    """Scopes of one-way accounts whose contracts are linear and of different coins are never left to an assessment."""
    made = engine(AdlSettings(), book(5, 300), use_numba=False)
    lines, listed = Lines(made.board), 0
    for number in range(len(made.book)):
        one = made.book.account(number)
        plain = one.margin_mode is MarginMode.SINGLE_ASSET and one.position_mode is PositionMode.ONE_WAY
        if plain and may_be_taken_from(one) and "cross:USDT" in scope_names(one, made.board):
            contender = PlainContender(made.book.record(number), "cross:USDT", lines, AdlRanking.BINANCE_V2)
            keys = product(("X", "Y"), (LONG, SHORT))
            listed += sum(contender.candidate(key) is not None for key in keys)
    assert listed > 50
