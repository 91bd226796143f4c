"""Holdings: one position as a reduction sees it, and the quantities at which something about it changes.

Figures of the scope it stands in live in `projection`, which reduction a venue chooses in the rooms of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Generic

from monitor.core.accounts import MarginType, Side
from monitor.core.amounts import N
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis
from monitor.core.legs import Leg
from monitor.core.positions import maintenance_margin

QUANTITY_DIGITS = 40
"""Significant digits of a quantity that does not end sooner: there is no published step to round to."""

_UP = Context(prec=QUANTITY_DIGITS, rounding=ROUND_CEILING, Emin=-999_999, Emax=999_999)
_DOWN = Context(prec=QUANTITY_DIGITS, rounding=ROUND_FLOOR, Emin=-999_999, Emax=999_999)


@dataclass(slots=True)
class Holding(Generic[N]):
    """Hold one position that may be reduced.

    `whole` is its quantity without sign, `gone` how much of that is planned to go, `required` what is left requires.
    `unit` is the notional of one contract at the mark, `margined_unit` the same at the price the requirement is taken
    at. `weight` is what one unit of its settle asset that is required counts in the unit of the scope, `index` what it
    is worth there, and `dollar` what it is worth in USD.
    """

    leg: Leg
    terms: Instrument[N]
    number: Callable[[Decimal], N]
    whole: Decimal
    unit: N
    margined_unit: N
    multiplier: N
    weight: N
    index: N
    dollar: N
    fee_rate: N
    gone: Decimal = Decimal(0)
    required: N = field(init=False)

    def __post_init__(self) -> None:
        self.required = self.requirement(self.whole)

    def reduce(self, quantity: Decimal) -> None:
        """Take so much away. Needs the exact context."""
        self.gone += quantity
        self.required = self.requirement(self.left)

    def restore(self) -> None:
        """Take nothing away any more. Needs the exact context."""
        self.gone -= self.gone
        self.required = self.requirement(self.whole)

    @property
    def symbol(self) -> str:
        """The contract."""
        return self.leg.position.symbol

    @property
    def side(self) -> Side:
        """The leg of the contract."""
        return self.leg.position.side

    @property
    def is_cross(self) -> bool:
        """Whether it shares its wallet."""
        return self.leg.position.margin_type is MarginType.CROSS

    @property
    def left(self) -> Decimal:
        """How many contracts are left. Needs the exact context."""
        return self.whole - self.gone

    @property
    def grain(self) -> Decimal:
        """The smallest quantity that is told apart: one unit of the 40th digit of the whole."""
        return Decimal((0, (1,), self.whole.adjusted() - QUANTITY_DIGITS + 1))

    @property
    def signed_left(self) -> Decimal:
        """The quantity that is left, short negative. Needs the exact context."""
        return self.left if self.leg.position.quantity > 0 else -self.left

    def notional(self, quantity: Decimal) -> N:
        """Return the notional of so many contracts at the mark, in the settle asset."""
        return self.number(quantity) * self.unit

    def requirement(self, left: Decimal) -> N:
        """Return the maintenance margin of so many contracts, in the settle asset; of none nothing is required."""
        if not left:
            return self.number(left)
        margined = self.number(left) * self.margined_unit
        tier = self.terms.tiers[self.terms.tier_index(margined, self.multiplier)]
        return maintenance_margin(margined, tier, self.terms.closing_fee_rate, self.multiplier)

    def bracket(self) -> int:
        """Return the index of the bracket what is left lies in."""
        return self.terms.tier_index(self.number(self.left) * self.margined_unit, self.multiplier)

    def down_to(self, margined: N) -> Decimal:
        """Return the least quantity to reduce by so that no more than this notional is left."""
        top = self.number(self.left) * self.margined_unit - margined
        return min(rounded_up(top, self.margined_unit), self.left)

    def down_to_floor(self, bracket: int) -> Decimal:
        """Return the quantity to reduce by so that the floor of a bracket is left."""
        return self.down_to(self.terms.tiers[bracket].floor * self.multiplier)

    def corners(self) -> Iterator[Decimal]:
        """Yield, rising, the reductions between which the requirement is linear: each floor, and just beyond it."""
        for index in range(self.bracket(), -1, -1):
            tier = self.terms.tiers[index]
            rate, deduction = tier.rate + self.terms.closing_fee_rate, tier.deduction * self.multiplier
            if rate and tier.floor * self.multiplier * rate < deduction:
                top = self.number(self.left) * self.margined_unit * rate - deduction
                if top > 0:
                    yield min(rounded_up(top, self.margined_unit * rate), self.left)
            if index:
                above = self.number(self.left) * self.margined_unit - tier.floor * self.multiplier
                at_floor = rounded_down(above, self.margined_unit)
                yield at_floor
                yield min(at_floor + self.grain, self.left)
            elif deduction < 0:
                yield self.left - self.grain
        yield self.left


def rounded_up(top: N, bottom: N) -> Decimal:
    """Return top ÷ bottom, rounded up to 40 significant digits where it does not end sooner."""
    return _divided(_UP, top, bottom)


def rounded_down(top: N, bottom: N) -> Decimal:
    """Return top ÷ bottom, rounded down to 40 significant digits where it does not end sooner."""
    return _divided(_DOWN, top, bottom)


def to_digits(quantity: Decimal) -> Decimal:
    """Return a quantity rounded up to 40 significant digits."""
    return _UP.plus(quantity)


def _divided(context: Context, top: N, bottom: N) -> Decimal:
    if isinstance(top, Decimal):
        return context.divide(top, Decimal(bottom))
    ratio = Fraction(top) / Fraction(bottom)
    return context.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))


def units_of(leg: Leg, terms: Instrument[N], number: Callable[[Decimal], N]) -> tuple[N, N]:
    """Return the notional of one contract at the mark and at the price its requirement is taken at."""
    assert leg.mark_price is not None, "asked of a known scope"
    mark = number(leg.mark_price)
    margined = number(leg.position.entry_price) if terms.maintenance_basis is MaintenanceBasis.ENTRY else mark
    if terms.contract is Contract.INVERSE:
        return terms.contract_size / mark, terms.contract_size / margined
    return terms.contract_size * mark, terms.contract_size * margined
