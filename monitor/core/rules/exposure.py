"""Exposure: what an account has at stake in each contract and sector, in USD.

The delta of a position is q·size·mark·index of its settle asset, of an inverse one q·size; gross is the sum of their
magnitudes. The rules on concentration and correlations are in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import format_amount
from monitor.core.instruments import Contract
from monitor.core.market import Market
from monitor.core.rules.equity import rates_of
from monitor.core.rules.measures import Ratio
from monitor.core.rules.readings import Reading


class Exposure(NamedTuple):
    """Hold one position's delta, short negative, and the sector of its contract (None: it is in none)."""

    symbol: str
    sector: str | None
    delta: Decimal


def exposures(account: Account, market: Market) -> list[Exposure] | None:
    """Return the delta of every live position, cross and isolated; None where terms, a mark or an index is missing."""
    held = [position for position in account.positions.values() if position.quantity]
    terms = {position.symbol: market.instrument(position.symbol) for position in held}
    linear = {one.settle_asset for one in terms.values() if one is not None and one.contract is Contract.LINEAR}
    rates = rates_of(linear, market)
    if rates is None:
        return None
    found: list[Exposure] = []
    for position in held:
        instrument, mark = terms[position.symbol], market.mark(position.symbol)
        if instrument is None or mark is None:
            return None
        delta = position.quantity * instrument.contract_size
        if instrument.contract is Contract.LINEAR:
            delta *= mark * rates.by_asset[instrument.settle_asset]
        found.append(Exposure(position.symbol, instrument.sector, delta))
    return found


def gross_of(found: Collection[Exposure]) -> Decimal:
    """Return the sum of magnitudes."""
    return sum((abs(one.delta) for one in found), Decimal(0))


def net_by_symbol(found: Collection[Exposure]) -> dict[str, Decimal]:
    """Return the net delta of each contract, both legs of a hedge together; contracts that net to 0 left out."""
    net: dict[str, Decimal] = {}
    for one in found:
        net[one.symbol] = net.get(one.symbol, Decimal(0)) + one.delta
    return {symbol: delta for symbol, delta in net.items() if delta}


def concentrations(account: Account, market: Market) -> list[Reading] | None:
    """Return the share of every sector the account is in, None where the whole is not known. Needs the exact context.

    A contract without a sector counts in the whole and makes no share.
    """
    found = exposures(account, market)
    if found is None:
        return None
    gross = gross_of(found)
    sectors: Mapping[str, list[Exposure]] = {one.sector: [] for one in found if one.sector is not None}
    for one in found:
        if one.sector is not None:
            sectors[one.sector].append(one)
    return [_concentration(sector, gross_of(sectors[sector]), gross) for sector in sorted(sectors)]


def _concentration(sector: str, share: Decimal, gross: Decimal) -> Reading:
    figures = {"sector_notional": format_amount(share), "gross_notional": format_amount(gross)}
    return Reading(sector, Ratio(share, gross), {"sector": sector}, figures)
