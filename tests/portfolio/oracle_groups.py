"""What the oracle's methods add up: a book, its groups with what they hold, and exact powers.

The methods themselves are in `oracle_methods`; nothing here is shared with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

F = Fraction
ZERO = F(0)
Key = tuple[str, str]
"""A position (symbol, side), or a held asset (name, "asset")."""
Table = Mapping[str, Any]


@dataclass(frozen=True)
class Book:
    """What a method sees of an account, in USD but for `held`.

    `coins` names the settle asset of every inverse contract there is, held or not.
    """

    deltas: Mapping[Key, Fraction]
    requirements: Mapping[Key, Fraction]
    held: Mapping[str, Fraction]
    prices: Mapping[str, Fraction]
    coins: Mapping[str, str]


@dataclass
class Answer:
    """What a method says; `equity` is None where it is that of multi-asset margin."""

    maintenance: Fraction
    initial: Fraction
    scenarios: list[tuple[str, Fraction, Fraction]] = field(default_factory=list)
    """Name, weighted loss, weight."""
    worst: str | None = None
    components: dict[str, Fraction] = field(default_factory=dict)
    euler: dict[Key, Fraction] = field(default_factory=dict)
    equity: Fraction | None = None
    rounded: bool = False


def number(table: Table, name: str, default: str) -> Fraction:
    """Return a parameter, or the value the contract shows for it."""
    return F(table.get(name, default))


def clipped(move: Fraction) -> Fraction:
    """Return a move, not below −100 %."""
    return max(move, F(-1))


def power(base: Fraction, exponent: Fraction) -> tuple[Fraction, bool]:
    """Return base^exponent and whether it was rounded: exact where it is rational, else 60 significant digits."""
    if base == 0:
        return F(exponent == 0), False
    raised = base**exponent.numerator
    roots = [whole_root(part, exponent.denominator) for part in (raised.numerator, raised.denominator)]
    if None not in roots:
        return F(*roots), False
    context = Context(prec=120, rounding=ROUND_HALF_EVEN)
    long = context.divide(Decimal(base.numerator), Decimal(base.denominator))
    by = context.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    return F(Context(prec=60, rounding=ROUND_HALF_EVEN).plus(context.power(long, by))), True


def whole_root(number: int, degree: int) -> int | None:
    """Return the whole root of a number, None where there is none; by bisection."""
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < number:
            low = middle + 1
        else:
            high = middle
    return low if low**degree == number else None


class Group:
    """The contracts and assets that move together, and what an account has of them."""

    def __init__(self, name: str, table: Table, book: Book, taken: set[str]) -> None:
        self.name, self.table = name, table
        members = tuple(table["members"])
        assets = [*table.get("assets", ())]
        coins = [book.coins[symbol] for symbol in members if symbol in book.coins]
        self.assets = tuple(dict.fromkeys([*assets, *(coin for coin in coins if coin not in taken)]))
        self.positions = {key: delta for key, delta in book.deltas.items() if key[0] in members}
        owned = {(asset, "asset"): book.held.get(asset, ZERO) for asset in self.assets}
        self.holdings = {key: amount * book.prices[key[0]] if amount else ZERO for key, amount in owned.items()}
        self.parts = {**self.positions, **self.holdings}
        self.delta = sum(self.parts.values(), ZERO)
        self.gross = sum(map(abs, self.positions.values()), ZERO)
        self.long = sum((part for part in self.parts.values() if part > 0), ZERO)
        self.short = -sum((part for part in self.parts.values() if part < 0), ZERO)

    @property
    def hedged(self) -> Fraction:
        """The smaller of what is long and what is short."""
        return min(self.long, self.short)


def groups_of(tables: Table, book: Book) -> list[Group]:
    """Return the configured groups; the coin of an inverse member is held in its group unless another one names it."""
    taken = {asset for table in tables.values() for asset in table.get("assets", ())}
    groups = []
    for name, table in tables.items():
        groups.append(Group(name, table, book, taken))
        taken |= set(groups[-1].assets)
    return groups


def ungrouped(groups: Sequence[Group], book: Book) -> Fraction:
    """Return the cross requirements of the positions that stand in no group."""
    grouped = {key for group in groups for key in group.positions}
    return sum((needed for key, needed in book.requirements.items() if key not in grouped), ZERO)


def shares(groups: Iterable[Group], book: Book) -> dict[Key, Fraction]:
    """Return a share of nothing for every position and every held asset."""
    assets = {key: ZERO for group in groups for key in group.holdings}
    return {**dict.fromkeys(book.deltas, ZERO), **assets}
