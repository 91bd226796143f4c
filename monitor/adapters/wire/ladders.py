"""Ladders in a document: thresholds in either convention laid over the ladders of a profile.

Reading them lives here; what a ladder decides, and whether its thresholds can stand together, is the core's.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from msgspec import UNSET, UnsetType

from monitor.adapters.wire.document_shapes import LadderBody, RungsBody
from monitor.adapters.wire.faults import BadMessage, Code, joined
from monitor.adapters.wire.values import amount
from monitor.core.amounts import BadAmount
from monitor.core.ladder import RUNGS, BadLadder, Ladder, MarginStatus
from monitor.core.portfolio.ladder import with_line_of_method
from monitor.core.portfolio.terms import Method
from monitor.core.verdict import Ladders


def ladders_of(body: LadderBody | UnsetType, base: Ladders, max_digits: int) -> Ladders:
    """Return the ladders of a document: what it states for a kind of scope, else for all, else those of `base`."""
    if body is UNSET:
        return base
    cross = _over(base.cross, body, "cross", max_digits)
    isolated = _over(base.isolated, body, "isolated", max_digits)
    return Ladders(cross, isolated, _over(base.portfolio, body, "portfolio", max_digits))


def states_portfolio_line(body: LadderBody | UnsetType) -> bool:
    """Return whether a document states the liquidation line of portfolio scopes itself."""
    return body is not UNSET and body.portfolio is not UNSET and body.portfolio.liquidation is not UNSET


def line_of_method(ladders: Ladders, method: Method | None) -> Ladders:
    """Return the ladders with the line that a portfolio method has where none is stated. Raises `BadMessage`."""
    try:
        return with_line_of_method(ladders, method)
    except BadLadder as bad:
        why = f"{bad}: the method has a line of its own where ladder.portfolio.liquidation is not stated"
        raise BadMessage(Code.BAD_LADDER, "ladder", why) from None


def _over(base: Ladder, body: LadderBody, kind: str, max_digits: int) -> Ladder:
    own: RungsBody | UnsetType = getattr(body, kind)
    layers: list[tuple[str, RungsBody]] = [("ladder", body)]
    if own is not UNSET:
        layers.append((f"ladder.{kind}", own))
    thresholds: dict[MarginStatus, Fraction | None] = {rung: base.threshold(rung) for rung in RUNGS}
    hysteresis, inclusive, debt_floor, adl_watch = base.hysteresis, base.inclusive, base.debt_floor, base.adl_watch
    convention = "health"
    for inside, layer in layers:
        convention = convention if layer.convention is UNSET else layer.convention
        thresholds.update(_thresholds(inside, layer, convention, max_digits))
        inclusive = inclusive if layer.inclusive is UNSET else layer.inclusive
        adl_watch = adl_watch if layer.adl_watch is UNSET else MarginStatus(layer.adl_watch)
        if layer.hysteresis is not UNSET:
            hysteresis = fraction_at(f"{inside}.hysteresis", layer.hysteresis, max_digits)
        if layer.debt_floor is not UNSET:
            debt_floor = fraction_at(f"{inside}.debt_floor", layer.debt_floor, max_digits)
    try:
        return Ladder.build(thresholds, hysteresis, inclusive=inclusive, debt_floor=debt_floor, adl_watch=adl_watch)
    except BadLadder as bad:
        raise BadMessage(Code.BAD_LADDER, _stated(bad.path, layers), str(bad)) from None


def _stated(name: str, layers: Iterable[tuple[str, RungsBody]]) -> str:
    """Return the place where a value was stated last; the whole ladder where the document does not state it."""
    found = "ladder"
    for inside, layer in layers:
        if getattr(layer, name) is not UNSET:
            found = joined(inside, name)
    return found


def _thresholds(inside: str, layer: RungsBody, convention: str, max_digits: int) -> dict[MarginStatus, Fraction | None]:
    """Return the thresholds one layer states, in the health convention."""
    stated: dict[MarginStatus, Fraction | None] = {}
    for rung in RUNGS:
        given = getattr(layer, rung)
        if given is UNSET:
            continue
        place = f"{inside}.{rung}"
        k = None if given is None else fraction_at(place, given, max_digits)
        if k is not None and k <= 0:
            raise BadMessage(Code.OUT_OF_RANGE, place, "must be above 0")
        stated[rung] = 1 / k if k is not None and convention == "risk" else k
    return stated


def fraction_at(inside: str, given: str | int, max_digits: int) -> Fraction:
    """Return a number that is stated as a plain decimal or as a fraction of two, its place named when it is bad."""
    try:
        if isinstance(given, int) or "/" not in given:
            return Fraction(amount(given, max_digits))
        above, _, below = given.partition("/")
        divisor = amount(below, max_digits)
        if not divisor:
            raise BadAmount(f"{given!r} divides by 0")
        return Fraction(amount(above, max_digits)) / Fraction(divisor)
    except BadAmount as bad:
        raise BadMessage(Code.BAD_AMOUNT, inside, str(bad)) from None
