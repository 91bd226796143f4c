"""Doubt about new terms: which change of an instrument is believed at once, and which must be confirmed.

The test of two tables against each other lives here; holding, confirming and reporting is the application's.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from monitor.core.amounts import exactly, format_amount
from monitor.core.instruments import Instrument


@exactly
def why_doubtful(old: Instrument[Decimal], new: Instrument[Decimal], max_step: Decimal) -> str | None:
    """Return why a change of terms must be confirmed, None when it may take effect at once.

    Held is what changes the rate in force at any floor of either table, or the requirement at any floor above 0, by
    more than `max_step` times either way; and what changes the kind, the money or (by as much) the size of a contract.
    """
    if (old.contract, old.settle_asset) != (new.contract, new.settle_asset):
        return f"{old.contract} in {old.settle_asset} becomes {new.contract} in {new.settle_asset}"
    if _is_step(old.contract_size, new.contract_size, max_step):
        return f"contract_size goes from {format_amount(old.contract_size)} to {format_amount(new.contract_size)}"
    for floor in sorted({*old.floors, *new.floors}):
        for name, before, now in _compared(old, new, floor):
            if _is_step(before, now, max_step):
                at = format_amount(floor)
                return f"{name} at a notional of {at} goes from {format_amount(before)} to {format_amount(now)}"
    return None


def _compared(
    old: Instrument[Decimal], new: Instrument[Decimal], floor: Decimal
) -> Iterator[tuple[str, Decimal, Decimal]]:
    yield "the rate", _rate(old, floor), _rate(new, floor)
    if floor > 0:
        yield "the requirement", _requirement(old, floor), _requirement(new, floor)


def _rate(terms: Instrument[Decimal], notional: Decimal) -> Decimal:
    return terms.tiers[terms.tier_index(notional, Decimal(1))].rate


def _requirement(terms: Instrument[Decimal], notional: Decimal) -> Decimal:
    tier = terms.tiers[terms.tier_index(notional, Decimal(1))]
    return notional * (tier.rate + terms.closing_fee_rate) - tier.deduction


def _is_step(before: Decimal, now: Decimal, max_step: Decimal) -> bool:
    return now > before * max_step or before > now * max_step
