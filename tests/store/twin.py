"""A naive exact twin of the store: figures and statuses of scopes straight from the contract, in fractions.

Slow and obvious on purpose; it shares nothing with the store but the shape of the facts and the ladder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis
from monitor.core.ladder import BY_RANK, Ladder, MarginStatus
from monitor.core.store import PartFacts, ScopeFacts
from tests.store import portfolio_twin

UNKNOWN = MarginStatus.UNKNOWN.rank
Figures = tuple[Fraction, Fraction]


@dataclass
class World:
    """Hold what the market is; prices that are doubted have ends."""

    ladders: Sequence[Ladder]
    instruments: dict[str, Instrument[Decimal]] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    bands: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    assets: dict[str, Asset[Decimal]] = field(default_factory=dict)
    asset_bands: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    portfolio: object = None
    """The parameters of the portfolio method in force."""

    def moved(self, marks: Mapping[str, Decimal], indices: Mapping[str, Decimal]) -> World:
        """Return the market with some prices moved and nothing doubted."""
        assets = {name: replace(self.assets[name], index_price=price) for name, price in indices.items()}
        marks = {**self.marks, **marks}
        return World(self.ladders, self.instruments, marks, {}, {**self.assets, **assets}, {}, self.portfolio)


def figures(scope: ScopeFacts, world: World) -> Figures | None:
    """Return (equity, requirement) in the scope's unit, None where something is missing."""
    equity = requirement = Fraction(0)
    for part in scope.parts:
        sums = _sums(part, world)
        if sums is None:
            return None
        amount, needed = sums
        if not scope.in_usd:
            return sums
        if not part.wallet and not part.cells:
            continue
        terms = world.assets.get(part.asset)
        if terms is None or terms.index_price is None:
            return None
        index = Fraction(terms.index_price)
        minus = index * (1 + Fraction(terms.ask_buffer or 0))
        haircut = (1 - Fraction(terms.bid_buffer or 0)) * Fraction(
            1 if terms.collateral_ratio is None else terms.collateral_ratio
        )
        plus = index * haircut if terms.margin_available else Fraction(0)
        equity += amount * (minus if amount < 0 else plus)
        requirement += needed * minus
    if scope.portfolio:
        return portfolio_twin.figures(world.portfolio, _book(scope, world, equity), world.instruments)
    return equity, requirement


def _book(scope: ScopeFacts, world: World, equity: Fraction) -> portfolio_twin.Book:
    """Return what a portfolio method looks at, everything being known."""
    book = portfolio_twin.Book([], {}, {}, equity)
    for part in scope.parts:
        if not part.wallet and not part.cells:
            continue
        sums = _sums(part, world)
        assert sums is not None
        book.held[part.asset], book.index[part.asset] = sums[0], Fraction(world.assets[part.asset].index_price or 0)
        for cell in part.cells:
            terms, mark = world.instruments[cell.symbol], Fraction(world.marks[cell.symbol])
            size = Fraction(cell.quantity) * Fraction(terms.contract_size)
            alone = _sums(PartFacts(part.asset, Decimal(0), (cell,)), world)
            assert alone is not None
            book.lines.append(portfolio_twin.Line(cell.symbol, terms, size, mark, alone[1]))
    return book


def _sums(part: PartFacts, world: World) -> Figures | None:
    equity, requirement = Fraction(part.wallet), Fraction(0)
    for symbol, multiplier, quantity, entry_price in part.cells:
        terms, mark = world.instruments.get(symbol), world.marks.get(symbol)
        if terms is None or mark is None:
            return None
        size, price, entry = Fraction(quantity) * Fraction(terms.contract_size), Fraction(mark), Fraction(entry_price)
        if terms.contract is Contract.INVERSE:
            equity += size * (1 / entry - 1 / price)
            at_mark, at_entry = abs(size) / price, abs(size) / entry
        else:
            equity += size * (price - entry)
            at_mark, at_entry = abs(size) * price, abs(size) * entry
        notional = at_entry if terms.maintenance_basis is MaintenanceBasis.ENTRY else at_mark
        stretch = Fraction(multiplier)
        tier = [tier for tier in terms.tiers if Fraction(tier.floor) * stretch <= notional][-1]
        rate = Fraction(tier.rate) + Fraction(terms.closing_fee_rate)
        requirement += max(Fraction(0), notional * rate - Fraction(tier.deduction) * stretch)
    return equity, requirement


def gross(scope: ScopeFacts, world: World) -> Fraction:
    """Return a measure of what a scope moves, in its unit: the wallets and notionals."""
    total = Fraction(0)
    for part in scope.parts:
        terms = world.assets.get(part.asset)
        worth = (
            Fraction(terms.index_price or 1) * (1 + Fraction(terms.ask_buffer or 0)) if terms and scope.in_usd else 1
        )
        held = abs(Fraction(part.wallet))
        for symbol, _, quantity, entry_price in part.cells:
            inverse = world.instruments[symbol].contract is Contract.INVERSE
            size = abs(Fraction(quantity)) * Fraction(world.instruments[symbol].contract_size)
            for price in (Fraction(entry_price), Fraction(world.marks[symbol])):
                held += size / price if inverse else size * price
        total += held * worth
    return total


def told(scope: ScopeFacts, last: int, world: World) -> int:
    """Return the rank of the status a scope has after a known `last`, or unknown."""
    if scope.blocked:
        return UNKNOWN
    if figures(scope, world) is None:
        return UNKNOWN
    ranks = {_told(scope, last, market) for market in ends(scope, world)}
    return ranks.pop() if len(ranks) == 1 else UNKNOWN


def _told(scope: ScopeFacts, last: int, world: World) -> int:
    found = figures(scope, world)
    assert found is not None
    ladder = world.ladders[scope.ladder]
    terms = None if scope.in_usd or not scope.parts else world.assets.get(scope.parts[0].asset)
    floor = ladder.debt_floor / Fraction(terms.index_price) if terms and terms.index_price else ladder.debt_floor
    return ladder.told(BY_RANK[last], *found, floor).rank


def ends(scope: ScopeFacts, world: World) -> Iterator[World]:
    """Yield the markets a scope is judged in: every doubted price at its worse end, then at its better one."""
    symbols = {cell.symbol for part in scope.parts for cell in part.cells} & world.bands.keys()
    assets = {part.asset for part in scope.parts} & world.asset_bands.keys()
    if not symbols and not assets:
        yield world
        return
    worse: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
    better: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
    for symbol in symbols:
        low, high = world.bands[symbol]
        low_is_worse = _room(scope, world.moved({symbol: low}, {})) <= _room(scope, world.moved({symbol: high}, {}))
        worse[0][symbol], better[0][symbol] = (low, high) if low_is_worse else (high, low)
    for asset in assets:
        low, high = world.asset_bands[asset]
        low_is_worse = _room(scope, world.moved({}, {asset: low})) <= _room(scope, world.moved({}, {asset: high}))
        worse[1][asset], better[1][asset] = (low, high) if low_is_worse else (high, low)
    yield world.moved(*worse)
    yield world.moved(*better)


def _room(scope: ScopeFacts, world: World) -> Fraction:
    found = figures(scope, world)
    assert found is not None
    return found[0] - found[1]
