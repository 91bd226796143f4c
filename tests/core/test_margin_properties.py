"""Laws that hold for any scope: monotony, symmetry, splitting, order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.ladder import Ladder
from monitor.core.liquidation import liquidation_price
from monitor.core.margin import Assessment, assess
from monitor.core.report import scope_report
from monitor.core.scopes import scope_names
from tests.core.books import Book, books, prices_between, tables
from tests.core.building import Bracket, account, asset, instrument, inverse, market, position

F = Fraction
LADDER = Ladder.build()


def numbers(figures: Assessment) -> tuple[Fraction | None, ...]:
    """Return the figures of a scope as fractions, so that kinds of number do not matter."""
    sums = (figures.equity, figures.maintenance_margin, figures.initial_margin, figures.unrealized_pnl)
    return tuple(None if each is None else F(each) for each in sums)


@given(books(), prices_between(1, 300), prices_between(1, 300), st.sampled_from(["1", "-1"]))
def test_a_worse_price_never_raises_the_equity(book: Book, one: str, other: str, sign: str) -> None:
    """Where X is held on one side only, its scope never has more equity at a worse mark, collateral left alone."""
    held = {key: each for key, each in book.held.positions.items() if key[0] != "X"}
    sided = [each for each in book.held.positions.values() if each.symbol == "X" and each.quantity * int(sign) > 0]
    if not sided:
        return
    alone = Book(replace(book.held, positions={**held, sided[0].key: sided[0]}), book.prices, book.scope)
    if book.scope not in scope_names(alone.held, book.prices):
        return
    low, high = sorted((Decimal(one), Decimal(other)))
    at_low, at_high = (alone.at(mark, moves_collateral=False).equity for mark in (low, high))
    assert at_low is not None
    assert at_high is not None
    worse, better = (at_low, at_high) if sign == "1" else (at_high, at_low)
    assert F(worse) <= F(better)


@given(tables(chained=True), prices_between(1, 4000), st.integers(1, 10**6))
def test_the_requirement_has_no_step(brackets: tuple[Bracket, ...], mark: str, small: int) -> None:
    """With chained deductions a small change of the notional changes the requirement by at most as much."""
    step = Decimal(small) / 10**12
    prices = market(instrument(brackets=brackets, fee="0.0005"), marks={"X": mark})
    moved = replace(prices, marks={"X": Decimal(mark) + step})
    held = account(position("1", "100", wallet="0"))
    before, after = (assess(held, "isolated:X:both", each).maintenance_margin for each in (prices, moved))
    assert before is not None
    assert after is not None
    assert abs(F(after) - F(before)) <= F("1.0005") * F(step)


@given(prices_between(50, 150), prices_between(50, 150), st.integers(1, 99), st.sampled_from([instrument, inverse]))
def test_splitting_a_position_changes_nothing_under_a_flat_rate(
    entry: str, mark: str, part: int, terms: object
) -> None:
    """Two contracts alike, a part of the position in each: the same sums as the whole in one."""
    one, other = terms("X"), terms("Y")  # type: ignore[operator]
    prices = market(one, other, marks={"X": mark, "Y": mark}, assets=(asset("USDT"), asset("BTC", "90")))
    wallets = {"USDT": "500", "BTC": "2"}
    whole = account(position("100", entry, leverage="7"), balances=wallets)
    parts = account(
        position(str(part), entry, leverage="7"),
        position(str(100 - part), entry, symbol="Y", leverage="7"),
        balances=wallets,
    )
    for mode in (MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET):
        sums = [
            {
                scope: numbers(assess(replace(each, margin_mode=mode), scope, prices))
                for scope in scope_names(each, prices)
            }
            for each in (whole, parts)
        ]
        assert sums[0] == sums[1]


@given(prices_between(60, 140), st.integers(-39, 200), tables())
def test_long_and_short_mirror_each_other(mark: str, wallet: int, brackets: tuple[Bracket, ...]) -> None:
    """From entry 100, a long at mark m has what a short has at 200 − m, under a requirement taken at the entry."""
    terms = replace(instrument(brackets=brackets), maintenance_basis=instrument().maintenance_basis.ENTRY)
    mirrored = f"{200 - Decimal(mark):f}"
    sums = []
    for quantity, price in (("1", mark), ("-1", mirrored)):
        held = account(position(quantity, "100", wallet=str(wallet)))
        figures = assess(held, "isolated:X:both", market(terms, marks={"X": price}))
        found = liquidation_price(held, figures, "X", F(1)).price
        sums.append((numbers(figures)[:2], found))
    (long, long_price), (short, short_price) = sums
    assert long == short
    if long_price is not None and short_price is not None:
        assert F(long_price) + F(short_price) == 200


@given(st.integers(1, 50), st.integers(50, 150), st.integers(50, 150), tables(coins=True))
def test_an_inverse_contract_is_a_linear_one_in_the_other_money(
    quantity: int, entry: int, mark: int, brackets: tuple[Bracket, ...]
) -> None:
    """A long inverse position at prices p is a short linear one of its quote units at prices 1/p, in coins."""
    inverse_prices = market(inverse(brackets=brackets), marks={"X": str(mark)})
    held = account(position(str(quantity), str(entry)), balances={"BTC": "3"})
    figures = assess(held, "cross:BTC", inverse_prices)
    size, e, p = F(quantity * 100), F(1, entry), F(1, mark)
    tier = instrument(brackets=brackets).rational
    rung = tier.tiers[tier.tier_index(size * p, F(1))]
    requirement = max(F(0), size * p * rung.rate - rung.deduction)
    assert numbers(figures)[:2] == (3 - size * (p - e), requirement)


@given(books(), st.randoms())
def test_order_is_irrelevant(book: Book, shuffler: object) -> None:
    """Positions and balances in another order give the same figures and prices."""
    positions, balances = list(book.held.positions.items()), list(book.held.balances.items())
    shuffler.shuffle(positions)  # type: ignore[attr-defined]
    shuffler.shuffle(balances)  # type: ignore[attr-defined]
    other = replace(book.held, positions=dict(positions), balances=dict(balances))
    one, two = (reports(each, book) for each in (book.held, other))
    assert one == two


def reports(held: Account, book: Book) -> dict[str, object]:
    """Return the report of every scope, positions by key."""
    found = {}
    for scope in scope_names(held, book.prices):
        report = scope_report(held, scope, book.prices, LADDER, None)
        report["positions"] = {(each["symbol"], each["side"]): each for each in report["positions"]}
        found[scope] = report
    return found


@given(books())
def test_bankruptcy_prices_share_the_equity_out(book: Book) -> None:
    """Closed at their bankruptcy prices, the positions of a scope lose its equity exactly, where all have one."""
    figures = book.assessed()
    prices = list(bankruptcy_prices(figures))
    if any(price is None for price in prices) or figures.equity is None:
        return
    lost = F(0)
    for leg, price in zip(figures.legs, prices, strict=True):
        assert leg.instrument is not None
        assert leg.mark_price is not None
        assert price is not None
        size = F(leg.position.quantity) * F(leg.instrument.contract_size)
        mark, closed = F(leg.mark_price), F(price)
        loss = size * (mark - closed) if leg.instrument.contract == "linear" else size * (1 / closed - 1 / mark)
        terms = figures.assets.get(leg.instrument.settle_asset)
        lost += loss * F(terms.index_price or 1 if terms else 1)
    assert abs(lost - F(figures.equity)) <= F(1, 10**45) * (1 + abs(lost))
