"""The liquidation price of any scope: how equity and requirement depend on one mark, piece by piece.

The pieces are written down here, `piecewise` finds where they meet; `liquidation` says what stands beside the moving
positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from monitor.core.instruments import Contract, Instrument
from monitor.core.liquidation_walk import Beside
from monitor.core.piecewise import Laurent, nearest_zero

_INVERSE = Contract.INVERSE


class Moving(NamedTuple):
    """Hold one position whose mark moves, in fractions; `fixed` is its requirement where that is taken at entry."""

    terms: Instrument[Fraction]
    size: Fraction
    entry: Fraction
    multiplier: Fraction
    fixed: Fraction | None

    def profit(self) -> Laurent:
        """Return the profit in the settle asset as a function of the mark."""
        if self.terms.contract is _INVERSE:
            return Laurent(inverse=-self.size, constant=self.size / self.entry)
        return Laurent(constant=-self.size * self.entry, linear=self.size)

    def requirement(self, around: Fraction) -> Laurent:
        """Return the requirement in the settle asset as it is around a mark."""
        if self.fixed is not None:
            return Laurent(constant=self.fixed)
        inverse, amount = self.terms.contract is _INVERSE, abs(self.size)
        notional = amount / around if inverse else amount * around
        tier = self.terms.tiers[self.terms.tier_index(notional, self.multiplier)]
        rate, deduction = tier.rate + self.terms.closing_fee_rate, tier.deduction * self.multiplier
        if notional * rate <= deduction:
            return Laurent()
        per_mark = amount * rate
        return Laurent(per_mark, -deduction) if inverse else Laurent(constant=-deduction, linear=per_mark)

    def cuts(self) -> Iterator[Fraction]:
        """Yield the marks at which the requirement changes its form: at floors, and where it leaves 0."""
        if self.fixed is not None:
            return
        amount, floors = abs(self.size), (*self.terms.floors, None)
        for number, tier in enumerate(self.terms.tiers):
            rate, next_floor = tier.rate + self.terms.closing_fee_rate, floors[number + 1]
            notionals = [tier.floor]
            if rate and tier.deduction > 0:
                leaves = tier.deduction / rate
                notionals += [leaves] if tier.floor < leaves and (next_floor is None or leaves < next_floor) else []
            for notional in notionals:
                if notional:
                    at = notional * self.multiplier
                    yield amount / at if self.terms.contract is _INVERSE else at / amount


class Model(NamedTuple):
    """Hold how equity and requirement of a scope depend on one mark, in fractions."""

    legs: tuple[Moving, ...]
    mark: Fraction
    beside: Beside[Fraction]

    def liquidation_price(self, k: Fraction) -> Fraction | None:
        """Return the mark nearest to the present one where E = k·MM."""
        return nearest_zero(self.mark, self._cuts(), lambda around: self._margin(around, k))

    def _cuts(self) -> Iterator[Fraction]:
        for leg in self.legs:
            yield from leg.cuts()
        if self.beside.bid != self.beside.ask:
            yield from self._coin().roots()

    def _coin(self) -> Laurent:
        coin = Laurent(constant=self.beside.held)
        for leg in self.legs:
            coin = coin.plus(leg.profit())
        return coin

    def _margin(self, around: Fraction, k: Fraction) -> Laurent:
        """Return d·E − n·MM (k = n/d) as it is around a mark."""
        coin, requirement = self._coin(), Laurent()
        for leg in self.legs:
            requirement = requirement.plus(leg.requirement(around))
        own = coin.scaled(self.beside.bid if coin.at(around) >= 0 else self.beside.ask).scaled(k.denominator)
        own = own.plus(requirement.scaled(-self.beside.ask * k.numerator))
        moved = self.beside.moved_value * k.denominator - self.beside.moved_required * k.numerator
        rest = Laurent(
            constant=self.beside.value * k.denominator - self.beside.required * k.numerator, linear=moved / self.mark
        )
        return rest.plus(own.times_p(1 / self.mark) if self.beside.moves else own)
