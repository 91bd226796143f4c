"""Portfolios in the store: figures against the exact twin, golden figures, what is held, rows that come and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, chain_deductions
from monitor.core.ladder import Ladder
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)
from monitor.core.store import CellFacts, MarginStore, PartFacts, ScopeFacts
from tests.store import twin
from tests.store.portfolio_books import BY_NAME, PLAIN, portfolio_of

D = Decimal
LADDERS = (Ladder.build(),)
BRACKETS = chain_deductions([(D(0), D("0.004"), None, None), (D(5000), D("0.01"), None, None)])
SYMBOLS = ("AUSDT", "BUSDT", "CUSDT", "DUSDT", "ABTC", "BBTC")
UNKNOWN = 8


def market(terms: Terms) -> twin.World:
    """Return a market with linear contracts in USDT and inverse ones in BTC."""
    found = twin.World(LADDERS, portfolio=terms)
    for number, symbol in enumerate(SYMBOLS):
        inverse = not symbol.endswith("USDT")
        found.instruments[symbol] = Instrument(
            symbol,
            Contract.INVERSE if inverse else Contract.LINEAR,
            "BTC" if inverse else "USDT",
            BRACKETS,
            D(100) if inverse else D(1),
            D("0.0005"),
            D(0),
            maintenance_basis=MaintenanceBasis.ENTRY if symbol == "DUSDT" else MaintenanceBasis.MARK,
        )
        found.marks[symbol] = D("61234.5") if inverse else D("100.7") * (number + 1)
    found.assets["USDT"] = Asset("USDT", D("0.9987"), ask_buffer=D("0.005"))
    found.assets["BTC"] = Asset("BTC", D("61200.25"), collateral_ratio=D("0.95"))
    found.assets["BNB"] = Asset("BNB", D("612.5"), bid_buffer=D("0.1"))
    return found


def store_of(world: twin.World, terms: Terms, *, use_numba: bool = True) -> MarginStore:
    """Return a store that knows a market and a method."""
    store = MarginStore(LADDERS, use_numba=use_numba)
    for symbol, contract in world.instruments.items():
        store.set_instrument(symbol, contract)
        store.set_mark(symbol, world.marks.get(symbol))
    for name, asset in world.assets.items():
        store.set_asset(name, asset)
    store.set_portfolio(portfolio_of(terms, world.instruments))
    return store


def portfolio(wallets: Mapping[str, str], **positions: str) -> ScopeFacts:
    """Return a portfolio with wallets by asset and positions entered at 100 (inverse: 60000)."""
    cells: dict[str, list[CellFacts]] = {asset: [] for asset in wallets}
    for symbol, quantity in positions.items():
        asset, entry = ("USDT", D(100)) if symbol.endswith("USDT") else ("BTC", D(60000))
        cells.setdefault(asset, []).append(CellFacts(symbol, D(1), D(quantity), entry))
    parts = tuple(PartFacts(asset, D(wallets.get(asset, "0")), tuple(held)) for asset, held in cells.items())
    return ScopeFacts("portfolio", 0, in_usd=True, blocked=False, parts=parts, portfolio=True)


def random_books(count: int) -> list[ScopeFacts]:
    """Return random portfolios, hedged and not, some of wallets alone, some with both legs of a symbol."""
    rng = np.random.default_rng(7)
    books = []
    for _ in range(count):
        parts = []
        for asset, symbols, size in (("USDT", SYMBOLS[:4], 20.0), ("BTC", SYMBOLS[4:], 40.0), ("BNB", (), 0.0)):
            chosen = rng.choice(symbols, size=int(rng.integers(0, 5))) if symbols else ()
            cells = tuple(
                CellFacts(
                    str(symbol),
                    D(1),
                    D(f"{rng.normal(0, size):.3f}") or D(1),
                    D(f"{100 * rng.uniform(0.5, 2):.2f}") if asset == "USDT" else D(f"{rng.uniform(5e4, 7e4):.1f}"),
                )
                for symbol in chosen
            )
            wallet = {"USDT": 2000.0, "BTC": 0.5, "BNB": 3.0}[asset] * rng.normal(0.4, 1)
            parts.append(PartFacts(asset, D(f"{wallet:.4f}") if rng.random() < 0.8 else D(0), cells))
        books.append(ScopeFacts("portfolio", 0, in_usd=True, blocked=False, parts=tuple(parts), portfolio=True))
    return books


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("name", BY_NAME)
def test_every_figure_is_the_exact_one(name: str, use_numba: bool) -> None:
    """Equity and requirement of random books are the twin's, to the rounding of what they move; no change is missed."""
    terms = BY_NAME[name]
    world = market(terms)
    store = store_of(world, terms, use_numba=use_numba)
    books = random_books(120)
    store.put_many([(number, [scope]) for number, scope in enumerate(books)])
    candidates = set(store.judge_all().tolist())
    equity, requirement = store.figures()
    for number, scope in enumerate(books):
        (found,) = store.scopes_of(number)
        exact = twin.figures(scope, world)
        assert exact is not None
        bound = Fraction(1, 10**13) * (twin.gross(scope, world) + exact[1])
        assert abs(Fraction(float(equity[found])) - exact[0]) <= bound
        assert abs(Fraction(float(requirement[found])) - exact[1]) <= bound
        assert (found in candidates) == (twin.told(scope, 0, world) != 0)


@pytest.mark.parametrize("exponent", ["0.3", "1.7", "4"])
def test_any_power_charges_for_size(exponent: str) -> None:
    """Exponents without a shortcut agree with the exact charge, in both kernels."""
    terms = replace(PLAIN, liquidity_exponent=D(exponent))
    world = market(terms)
    books = random_books(40)
    for use_numba in (True, False):
        store = store_of(world, terms, use_numba=use_numba)
        store.put_many([(number, [scope]) for number, scope in enumerate(books)])
        store.judge_all()
        _, requirement = store.figures()
        for number, scope in enumerate(books):
            exact = twin.figures(scope, world)
            assert exact is not None
            assert requirement[store.scopes_of(number)[0]] == pytest.approx(float(exact[1]), rel=1e-12)


class Golden(NamedTuple):
    """Hold a method and what it requires of +10 BTC at 100,000 against −300 ETH at 3,000."""

    terms: Terms
    requirement: float


PAIR = (Group("BTC", ("AUSDT",), (), D("0.16")), Group("ETH", ("BUSDT",), (), D("0.16")))
CLASSES = tuple(replace(group, up=D("0.15"), down=D("-0.15")) for group in PAIR)
GOLDEN = (
    Golden(SpanTerms(PAIR, credits=(Credit(("BTC", "ETH"), D("0.6")),)), 131_200),
    Golden(TimsTerms(CLASSES, (Bundle("major", ("BTC", "ETH"), D("0.5")),)), 82_500),
    Golden(TimsTerms(CLASSES, (Bundle("major", ("BTC", "ETH"), D("0.9")),)), 28_500),
)


@pytest.mark.parametrize("golden", GOLDEN, ids=["span", "tims 50 %", "tims 90 %"])
def test_the_published_example(golden: Golden) -> None:
    """The worked book has the requirement of the worked example."""
    world = market(golden.terms)
    world.marks |= {"AUSDT": D(100_000), "BUSDT": D(3000)}
    world.assets["USDT"] = Asset("USDT", D(1))
    store = store_of(world, golden.terms)
    store.put(0, [portfolio({"USDT": "500000"}, AUSDT="10", BUSDT="-300")])
    store.judge_all()
    assert store.figures(np.array([0]))[1][0] == golden.requirement


def test_a_coin_wallet_hedges_a_short_inverse_contract() -> None:
    """20 BTC less 10 BTC lost, short 1,000,000 USD at 100,000: the delta is 0, and only basis and minimum are left."""
    terms = replace(PLAIN, groups=(Group("BTC", ("ABTC",)),), buffer=D(0))
    world = market(terms)
    world.marks["ABTC"] = D(100_000)
    world.assets["BTC"] = Asset("BTC", D(100_000))
    store = store_of(world, terms)
    cell = CellFacts("ABTC", D(1), D(-10_000), D(50_000))
    part = PartFacts("BTC", D(20), (cell,))
    store.put(0, [ScopeFacts("portfolio", 0, in_usd=True, blocked=False, parts=(part,), portfolio=True)])
    store.judge_all()
    equity, requirement = store.figures(np.array([0]))
    assert equity[0] == pytest.approx(1_000_000, rel=1e-12)
    assert requirement[0] == pytest.approx(10_000 + 2_000, rel=1e-12)


def test_without_a_method_nothing_is_known() -> None:
    """A portfolio that no method margins is unknown: a candidate while it has a status, none once it is unknown."""
    store = store_of(market(PLAIN), PLAIN)
    store.set_portfolio(None)
    store.put(0, [portfolio({"USDT": "500"}, AUSDT="1")])
    assert store.judge_all().tolist() == [0]
    assert np.isnan(store.figures(np.array([0]))[1][0])
    store.set_state(0, UNKNOWN)
    assert not len(store.judge_all())


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
def test_what_is_not_priced_is_not_known(use_numba: bool) -> None:
    """A missing mark or asset makes a portfolio a candidate while it has a status, and none once it is unknown."""
    for terms in (PLAIN, BY_NAME["hyperliquid"]):
        store = store_of(market(terms), terms, use_numba=use_numba)
        store.put(0, [portfolio({"USDT": "500", "BNB": "1"}, AUSDT="1", DUSDT="1")])
        assert not len(store.judge_all())
        for lost in ("DUSDT", "BNB"):
            if lost == "BNB":
                store.set_asset(lost, None)
            else:
                store.set_mark(lost, None)
            assert store.judge_all().tolist() == [0]
            store.set_state(0, UNKNOWN)
            assert not len(store.judge_accounts([0]))
            store.set_mark("DUSDT", D(100))
            store.set_asset("BNB", Asset("BNB", D(612)))
            assert store.judge_all().tolist() == [0]
            store.set_state(0, 0)


def test_an_empty_account_requires_nothing_of_its_tokens() -> None:
    """The offset of a borrow is not asked of an account that has nothing, and it is no candidate for ever."""
    store = store_of(market(BY_NAME["hyperliquid"]), BY_NAME["hyperliquid"])
    store.put(0, [portfolio({})])
    store.put(1, [portfolio({"USDT": "-3"})])
    assert store.judge_all().tolist() == [1]
    store.set_state(1, 7)
    assert not len(store.judge_all())
    assert [column.tolist() for column in store.figures(np.array([0, 1]))] == [[0, 0], [0, pytest.approx(22.9961)]]


def test_tokens_that_nobody_can_borrow_more_of_are_capped() -> None:
    """Collateral counts to its supply cap, what it supports to the borrow cap."""
    tokens = (
        Token("USDT", borrowable=True, borrow_cap=D(1000)),
        Token("BTC", ltv=D("0.5"), supply_cap=D("0.01")),
    )
    for cap, value in ((D(1000), 459.001875), (D(100), 100)):
        terms = HyperliquidTerms((replace(tokens[0], borrow_cap=cap), tokens[1]))
        store = store_of(market(terms), terms)
        store.put(0, [portfolio({"USDT": "-50", "BTC": "3"})])
        store.judge_all()
        assert store.figures(np.array([0]))[0][0] == pytest.approx(value)


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
def test_rows_of_portfolios_are_used_again(use_numba: bool) -> None:
    """An account that grows, shrinks and changes its mode costs no more room than one of its greatest size."""
    store = store_of(market(PLAIN), PLAIN, use_numba=use_numba)
    sizes = ({"AUSDT": "1"}, {"AUSDT": "1", "ABTC": "-3", "DUSDT": "2"}, {}, {"BUSDT": "1", "BBTC": "1", "CUSDT": "5"})
    store.put(1, [portfolio({"USDT": "10"}, AUSDT="1")])
    reserved = 0
    for _ in range(10):
        for positions in sizes:
            scope = portfolio({"USDT": "1000", "BNB": "2"}, **positions)
            store.put(0, [scope])
            assert store.counts()["cells"] == len(positions) + 1
            assert sorted(store.holders("AUSDT").tolist()) == ([0, 1] if "AUSDT" in positions else [1])
            assert sorted(store.holders_of_asset("BNB").tolist()) == [0]
            store.put(0, [scope._replace(name="cross:USD", portfolio=False)])
        reserved = reserved or store.counts()["bytes"]
    assert store.counts()["bytes"] == reserved
    store.put(0, ())
    assert store.counts()["rows"] == 2
    assert store.judge_symbols(["AUSDT"]).tolist() == store.judge_all().tolist()


def test_a_coin_that_comes_to_be_held_moves_its_holders() -> None:
    """When an inverse member appears, who holds its coin is judged with the next symbols; once."""
    terms = replace(PLAIN, groups=(Group("A", ("AUSDT", "ABTC")),))
    world = market(terms)
    del world.instruments["ABTC"]
    store = store_of(world, terms)
    store.put(0, [portfolio({"BTC": "1"})])
    assert not len(store.judge_all())
    world.instruments["ABTC"] = market(terms).instruments["ABTC"]
    before = store.judged
    for _ in range(2):
        store.set_portfolio(portfolio_of(terms, world.instruments))
        store.judge_symbols(["AUSDT"])
    assert store.judged == before + 1
    assert store.figures(np.array([0]))[1][0] == pytest.approx(61200.25 * 0.16 * 1.1)


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
def test_who_uses_a_mixed_group_is_not_known(use_numba: bool) -> None:
    """A group whose members differ in their base leaves its users unknown, others alone, and dust of 0 undecided."""
    terms = replace(PLAIN, groups=(Group("A", ("AUSDT", "BUSDT", "ABTC")), Group("C", ("CUSDT",))))
    world = market(terms)
    for symbol, base in (("AUSDT", "A"), ("BUSDT", "B")):
        world.instruments[symbol] = replace(world.instruments[symbol], base_asset=base)
    store = store_of(world, terms, use_numba=use_numba)
    store.put(0, [portfolio({"USDT": "500"}, AUSDT="0.001")])
    store.put(1, [portfolio({"USDT": "500"}, CUSDT="0.1")])
    store.put(2, [portfolio({"USDT": "500", "BTC": "0.001"})])
    store.put(3, [portfolio({"USDT": "500", "BTC": "0"}, BBTC="1")])
    store.set_mark("BBTC", D(60000))
    assert store.judge_all().tolist() == [0, 2, 3]
    for scope in range(4):
        store.set_state(scope, UNKNOWN)
    assert store.judge_all().tolist() == [1, 3]


@pytest.mark.parametrize("use_numba", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("name", BY_NAME)
def test_on_a_doubted_mark_only_who_could_change_is_asked(name: str, use_numba: bool) -> None:
    """With one mark known within a band: whoever has another status at an end is a candidate, and not everybody is."""
    world = market(BY_NAME[name])
    store = store_of(world, BY_NAME[name], use_numba=use_numba)
    books = random_books(40)
    store.put_many([(number, [book]) for number, book in enumerate(books)])
    told = [twin.told(book, 0, world) for book in books]
    for scope, state in enumerate(told):
        store.set_state(scope, state)
    store.judge_all()
    kept = store.figures()
    mark = world.marks["AUSDT"]
    ends = [world.moved({"AUSDT": mark * share}, {}) for share in (D("0.5"), D("1.5"))]
    store.set_band("AUSDT", *(end.marks["AUSDT"] for end in ends))
    found = set(store.judge_all().tolist())
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(kept, store.figures(), strict=True))
    changing = {
        scope for scope, book in enumerate(books) if {twin.told(book, told[scope], w) for w in ends} != {told[scope]}
    }
    assert changing <= found
    assert found == set(store.judge_accounts(list(range(len(books)))).tolist())
    assert len(found) < len(store.holders("AUSDT"))


def test_on_two_doubted_prices_the_exact_verdict_is_asked() -> None:
    """Which end of several prices is the worse one is not the screen's to say: every holder is a candidate."""
    store = store_of(market(PLAIN), PLAIN)
    store.put(0, [portfolio({"USDT": "900000"}, AUSDT="1", BUSDT="1")])
    store.put(1, [portfolio({"USDT": "900000", "BTC": "1"}, AUSDT="1")])
    assert not len(store.judge_all())
    store.set_band("AUSDT", D(99), D(102))
    assert not len(store.judge_all())
    store.set_band("BUSDT", D(199), D(202))
    assert store.judge_all().tolist() == [0]
    store.set_asset("BTC", Asset("BTC", D("61200.25"), collateral_ratio=D("0.95")), low=D(60000), high=D(62000))
    assert store.judge_all().tolist() == [0, 1]
