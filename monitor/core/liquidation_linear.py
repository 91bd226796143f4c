"""The liquidation price of one linear position against one asset: the common case, in decimals and without roots.

Hedge legs, inverse contracts and collateral that moves with the mark are solved in `liquidation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.amounts import Number, quotient
from monitor.core.instruments import Instrument, MaintenanceBasis

_ZERO = Decimal(0)


class _Ratio(NamedTuple):
    """Hold a notional as top ÷ bottom (above 0), undivided, so that it is compared exactly."""

    top: Decimal
    bottom: Decimal


class _Line(NamedTuple):
    """Hold what F(x) = d·E − n·MM is made of, x the notional of the position and k = n/d.

    F(x) = base + gain·x − weight·requirement(x), with gain = ±d and weight = n.
    """

    base: Decimal
    gain: Decimal
    weight: Decimal
    at: Decimal


def nearest_mark(
    instrument: Instrument[Decimal],
    size: Decimal,
    mark_price: Decimal,
    multiplier: Decimal,
    equity: Decimal,
    requirement: Decimal,
    own_requirement: Decimal,
    k: Fraction,
) -> Number | None:
    """Return the mark above 0 nearest to the present one where E = k·MM, to 60 digits; None where there is none.

    `size` is q·contract_size, equity and requirement the scope's, `own_requirement` the position's part of the latter.
    Where published deductions make the requirement jump over the line, the floor counts. Needs the exact context.
    """
    amount = abs(size)
    at = amount * mark_price
    weight, divisor = Decimal(k.numerator), Decimal(k.denominator)
    gain = divisor if size > 0 else -divisor
    base = equity * divisor - gain * at - (requirement - own_requirement) * weight
    line = _Line(base, gain, weight, at)
    if instrument.maintenance_basis is MaintenanceBasis.ENTRY:
        fixed = base - own_requirement * weight
        nearest = next(_zero(fixed, gain), None)
    else:
        nearest = _outwards(instrument, multiplier, line)
    return None if nearest is None else quotient(nearest.top, nearest.bottom * amount)


def _outwards(instrument: Instrument[Decimal], multiplier: Decimal, line: _Line) -> _Ratio | None:
    """Walk from the bracket in force to its neighbours, both ways, no further than the nearest zero found."""
    present = instrument.tier_index(line.at, multiplier)
    floors = [floor * multiplier for floor in instrument.floors]
    best: _Ratio | None = None
    for candidate in _in_bracket(instrument, multiplier, floors, present, line):
        best = _nearer(line.at, best, candidate)
    for number in range(present, 0, -1):
        if best is not None and not _within(line.at - floors[number], line.at, best):
            break
        for candidate in _below(instrument, multiplier, floors, number, line):
            best = _nearer(line.at, best, candidate)
    for number in range(present + 1, len(floors)):
        if best is not None and not _within(floors[number] - line.at, line.at, best):
            break
        for candidate in _above(instrument, multiplier, floors, number, line):
            best = _nearer(line.at, best, candidate)
    return best


def _below(
    instrument: Instrument[Decimal], multiplier: Decimal, floors: list[Decimal], number: int, line: _Line
) -> Iterator[_Ratio]:
    yield from _jump(instrument, multiplier, floors, number, line)
    yield from _in_bracket(instrument, multiplier, floors, number - 1, line)


def _above(
    instrument: Instrument[Decimal], multiplier: Decimal, floors: list[Decimal], number: int, line: _Line
) -> Iterator[_Ratio]:
    yield from _jump(instrument, multiplier, floors, number, line)
    yield from _in_bracket(instrument, multiplier, floors, number, line)


def _in_bracket(
    instrument: Instrument[Decimal], multiplier: Decimal, floors: list[Decimal], number: int, line: _Line
) -> Iterator[_Ratio]:
    """Yield the zeros of F inside a bracket: on the line of its requirement, and where that is not above 0."""
    tier = instrument.tiers[number]
    rate, deduction = tier.rate + instrument.closing_fee_rate, tier.deduction * multiplier
    low, high = floors[number], floors[number + 1] if number + 1 < len(floors) else None
    slope, height = line.gain - line.weight * rate, line.base + line.weight * deduction
    if slope or height:
        for zero in _zero(height, slope):
            if _inside(zero, low, high) and rate * zero.top >= deduction * zero.bottom:
                yield zero
    else:
        yield _Ratio(_clamped(line.at, low, high), Decimal(1))
    if deduction > 0:
        for zero in _zero(line.base, line.gain):
            if _inside(zero, low, high) and rate * zero.top <= deduction * zero.bottom:
                yield zero


def _zero(height: Decimal, slope: Decimal) -> Iterator[_Ratio]:
    """Yield x above 0 with height + slope·x = 0."""
    if (slope > 0 > height) or (slope < 0 < height):
        yield _Ratio(abs(height), abs(slope))


def _inside(zero: _Ratio, low: Decimal, high: Decimal | None) -> bool:
    return low * zero.bottom <= zero.top and (high is None or zero.top <= high * zero.bottom)


def _clamped(at: Decimal, low: Decimal, high: Decimal | None) -> Decimal:
    return max(at, low) if high is None else min(max(at, low), high)


def _jump(
    instrument: Instrument[Decimal], multiplier: Decimal, floors: list[Decimal], number: int, line: _Line
) -> Iterator[_Ratio]:
    """Yield the floor of a bracket where F jumps over 0 there."""
    floor = floors[number]
    left, right = (
        floor * (tier.rate + instrument.closing_fee_rate) - tier.deduction * multiplier
        for tier in instrument.tiers[number - 1 : number + 1]
    )
    if left == right:
        return
    free = line.base + line.gain * floor
    before, after = free - line.weight * max(left, _ZERO), free - line.weight * max(right, _ZERO)
    if before < 0 < after or after < 0 < before:
        yield _Ratio(floor, Decimal(1))


def _within(distance: Decimal, at: Decimal, best: _Ratio) -> bool:
    """Return whether a distance is not above that of the best zero."""
    return distance * best.bottom <= abs(best.top - at * best.bottom)


def _nearer(at: Decimal, best: _Ratio | None, candidate: _Ratio) -> _Ratio:
    """Return the zero nearer to the present notional, the lower of two at the same distance."""
    if best is None:
        return candidate
    mine = abs(candidate.top - at * candidate.bottom) * best.bottom
    other = abs(best.top - at * best.bottom) * candidate.bottom
    lower = candidate.top * best.bottom < best.top * candidate.bottom
    return candidate if mine < other or (mine == other and lower) else best
