"""Legs: one position with its terms, its mark and every figure that follows from them.

Formulas are in `positions`; sums over a scope are in `margin`.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Position, Settings
from monitor.core.amounts import N, Number
from monitor.core.instruments import Contract, Instrument, MaintenanceBasis, MarginTier
from monitor.core.market import Market
from monitor.core.positions import (
    effective_leverage,
    initial_margin,
    maintenance_margin,
    notional,
    signed_size,
    unrealized_pnl,
)

_ONE = Decimal(1)
_INVERSE = Contract.INVERSE
_AT_ENTRY = MaintenanceBasis.ENTRY


class Leg(NamedTuple):
    """Hold the figures of one position in its settle asset; None where an input is missing.

    `bracket` is the index of the bracket in force for the requirement, `leverage` what counts after the cap.
    """

    position: Position
    instrument: Instrument[Decimal] | None = None
    mark_price: Decimal | None = None
    notional: Number | None = None
    unrealized_pnl: Number | None = None
    maintenance_margin: Number | None = None
    initial_margin: Number | None = None
    bracket: int | None = None
    leverage: Decimal | None = None


def leg_of(position: Position, instrument: Instrument[Decimal] | None, settings: Settings, market: Market) -> Leg:
    """Return the figures of a position at the present mark: decimals if linear, fractions if inverse.

    `settings` name the account's bracket multiplier and the leverage of positions that name none. Needs the exact
    context.
    """
    mark_price = market.mark(position.symbol)
    if instrument is None:
        return Leg(position, None, mark_price)
    multiplier = settings.bracket_multiplier.get(position.symbol, _ONE)
    named = position.leverage or settings.leverage.get(position.symbol)
    if mark_price is None:
        return _unpriced_leg(position, instrument, multiplier)
    if instrument.contract is _INVERSE:
        return _priced_leg(
            position,
            instrument,
            instrument.rational,
            mark_price,
            Fraction(position.quantity),
            Fraction(position.entry_price),
            Fraction(mark_price),
            Fraction(multiplier),
            named,
        )
    return _priced_leg(
        position,
        instrument,
        instrument,
        mark_price,
        position.quantity,
        position.entry_price,
        mark_price,
        multiplier,
        named,
    )


def _priced_leg(
    position: Position,
    instrument: Instrument[Decimal],
    terms: Instrument[N],
    mark_price: Decimal,
    quantity: N,
    entry: N,
    mark: N,
    multiplier: N,
    named_leverage: Decimal | None,
) -> Leg:
    """Return all figures of a position; `terms` are the instrument's in the kind of number to calculate in."""
    contract = terms.contract
    size = signed_size(quantity, terms.contract_size)
    at_mark = notional(contract, size, mark)
    bracket = bracket_at_mark = terms.tier_index(at_mark, multiplier)
    margined = at_mark
    if terms.maintenance_basis is _AT_ENTRY:
        margined = notional(contract, size, entry)
        bracket = terms.tier_index(margined, multiplier)
    tier: MarginTier[N] = terms.tiers[bracket]
    leverage = effective_leverage(named_leverage, instrument.tiers[bracket_at_mark].max_leverage)
    return Leg(
        position,
        instrument,
        mark_price,
        at_mark,
        unrealized_pnl(contract, size, entry, mark),
        maintenance_margin(margined, tier, terms.closing_fee_rate, multiplier),
        initial_margin(at_mark, leverage),
        bracket,
        leverage,
    )


def _unpriced_leg(position: Position, instrument: Instrument[Decimal], multiplier: Decimal) -> Leg:
    """Return what is known of a position without a mark: its requirement, where that is taken at the entry price."""
    if instrument.maintenance_basis is not _AT_ENTRY:
        return Leg(position, instrument)
    at_entry = _priced_leg_at_entry(position, instrument, multiplier)
    return Leg(position, instrument, maintenance_margin=at_entry.maintenance_margin, bracket=at_entry.bracket)


def _priced_leg_at_entry(position: Position, instrument: Instrument[Decimal], multiplier: Decimal) -> Leg:
    quantity, entry = Fraction(position.quantity), Fraction(position.entry_price)
    return _priced_leg(
        position,
        instrument,
        instrument.rational,
        position.entry_price,
        quantity,
        entry,
        entry,
        Fraction(multiplier),
        None,
    )
