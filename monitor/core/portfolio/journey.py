"""A portfolio scope along a way: how equity − k·requirement changes while some marks and collateral prices move.

The book is evaluated anew at every place, by the methods themselves, with slopes; where it is 0 is `search`'s to find,
what moves is said by `liquidation_price` and `liquidation_move`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import fraction_of
from monitor.core.collateral import ask_price, bid_price
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis
from monitor.core.legs import Leg
from monitor.core.portfolio.dual import Dual
from monitor.core.portfolio.exposure import ASSET_SIDE, Entry, Exposure, GroupSums, TokenAmount, exposed
from monitor.core.portfolio.methods import requirement
from monitor.core.portfolio.scalars import FINE, FLOATS, Kind, in_fine_digits, power, register_power
from monitor.core.portfolio.terms import HyperliquidTerms, Terms
from monitor.core.positions import maintenance_margin

_NOTHING = Decimal(0)
_ONE = Decimal(1)
_HALF = Fraction(1, 2)

Moved = Callable[[Any], Dual]
"""A price as a function of the place on the way, a float or a decimal."""


FINE_DIGITS = Context(prec=70, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
"""What a place is polished in: twenty digits more than are wanted of it."""


@register_power
def _(base: float, exponent: Fraction) -> float:
    raised: float = base ** float(exponent)
    return raised


@register_power
def _(base: Decimal, exponent: Fraction) -> Decimal:
    return base.sqrt() if exponent == _HALF else base ** in_fine_digits(exponent)


@register_power
def _(base: Dual, exponent: Fraction) -> Dual:
    raised = power(base.value, exponent)
    steep = type(raised)(exponent.numerator) / exponent.denominator
    return Dual(raised, base.slope * raised * steep / base.value if base.value else base.slope * 0)


class Way(NamedTuple):
    """Say which marks and which collateral prices move, and how."""

    marks: Mapping[str, Moved]
    indices: Mapping[str, Moved]


class Walker(NamedTuple):
    """Hold one position: its size in base (inverse: quote) units and its requirement where that is taken at entry."""

    symbol: str
    side: str
    terms: Instrument[Any]
    size: Any
    entry: Any
    mark: Any
    multiplier: Any
    fixed: Any | None
    group: int | None

    @property
    def is_inverse(self) -> bool:
        """Whether profit and notional go with 1/mark."""
        return self.terms.contract is Contract.INVERSE

    def required(self, mark: Any) -> Any:
        """Return the cross requirement at a mark, in the settle asset."""
        if self.fixed is not None:
            return self.fixed
        notional = abs(self.size) / mark if self.is_inverse else abs(self.size) * mark
        tier = self.terms.tiers[self.terms.tier_index(notional, self.multiplier)]
        return maintenance_margin(notional, tier, self.terms.closing_fee_rate, self.multiplier)

    def profit(self, mark: Any) -> Any:
        """Return the profit at a mark, in the settle asset."""
        return self.size / self.entry - self.size / mark if self.is_inverse else self.size * (mark - self.entry)

    def floors(self) -> Iterator[Decimal]:
        """Yield the marks at which another bracket begins."""
        if self.fixed is None and self.size:
            amount = abs(self.size)
            floors = (floor * self.multiplier for floor in self.terms.floors if floor)
            yield from (amount / floor if self.is_inverse else floor / amount for floor in floors)


class Coin(NamedTuple):
    """Hold what is held of one asset before profits: its index price, and what a USD of it counts held and owed."""

    wallet: Any
    index: Any
    held: Any
    owed: Any


class Book(NamedTuple):
    """Hold a portfolio scope with everything that may move taken apart; in decimals, or in floats to search with."""

    terms: Terms
    legs: tuple[Walker, ...]
    coins: Mapping[str, Coin]
    k: Fraction
    kind: Kind = FINE

    def in_floats(self) -> Book:
        """Return the same rounded: quick to evaluate."""
        legs = tuple(
            leg._replace(
                terms=leg.terms.rational,
                multiplier=fraction_of(leg.multiplier),
                size=float(leg.size),
                entry=float(leg.entry),
                mark=float(leg.mark),
                fixed=None if leg.fixed is None else float(leg.fixed),
            )
            for leg in self.legs
        )
        coins = {name: Coin(*map(float, coin)) for name, coin in self.coins.items()}
        return self._replace(legs=legs, coins=coins, kind=FLOATS)


def book_of(account: Account, legs: Sequence[Leg], assets: Mapping[str, Any], terms: Terms, k: Fraction) -> Book:
    """Return a portfolio scope whose figures are known as a book that can be moved. Needs `FINE_DIGITS`."""
    group_of: dict[str, int] = {}
    if not isinstance(terms, HyperliquidTerms):
        group_of = {symbol: number for number, group in enumerate(terms.groups) for symbol in group.members}
    coins = {}
    for name, asset in assets.items():
        index = asset.index_price
        wallet = account.balances.get(name, _NOTHING)
        coins[name] = Coin(wallet, index, bid_price(asset) / index, ask_price(asset) / index)
    return Book(terms, tuple(_walker(account, leg, group_of.get(leg.position.symbol)) for leg in legs), coins, k)


def _walker(account: Account, leg: Leg, group: int | None) -> Walker:
    position, instrument = leg.position, leg.instrument
    assert instrument is not None and leg.mark_price is not None and leg.maintenance_margin is not None, "known figures"
    at_entry = instrument.maintenance_basis is MaintenanceBasis.ENTRY
    return Walker(
        position.symbol,
        str(position.side),
        instrument,
        position.quantity * instrument.contract_size,
        position.entry_price,
        leg.mark_price,
        account.settings.bracket_multiplier.get(position.symbol, _ONE),
        in_fine_digits(leg.maintenance_margin) if at_entry else None,
        group,
    )


class Journey:
    """Evaluate a book along a way; what does not move is evaluated once."""

    def __init__(self, book: Book, way: Way) -> None:
        self._book, self._way = book, way
        self._zero = Dual(book.kind(0), book.kind(0))
        self._moving = [leg for leg in book.legs if leg.symbol in way.marks or leg.terms.settle_asset in way.indices]
        still = [leg for leg in book.legs if leg not in self._moving]
        self._held = {name: coin.wallet for name, coin in book.coins.items()}
        self._entries = [self._entry(leg, leg.mark, book.coins[leg.terms.settle_asset].index) for leg in still]
        for leg in still:
            self._held[leg.terms.settle_asset] += leg.profit(leg.mark)
        self._coins = _coins_by_group(book.terms, self._held)
        self._still = exposed(self._entries, _count_groups(book.terms), book.kind(0))
        self._known: dict[Any, Dual] = {}

    def margin(self, place: Any) -> Dual:
        """Return equity − k·requirement (of hyperliquid: of the token that has least of it) at a place, in USD."""
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._margin(place)
        return known

    def bends(self, place: Decimal) -> Iterator[Decimal]:
        """Yield where, as seen from a place, the margin may bend upwards: where a delta or an amount becomes 0."""
        exposure = self._exposure(place, *self._amounts(place))
        worth: list[Any] = [token.held * token.price for token in exposure.tokens]
        if not isinstance(self._book.terms, HyperliquidTerms) and self._book.terms.basis_rate:
            worth += [sums.delta for sums in exposure.groups]
        for amount in worth:
            if isinstance(amount, Dual) and amount.slope:
                yield place - amount.value / amount.slope

    def _margin(self, place: Any) -> Dual:
        held, indices = self._amounts(place)
        figures = requirement(self._book.terms, self._exposure(place, held, indices), self._book.kind)
        k = self._book.kind(self._book.k)
        if figures.equity is not None:
            lefts: list[Dual] = [part.value - part.requirement * k for part in figures.parts]
            return min(lefts, default=self._zero)
        equity: Dual = self._zero
        for name, amount in held.items():
            coin = self._book.coins[name]
            equity = equity + amount * indices[name] * (coin.owed if amount < 0 else coin.held)
        left: Dual = equity - figures.maintenance * k
        return left

    def _amounts(self, place: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        held = dict(self._held)
        for leg in self._moving:
            held[leg.terms.settle_asset] = held[leg.terms.settle_asset] + leg.profit(self._mark(leg, place))
        moved = self._way.indices
        return held, {
            name: moved[name](place) if name in moved else coin.index for name, coin in self._book.coins.items()
        }

    def _mark(self, leg: Walker, place: Any) -> Any:
        moved = self._way.marks.get(leg.symbol)
        return leg.mark if moved is None else moved(place)

    def _entry(self, leg: Walker, mark: Any, index: Any) -> Entry[Any]:
        delta = leg.size if leg.is_inverse else leg.size * mark * index
        needed = leg.required(mark) * index if leg.group is None else self._book.kind(0)
        return Entry(leg.symbol, leg.side, leg.group, delta, needed, leg.terms.settle_asset, self._book.kind(0))

    def _exposure(self, place: Any, held: Mapping[str, Any], indices: Mapping[str, Any]) -> Exposure[Any]:
        """Return what the methods look at: the sums that stand still, and what moves added to them."""
        terms, nothing = self._book.terms, self._book.kind(0)
        moving = [self._entry(leg, self._mark(leg, place), indices[leg.terms.settle_asset]) for leg in self._moving]
        moving += [
            Entry(name, ASSET_SIDE, number, held[name] * indices[name], nothing, name, nothing)
            for name, number in self._coins
        ]
        groups, ungrouped = list(self._still.groups), self._zero + self._still.ungrouped
        for entry in moving:
            if entry.group is None:
                ungrouped = ungrouped + entry.requirement
            else:
                groups[entry.group] = _with(groups[entry.group], entry)
        tokens: tuple[TokenAmount[Any], ...] = ()
        if isinstance(terms, HyperliquidTerms):
            tokens = tuple(
                TokenAmount(held.get(token.asset, nothing), indices.get(token.asset, nothing)) for token in terms.tokens
            )
        return Exposure((*self._entries, *moving), tuple(groups), ungrouped, tokens)


def _count_groups(terms: Terms) -> int:
    return 0 if isinstance(terms, HyperliquidTerms) else len(terms.groups)


def _coins_by_group(terms: Terms, held: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the held assets that stand in a group, with its number."""
    if isinstance(terms, HyperliquidTerms):
        return []
    return [(name, number) for number, group in enumerate(terms.groups) for name in group.assets if name in held]


def _with(sums: GroupSums[Any], entry: Entry[Any]) -> GroupSums[Any]:
    """Return the sums of a group with one entry more."""
    delta, is_long = entry.delta, entry.delta > 0
    counts = entry.side != ASSET_SIDE
    return GroupSums(
        sums.delta + delta,
        sums.gross + abs(delta) if counts else sums.gross,
        sums.long + delta if is_long else sums.long,
        sums.short if is_long else sums.short - delta,
    )
