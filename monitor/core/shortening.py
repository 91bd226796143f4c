"""Shortening: figures of a scope whose sums are long fractions, for what is found from them by dividing.

A sum of n reciprocals of 64-digit prices has n·64 digits above and below, and each division of such numbers costs the
square of that. What is found by dividing is stated to 40 digits: it is worked out from sums cut to 400. Equity,
requirement and status are never shortened.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from monitor.core.amounts import Number, shortened
from monitor.core.margin import Assessment

LONG_BITS: Final = 4_096
"""Denominators beyond this are long. Prices of up to 64 digits have powers of 2 and 5 below 700 bits: a long fraction
never ends in decimals, so that nothing is lost of what would be stated beyond 40 digits."""
_DIGITS: Final = 400
"""Differences may be smaller than what is subtracted by 360 digits and are still known to 40; amounts span 60."""


def in_short(assessment: Assessment) -> Assessment:
    """Return the same figures, where equity or requirement is long those and the positions' cut to 400 digits."""
    if not any(_is_long(figure) for figure in (assessment.equity, assessment.maintenance_margin)):
        return assessment
    legs = [
        leg._replace(
            notional=_short(leg.notional),
            unrealized_pnl=_short(leg.unrealized_pnl),
            maintenance_margin=_short(leg.maintenance_margin),
        )
        for leg in assessment.legs
    ]
    return assessment._replace(
        equity=_short(assessment.equity), maintenance_margin=_short(assessment.maintenance_margin), legs=tuple(legs)
    )


def _is_long(figure: Number | None) -> bool:
    return isinstance(figure, Fraction) and figure.denominator.bit_length() > LONG_BITS


def _short(figure: Number | None) -> Number | None:
    return shortened(figure, _DIGITS) if isinstance(figure, Fraction) else figure
