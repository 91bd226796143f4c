"""Small words to build portfolio terms and books with: amounts as text, everything else by default."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from monitor.core.portfolio.exposure import Entry, Exposure, exposed
from monitor.core.portfolio.terms import Credit, Group, ScenarioTerms, SpanTerms, TimsTerms

NO_CHARGES: dict[str, Any] = {"basis_rate": Decimal(0), "minimum_rate": Decimal(0)}


def group(name: str, *, up: str = "0.16", down: str | None = None, volume: str | None = None) -> Group:
    """Return a group with one member, `<name>USDT`."""
    fall = Decimal(down) if down is not None else -Decimal(up)
    return Group(name, (f"{name}USDT",), (), Decimal(up), fall, None if volume is None else Decimal(volume))


def bare_scenario(*groups: Group, **others: Any) -> ScenarioTerms:
    """Return scenario terms without charges but what is given."""
    free = {"liquidity_rate": Decimal(0), "buffer": Decimal(0), "initial_factor": Decimal(1), **NO_CHARGES}
    return ScenarioTerms(tuple(groups), **{**free, **others})


def bare_span(*groups: Group, pairs: Sequence[Credit] = (), **others: Any) -> SpanTerms:
    """Return span terms without charges but what is given."""
    return SpanTerms(tuple(groups), credits=tuple(pairs), **{**NO_CHARGES, **others})


def bare_tims(*groups: Group, **others: Any) -> TimsTerms:
    """Return tims terms without charges but what is given."""
    return TimsTerms(tuple(groups), **{**NO_CHARGES, **others})


def book(*deltas: str, assets: Sequence[str] = (), alone: str = "0") -> Exposure[Fraction]:
    """Return a book with one position a group, of these deltas in USD ("" for none), and held assets beside them.

    `alone` is the requirement of a position in no group.
    """
    zero = Fraction(0)
    entries = [
        Entry(f"P{number}", "both", number, Fraction(delta), zero, "USDT", zero)
        for number, delta in enumerate(deltas)
        if delta
    ]
    entries += [
        Entry(f"A{number}", "asset", number, Fraction(delta), zero, f"A{number}", zero)
        for number, delta in enumerate(assets)
        if delta
    ]
    if Fraction(alone):
        entries.append(Entry("ALONE", "both", None, Fraction(7), Fraction(alone), "USDT", zero))
    return exposed(entries, len(deltas), zero)
