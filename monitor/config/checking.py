"""Checking: what is odd about a configuration that can be used, and what it says of terms that messages leave out.

Errors are complained about while loading; a warning changes nothing in what is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.adapters.wire.terms import TermDefaults
from monitor.config.complaints import Complaint
from monitor.config.settings import Settings
from monitor.core.brackets import oddities_of, tiers_of


def warnings_of(settings: Settings) -> Iterator[Complaint]:
    """Yield what is odd: bracket tables whose rates do not rise, or whose published deductions leave the chain."""
    for symbol, table in settings.brackets.items():
        path = f"brackets.{symbol}"
        for oddity in oddities_of(table):
            yield Complaint(path + oddity.place, settings.origins.get(path, "defaults"), oddity.why)


def term_defaults(settings: Settings) -> TermDefaults:
    """Return the terms that contracts and assets have where their messages do not state them."""
    terms = settings.instruments
    return TermDefaults(
        terms.closing_fee_rate,
        terms.liquidation_fee_rate,
        terms.maintenance_basis,
        brackets={symbol: tiers_of(table) for symbol, table in settings.brackets.items()},
        haircuts=settings.haircuts,
    )
