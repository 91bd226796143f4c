"""The store against the naive exact twin, through random lives of accounts and markets."""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, MarginTier, chain_deductions
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.portfolio.terms import Terms
from monitor.core.store import CellFacts, MarginStore, PartFacts, ScopeFacts
from tests.store import portfolio_books, twin

D = Decimal
COINS = ("USDT", "BTC", "BNB")
LINEAR, INVERSE = ("AUSDT", "BUSDT", "CUSDT", "DUSDT"), ("ABTC", "BBTC")
SYMBOLS = (*LINEAR, *INVERSE)
STEPS = int(os.environ.get("STORE_STEPS", "30"))
EXAMPLES = int(os.environ.get("STORE_EXAMPLES", "30"))

LADDERS = (
    Ladder.build(),
    Ladder.build({MarginStatus.WATCH: None, MarginStatus.TAKEOVER: None}, Fraction(0), inclusive=True),
    Ladder.build(
        {MarginStatus.LIQUIDATION: Fraction(3)}
        | dict.fromkeys(MarginStatus, None)
        | {MarginStatus.LIQUIDATION: Fraction(3)},
        debt_floor=Fraction(0),
    ),
)

round_amounts = st.sampled_from([D(0), D(1), D(10), D(1000), D("-1"), D("-0.5"), D("0.25"), D("-40"), D(250)])
fine_amounts = st.decimals(D(-500), D(5000), places=6, allow_nan=False)
wallets = st.one_of(round_amounts, fine_amounts)
quantities = st.one_of(
    st.sampled_from([D(1), D(-1), D(2), D("0.5"), D("-0.5"), D(10), D(-25), D(100)]),
    st.decimals(D(-50), D(50), places=3).filter(bool),
)
prices = st.one_of(
    st.sampled_from([D(50), D(100), D(64), D(1), D("12.5"), D(1000)]), st.decimals(D("0.01"), D(2000), places=4)
)
multipliers = st.sampled_from([D(1), D(1), D("1.0"), D(4), D("0.5")])

TABLES = (
    chain_deductions([(D(0), D("0.01"), None, None)]),
    chain_deductions(
        [(D(0), D("0.004"), None, None), (D(100), D("0.01"), None, None), (D(1000), D("0.5"), None, None)]
    ),
    (MarginTier(D(0), D("0.01"), D(0)), MarginTier(D(100), D("0.02"), D("0.9")), MarginTier(D(500), D("0.1"), D(50))),
    chain_deductions([(D(10 * n), D(n + 1) / 100, None, None) for n in range(16)]),
    (MarginTier(D(0), D(0), D(0)), MarginTier(D(50), D("0.1"), D(5))),
    (MarginTier(D(0), D("0.3"), D(-2)),),
)


@st.composite
def instruments(draw: st.DrawFn, symbol: str) -> Instrument[Decimal]:
    """Draw terms of a contract."""
    inverse = symbol in INVERSE
    return Instrument(
        symbol,
        Contract.INVERSE if inverse else Contract.LINEAR,
        "BTC" if inverse else "USDT",
        draw(st.sampled_from(TABLES)),
        draw(st.sampled_from([D(1), D("0.1"), D(100)])),
        draw(st.sampled_from([D(0), D("0.0005")])),
        D(0),
        maintenance_basis=draw(st.sampled_from([MaintenanceBasis.MARK] * 3 + [MaintenanceBasis.ENTRY])),
    )


@st.composite
def assets(draw: st.DrawFn, name: str) -> Asset[Decimal]:
    """Draw terms of an asset."""
    return Asset(
        name,
        draw(st.sampled_from([D(1), D("0.5"), D(600), D("61234.5")])),
        None,
        draw(st.sampled_from([None, D("0.05"), D("0.333")])),
        draw(st.sampled_from([None, D("0.02")])),
        draw(st.sampled_from([None, D("0.9999"), D(0)])),
        margin_available=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def cells(draw: st.DrawFn, symbols: tuple[str, ...], most: int) -> tuple[CellFacts, ...]:
    """Draw positions, now and then both legs of a symbol."""
    return tuple(
        CellFacts(symbol, D(1) if draw(st.booleans()) else draw(multipliers), draw(quantities), draw(prices))
        for symbol in draw(st.lists(st.sampled_from(symbols), max_size=most))
    )


def one_multiplier_a_symbol(positions: tuple[CellFacts, ...]) -> tuple[CellFacts, ...]:
    """Return positions as an account may have them: at most two a symbol, one multiplier each."""
    kept: list[CellFacts] = []
    for cell in positions:
        same = [other for other in kept if other.symbol == cell.symbol]
        if len(same) < 2:
            kept.append(cell._replace(multiplier=same[0].multiplier) if same else cell)
    return tuple(kept)


@st.composite
def accounts(draw: st.DrawFn) -> list[ScopeFacts]:
    """Draw the scopes of an account."""
    ladder, blocked = draw(st.integers(0, 2)), draw(st.integers(0, 19)) == 0
    found = []
    linear, inverse = (one_multiplier_a_symbol(draw(cells(symbols, 5))) for symbols in (LINEAR, INVERSE))
    form = draw(st.sampled_from(["asset", "usd", "portfolio", "portfolio"]))
    if form != "asset":
        parts = [PartFacts("USDT", draw(wallets), linear), PartFacts("BTC", draw(wallets), inverse)]
        if draw(st.booleans()):
            parts.append(PartFacts("BNB", draw(wallets), ()))
        name = "cross:USD" if form == "usd" else "portfolio"
        scope = ScopeFacts(name, ladder, in_usd=True, blocked=blocked, parts=tuple(parts), portfolio=form != "usd")
        found.append(scope)
    else:
        for asset, positions in (("USDT", linear), ("BTC", inverse), ("BNB", ())):
            if positions or draw(st.booleans()):
                part = PartFacts(asset, draw(wallets), positions)
                found.append(ScopeFacts(f"cross:{asset}", ladder, in_usd=False, blocked=blocked, parts=(part,)))
    for cell in draw(cells(SYMBOLS, 2)):
        name = f"isolated:{cell.symbol}:both"
        if name not in [scope.name for scope in found]:
            part = PartFacts("BTC" if cell.symbol in INVERSE else "USDT", draw(wallets), (cell,))
            found.append(ScopeFacts(name, 1, in_usd=False, blocked=False, parts=(part,)))
    return found


class Lives(RuleBasedStateMachine):
    """Lead both stores and the twin through the same life; after each step nobody who changed may be missing."""

    checked = 0
    false = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = twin.World(LADDERS)
        self.stores = [MarginStore(LADDERS, use_numba=use) for use in (True, False)]
        self.facts: dict[int, list[ScopeFacts]] = {}
        self.last: dict[tuple[int, str], int] = {}
        self.told: dict[tuple[int, str], int] = {}
        for symbol in SYMBOLS:
            table = TABLES[SYMBOLS.index(symbol)]
            terms = Instrument(
                symbol,
                Contract.INVERSE if symbol in INVERSE else Contract.LINEAR,
                "BTC" if symbol in INVERSE else "USDT",
                table,
                D(1),
                D(0),
                D(0),
            )
            self._set_terms(symbol, terms)
            self._each(lambda store, name=symbol: store.set_mark(name, D(100)))
            self.world.marks[symbol] = D(100)
        for name in COINS:
            self.world.assets[name] = Asset(name, D(2))
            self._each(lambda store, coin=name: store.set_asset(coin, Asset(coin, D(2))))
        self._set_method(portfolio_books.PLAIN)

    def _set_method(self, terms: Terms) -> None:
        """Put the parameters of a method in force, resolved as the engine does it."""
        self.world.portfolio = terms
        portfolio = portfolio_books.portfolio_of(terms, self.world.instruments)
        self._each(lambda store: store.set_portfolio(portfolio))

    def _each(self, act: Any) -> list[Any]:
        results = [act(store) for store in self.stores]
        first = results[0]
        for other in results[1:]:
            assert np.array_equal(first, other) if isinstance(first, np.ndarray) else first == other
        return results

    def _set_terms(self, symbol: str, terms: Instrument[Decimal] | None) -> set[int]:
        if terms is None:
            self.world.instruments.pop(symbol, None)
        else:
            self.world.instruments[symbol] = terms
        return set(self._each(lambda store: store.set_instrument(symbol, terms))[0].tolist())

    def _put(self, account: int) -> None:
        """Put an account's facts as the engine does: blocked while terms are missing."""
        facts = []
        for scope in self.facts[account]:
            missing = any(cell.symbol not in self.world.instruments for part in scope.parts for cell in part.cells)
            blocked = scope._replace(in_usd=False, blocked=True, parts=(), portfolio=False)
            facts.append(blocked if missing else scope)
        self._each(lambda store: sorted(name for _, name in store.put(account, facts)))

    def _settle(self, candidates: set[tuple[int, str]]) -> None:
        """Check the candidates against the twin and give every scope its exact status."""
        store = self.stores[0]
        for account, scopes in self.facts.items():
            ids = store.scopes_of(account)
            assert [store.name_of(scope) for scope in ids] == [scope.name for scope in scopes]
            for number, scope in zip(ids, scopes, strict=True):
                key = account, scope.name
                missing = any(cell.symbol not in self.world.instruments for part in scope.parts for cell in part.cells)
                now = twin.UNKNOWN if missing else twin.told(scope, self.last.get(key, 0), self.world)
                Lives.checked += 1
                before = self.told.get(key, 0)
                if now != before and not (missing or scope.blocked):
                    assert key in candidates, (key, before, now)
                Lives.false += now == before and key in candidates
                self.told[key] = now
                if now != twin.UNKNOWN:
                    self.last[key] = now
                self._each(lambda one, scope=number, state=now: one.set_state(scope, state))

    def _judged(self, judge: Any) -> None:
        found = self._each(judge)[0]
        store = self.stores[0]
        self._settle({(store.account_of(scope), store.name_of(scope)) for scope in found.tolist()})

    @rule(account=st.integers(0, 7), facts=accounts())
    def put(self, account: int, facts: list[ScopeFacts]) -> None:
        """Replace an account."""
        gone = {scope.name for scope in self.facts.get(account, [])} - {scope.name for scope in facts}
        for name in gone:
            self.last.pop((account, name), None)
            self.told.pop((account, name), None)
        self.facts[account] = facts
        self._put(account)
        self._judged(lambda store: store.judge_accounts([account]))

    @rule(account=st.integers(0, 7))
    def drop(self, account: int) -> None:
        """Remove an account."""
        for scope in self.facts.pop(account, []):
            self.last.pop((account, scope.name), None)
            self.told.pop((account, scope.name), None)
        self._each(lambda store: sorted(name for _, name in store.put(account, ())))

    @rule(moves=st.dictionaries(st.sampled_from(SYMBOLS), st.one_of(prices, st.none()), min_size=1, max_size=3))
    def tick(self, moves: dict[str, Decimal | None]) -> None:
        """Move some marks."""
        for symbol, mark in moves.items():
            if mark is None:
                self.world.marks.pop(symbol, None)
                self.world.bands.pop(symbol, None)
                self._each(lambda store, name=symbol: store.set_band(name, None, None))
            else:
                self.world.marks[symbol] = mark
            self._each(lambda store, name=symbol, price=mark: store.set_mark(name, price))
        self._judged(lambda store: store.judge_symbols(moves.keys()))

    @rule(symbol=st.sampled_from(SYMBOLS), width=st.sampled_from([None, D("0.01"), D("0.5"), D("0.9")]))
    def doubt(self, symbol: str, width: Decimal | None) -> None:
        """Doubt a mark, or believe it again."""
        mark = self.world.marks.get(symbol)
        if mark is None or width is None:
            self.world.bands.pop(symbol, None)
            ends: tuple[Decimal | None, Decimal | None] = (None, None)
        else:
            ends = self.world.bands[symbol] = (mark * (1 - width), mark * (1 + width))
        self._each(lambda store: store.set_band(symbol, *ends))
        self._judged(lambda store: store.judge_symbols([symbol]))

    @rule(data=st.data(), symbol=st.sampled_from(SYMBOLS))
    def change_terms(self, data: st.DataObject, symbol: str) -> None:
        """Change or forget the terms of a contract, and put again whom that concerns."""
        terms = None if data.draw(st.integers(0, 5)) == 0 else data.draw(instruments(symbol))
        was_missing = symbol not in self.world.instruments
        holders = {
            account
            for account, scopes in self.facts.items()
            if any(cell.symbol == symbol for scope in scopes for part in scope.parts for cell in part.cells)
        }
        again = self._set_terms(symbol, terms)
        for account in sorted(holders if was_missing or terms is None else again):
            self._put(account)
        self._set_method(cast("Terms", self.world.portfolio))
        self._judged(lambda store: np.union1d(store.judge_accounts(sorted(holders)), store.judge_symbols([symbol])))

    @rule(name=st.sampled_from(sorted(portfolio_books.BY_NAME)))
    def change_method(self, name: str) -> None:
        """Margin portfolios in another way."""
        self._set_method(portfolio_books.BY_NAME[name])
        for account in self.facts:
            self._put(account)
        self._judged(lambda store: store.judge_all())

    @rule(
        data=st.data(),
        name=st.sampled_from(COINS),
        width=st.sampled_from([None, None, D("0.01"), D("0.5")]),
    )
    def change_asset(self, data: st.DataObject, name: str, width: Decimal | None) -> None:
        """Change or forget the terms of an asset, or doubt its index."""
        terms = None if data.draw(st.integers(0, 5)) == 0 else data.draw(assets(name))
        self.world.assets.pop(name, None)
        self.world.asset_bands.pop(name, None)
        low = high = None
        if terms is not None and terms.index_price is not None:
            self.world.assets[name] = terms
            if width is not None:
                low, high = terms.index_price * (1 - width), terms.index_price * (1 + width)
                self.world.asset_bands[name] = (low, high)
        self._each(lambda store: store.set_asset(name, terms, low=low, high=high))
        self._judged(lambda store: store.judge_assets([name]))

    @rule()
    def judge_everybody(self) -> None:
        """Nobody changes without a cause."""
        self._judged(lambda store: store.judge_all())

    @invariant()
    def figures_are_right(self) -> None:
        """Every figure of the last judgement is the exact one, to 1e-9 of what the scope moves."""
        first, second = (store.figures() for store in self.stores)
        assert np.array_equal(first[0], second[0], equal_nan=True)
        assert np.array_equal(first[1], second[1], equal_nan=True)
        store = self.stores[0]
        for account, scopes in self.facts.items():
            for number, scope in zip(store.scopes_of(account), scopes, strict=True):
                if any(cell.symbol not in self.world.instruments for part in scope.parts for cell in part.cells):
                    continue
                exact = None if scope.blocked else twin.figures(scope, self.world)
                if exact is None or scope.blocked:
                    continue
                error = float(twin.gross(scope, self.world)) * 1e-9 + float(exact[1]) * 1e-12
                assert abs(first[0][number] - float(exact[0])) <= error
                assert abs(first[1][number] - float(exact[1])) <= error

    @invariant()
    def holders_are_right(self) -> None:
        """The index names exactly who holds a symbol."""
        for symbol in SYMBOLS:
            holders = {
                account
                for account, scopes in self.facts.items()
                for scope in scopes
                if any(cell.symbol == symbol for part in scope.parts for cell in part.cells)
                and not any(cell.symbol not in self.world.instruments for part in scope.parts for cell in part.cells)
            }
            assert set(self._each(lambda store, name=symbol: store.holders(name))[0].tolist()) == holders


Lives.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLives = Lives.TestCase
