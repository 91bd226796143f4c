"""Roots of functions that are, between known cuts, sums of p⁻¹, 1, p and p².

Only mathematics lives here: exact polynomials, their roots, and the search for the root nearest to a point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

_ZERO = Fraction(0)
_ROOT_DIGITS = 80


class Laurent(NamedTuple):
    """Hold a/p + b + c·p + d·p²."""

    inverse: Fraction = _ZERO
    constant: Fraction = _ZERO
    linear: Fraction = _ZERO
    square: Fraction = _ZERO

    def plus(self, other: Laurent) -> Laurent:
        """Return the sum."""
        return Laurent(*(one + two if two else one for one, two in zip(self, other, strict=True)))

    def scaled(self, factor: Fraction | int) -> Laurent:
        """Return the product with a number."""
        return Laurent(*(one * factor if one else one for one in self))

    def times_p(self, factor: Fraction) -> Laurent:
        """Return the product with factor·p; a p² would leave the form."""
        assert not self.square, "a product with p needs a form without p²"
        return Laurent(_ZERO, self.inverse, self.constant, self.linear).scaled(factor)

    def at(self, p: Fraction) -> Fraction:
        """Return the value at p above 0."""
        value = self.constant + self.linear * p
        if self.square:
            value += self.square * p * p
        return value + self.inverse / p if self.inverse else value

    def roots(self) -> tuple[Fraction, ...]:
        """Return the real roots other than 0 of a form that is not 0 everywhere.

        Exact where they are rational, else to 80 digits.
        """
        if self.inverse:
            assert not self.square, "p⁻¹ and p² together would be a cubic equation"
            return _quadratic(self.inverse, self.constant, self.linear)
        return _quadratic(self.constant, self.linear, self.square)


def _quadratic(constant: Fraction, linear: Fraction, square: Fraction) -> tuple[Fraction, ...]:
    """Return the roots of constant + linear·p + square·p² = 0."""
    if not square:
        return (-constant / linear,) if linear else ()
    discriminant = linear * linear - 4 * constant * square
    if discriminant < 0:
        return ()
    root = _square_root(discriminant)
    half = -(linear + root if linear >= 0 else linear - root) / 2
    return (half / square, constant / half) if half else (_ZERO,)


def _square_root(number: Fraction) -> Fraction:
    """Return √number: exact where it is rational, else to 80 digits."""
    product = number.numerator * number.denominator
    root = isqrt(product)
    if root * root == product:
        return Fraction(root, number.denominator)
    scale = 10**_ROOT_DIGITS
    return Fraction(isqrt(product * scale * scale), number.denominator * scale)


class _Segment(NamedTuple):
    """Hold the prices between two neighbouring cuts; `high` None is without end."""

    low: Fraction
    high: Fraction | None

    def distance(self, p: Fraction) -> Fraction:
        """Return how far p lies outside."""
        if p < self.low:
            return self.low - p
        return p - self.high if self.high is not None and p > self.high else _ZERO

    def inside(self) -> Fraction:
        """Return a point well inside."""
        if self.high is None:
            return 2 * self.low if self.low else Fraction(1)
        return (self.low + self.high) / 2

    def holds(self, p: Fraction) -> bool:
        """Return whether p lies inside or on an edge."""
        return self.low <= p and (self.high is None or p <= self.high)


def nearest_zero(start: Fraction, cuts: Iterable[Fraction], piece: Callable[[Fraction], Laurent]) -> Fraction | None:
    """Return the p above 0 nearest to `start` where the function is 0 or jumps over 0, the lower of two; None without.

    `piece` gives the form that holds around a point that is no cut. On a cut the forms of both sides count.
    """
    edges = [_ZERO, *sorted({cut for cut in cuts if cut > 0})]
    segments = [_Segment(low, high) for low, high in zip(edges, [*edges[1:], None], strict=True)]
    forms: dict[int, Laurent] = {}

    def form(number: int) -> Laurent:
        if number not in forms:
            forms[number] = piece(segments[number].inside())
        return forms[number]

    best: Fraction | None = None
    for number in sorted(range(len(segments)), key=lambda number: segments[number].distance(start)):
        segment = segments[number]
        if best is not None and segment.distance(start) > abs(best - start):
            break
        best = _nearer(start, best, _zeros(start, segment, form(number)))
        best = _nearer(start, best, _jumps(start, best, number, segments, form))
    return best


def _nearer(start: Fraction, best: Fraction | None, found: Iterable[Fraction]) -> Fraction | None:
    return min((*([] if best is None else [best]), *found), key=lambda p: (abs(p - start), p), default=None)


def _zeros(start: Fraction, segment: _Segment, form: Laurent) -> Iterator[Fraction]:
    """Yield where a form is 0 inside its segment; the point nearest to `start` where it is 0 everywhere."""
    if not any(form):
        yield start if segment.holds(start) else segment.low if start < segment.low else segment.high or start
        return
    yield from (p for p in form.roots() if p > 0 and segment.holds(p))


def _jumps(
    start: Fraction,
    best: Fraction | None,
    number: int,
    segments: Sequence[_Segment],
    form: Callable[[int], Laurent],
) -> Iterator[Fraction]:
    """Yield the edges of a segment at which the function jumps over 0, if they are nearer than what was found."""
    segment = segments[number]
    for edge, neighbour in ((segment.low, number - 1), (segment.high, number + 1)):
        if not edge or (best is not None and abs(edge - start) > abs(best - start)):
            continue
        here, there = form(number).at(edge), form(neighbour).at(edge)
        if here < 0 < there or there < 0 < here:
            yield edge
