"""The liquidation price of a single position by walking its brackets: the common case, without a search for roots.

For one position the margin E − k·MM, times a factor above 0, is linear in the position's notional within a bracket.
That holds for a linear contract and for an inverse one, in one asset and in USD; where it does not (hedge legs, a coin
that moves against a contract settled in another) `liquidation_forms` solves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple

from monitor.core.amounts import N
from monitor.core.instruments import Contract, Instrument


class Beside(NamedTuple, Generic[N]):
    """Hold what a scope has beside the positions whose mark moves.

    `held` is the amount of their settle asset, `bid` and `ask` what one unit of it counts when it is held and owed;
    `value` and `required` are what else there is and stays, `moved_value` and `moved_required` what moves in proportion
    with the mark, as the settle asset's own price does when it `moves`.
    """

    held: N
    bid: N
    ask: N
    value: N
    required: N
    moved_value: N
    moved_required: N
    moves: bool


class Single(NamedTuple, Generic[N]):
    """Hold the one position whose mark moves; `size` is q·contract_size, `fixed` a requirement taken at the entry."""

    terms: Instrument[N]
    size: N
    entry: N
    mark: N
    multiplier: N
    fixed: N | None
    one: N


class Ratio(NamedTuple, Generic[N]):
    """Hold a notional above 0 as top ÷ bottom, undivided, so that it is compared exactly."""

    top: N
    bottom: N


class Line(NamedTuple, Generic[N]):
    """Hold F(x) = base + gain·x − weight·requirement(x), x the notional of the position.

    It holds where sign·(held + held_gain·x) is not below 0: while the amount of the settle asset has that sign.
    """

    base: N
    gain: N
    weight: N
    held: N
    held_gain: N
    sign: int


def nearest_price(single: Single[N], beside: Beside[N], weight: N, divisor: N) -> Ratio[N] | None:
    """Return the mark nearest to the present one where E = k·MM, k = weight ÷ divisor, undivided; None without one.

    Not for a linear contract whose settle asset moves, nor for an inverse one beside another coin that does: there the
    margin is not linear in the notional.
    """
    terms, amount = single.terms, abs(single.size)
    inverse = terms.contract is Contract.INVERSE
    at = amount / single.mark if inverse else amount * single.mark
    lines = _inverse_lines if inverse else _linear_lines
    multiplier = single.multiplier
    floors = terms.floors if multiplier == 1 else tuple(floor * multiplier for floor in terms.floors)
    walk = Walk(
        terms, multiplier, floors, at, single.one, lines(single, beside, at, weight, divisor), inverse, single.fixed
    )
    zero = walk.nearest()
    if zero is None:
        return None
    return Ratio(amount * zero.bottom, zero.top) if inverse else Ratio(zero.top, zero.bottom * amount)


def _linear_lines(single: Single[N], beside: Beside[N], at: N, weight: N, divisor: N) -> list[Line[N]]:
    """Return the margin of a linear position, times its present notional where other collateral moves with the mark.

    Its profit is ±x − q·size·entry; what moves is worth its present value times x ÷ present notional.
    """
    sign = single.one if single.size > 0 else -single.one
    held = beside.held - single.size * single.entry
    moved = divisor * beside.moved_value - weight * beside.moved_required
    scale = at if moved else single.one
    return [
        Line(
            scale * (divisor * (beside.value + price * held) - weight * beside.required),
            scale * divisor * price * sign + moved,
            scale * weight * beside.ask,
            held,
            sign,
            side,
        )
        for price, side in _prices(beside)
    ]


def _inverse_lines(single: Single[N], beside: Beside[N], at: N, weight: N, divisor: N) -> list[Line[N]]:
    """Return the margin of an inverse position, times x ÷ present notional where its coin moves with the mark.

    Its profit is q·size/entry ∓ x, and the mark is the present one times present notional ÷ x.
    """
    sign = single.one if single.size > 0 else -single.one
    held = beside.held + single.size / single.entry
    rest = divisor * beside.value - weight * beside.required
    if beside.moves:
        base, gain = -weight * beside.moved_required, rest / at
    else:
        base, gain = rest, single.one - single.one
    return [
        Line(base + divisor * price * held, gain - divisor * price * sign, weight * beside.ask, held, -sign, side)
        for price, side in _prices(beside)
    ]


def _prices(beside: Beside[N]) -> list[tuple[N, int]]:
    """Return what a unit of the settle asset counts and for which sign of its amount (0: both)."""
    return [(beside.ask, 0)] if beside.bid == beside.ask else [(beside.bid, 1), (beside.ask, -1)]


@dataclass(frozen=True, slots=True)
class Walk(Generic[N]):
    """Hold the brackets of one position and the lines of its margin, and find the nearest zero among them.

    `floors` are multiplied already, `at` is the present notional, `one` the number 1; `fixed` is a requirement that
    does not move; `reciprocal` says that the price is size ÷ notional.
    """

    terms: Instrument[N]
    multiplier: N
    floors: Sequence[N]
    at: N
    one: N
    lines: Sequence[Line[N]]
    reciprocal: bool
    fixed: N | None = None

    def nearest(self) -> Ratio[N] | None:
        """Return the notional above 0 of the price nearest to the present one where F is 0 or jumps over 0."""
        if self.fixed is not None:
            return self._nearest_of(None, self._with_fixed(self.fixed))
        present = self.terms.tier_index(self.at, self.multiplier)
        best = self._nearest_of(None, self._in_bracket(present))
        for number in range(present, 0, -1):
            if not self._may_be_nearer(self.floors[number], best):
                break
            best = self._nearest_of(best, self._jump(number))
            best = self._nearest_of(best, self._in_bracket(number - 1))
        for number in range(present + 1, len(self.floors)):
            if not self._may_be_nearer(self.floors[number], best):
                break
            best = self._nearest_of(best, self._jump(number))
            best = self._nearest_of(best, self._in_bracket(number))
        return best

    def _with_fixed(self, fixed: N) -> Iterator[Ratio[N]]:
        for line in self.lines:
            height = line.base - line.weight * fixed
            here = Ratio(self.at, self.one)
            if not height and not line.gain and _holds(line, here):
                yield here
            yield from (zero for zero in _zero(height, line.gain) if _holds(line, zero))

    def _in_bracket(self, number: int) -> Iterator[Ratio[N]]:
        """Yield the zeros inside a bracket: with its requirement, and where the deduction leaves none."""
        tier = self.terms.tiers[number]
        rate, deduction = tier.rate + self.terms.closing_fee_rate, tier.deduction * self.multiplier
        for line in self.lines:
            slope, height = line.gain - line.weight * rate, line.base + line.weight * deduction
            for zero in self._zeros(height, slope, number):
                if rate * zero.top >= deduction * zero.bottom and _holds(line, zero):
                    yield zero
            if deduction > 0:
                for zero in self._zeros(line.base, line.gain, number):
                    if rate * zero.top <= deduction * zero.bottom and _holds(line, zero):
                        yield zero

    def _zeros(self, height: N, slope: N, number: int) -> Iterator[Ratio[N]]:
        """Yield where height + slope·x is 0 inside a bracket; the nearest point of it where that is 0 everywhere."""
        low, high = self.floors[number], self.floors[number + 1] if number + 1 < len(self.floors) else None
        if not slope and not height:
            nearest = max(self.at, low) if high is None else min(max(self.at, low), high)
            yield Ratio(nearest, self.one)
        for zero in _zero(height, slope):
            if low * zero.bottom <= zero.top and (high is None or zero.top <= high * zero.bottom):
                yield zero

    def _jump(self, number: int) -> Iterator[Ratio[N]]:
        """Yield the floor of a bracket where published deductions make F jump over 0."""
        floor, fee, nothing = self.floors[number], self.terms.closing_fee_rate, self.one - self.one
        below, above = (
            max(floor * (tier.rate + fee) - tier.deduction * self.multiplier, nothing)
            for tier in self.terms.tiers[number - 1 : number + 1]
        )
        if below == above:
            return
        at_floor = Ratio(floor, self.one)
        for line in self.lines:
            free = line.base + line.gain * floor
            before, after = free - line.weight * below, free - line.weight * above
            if (before < 0 < after or after < 0 < before) and _holds(line, at_floor):
                yield at_floor

    def _distance(self, zero: Ratio[N]) -> Ratio[N]:
        """Return how far the price of a notional lies from the present one, in units common to all of them."""
        return Ratio(abs(zero.top - self.at * zero.bottom), zero.top if self.reciprocal else zero.bottom)

    def _may_be_nearer(self, floor: N, best: Ratio[N] | None) -> bool:
        if best is None:
            return True
        edge, found = self._distance(Ratio(floor, self.one)), self._distance(best)
        return edge.top * found.bottom <= found.top * edge.bottom

    def _nearest_of(self, best: Ratio[N] | None, found: Iterator[Ratio[N]]) -> Ratio[N] | None:
        """Return the nearest price, the lower of two at the same distance."""
        for zero in found:
            if best is None:
                best = zero
                continue
            mine, other = self._distance(zero), self._distance(best)
            left, right = mine.top * other.bottom, other.top * mine.bottom
            lower = (zero.top * best.bottom < best.top * zero.bottom) is not self.reciprocal
            if left < right or (left == right and lower):
                best = zero
        return best


def _zero(height: N, slope: N) -> Iterator[Ratio[N]]:
    """Yield x above 0 with height + slope·x = 0."""
    if (slope > 0 > height) or (slope < 0 < height):
        yield Ratio(abs(height), abs(slope))


def _holds(line: Line[N], zero: Ratio[N]) -> bool:
    """Return whether a line is the one in force at a notional."""
    return not line.sign or (line.held * zero.bottom + line.held_gain * zero.top) * line.sign >= 0
