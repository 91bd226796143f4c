"""Total equity: what an account is worth in USD, as the drawdown rule counts it.

Wallets and profits at the index price of their asset, without haircut, no isolated scope below 0, less the net
transfers: money that came in is no gain, money that went out no loss. The rule is in `readings`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account, MarginType, Position
from monitor.core.amounts import Number, exactly, plus, times, total
from monitor.core.instruments import Contract, Instrument
from monitor.core.market import Market
from monitor.core.positions import signed_size, unrealized_pnl

USD = "USD"
_ZERO = Decimal(0)
_ONE = Decimal(1)


class TotalEquity(NamedTuple):
    """Hold an amount and its unit: USD, or the account's only asset where that has no index price."""

    amount: Number
    unit: str


class Rates(NamedTuple):
    """Hold what one unit of each asset counts, and in which unit that is."""

    by_asset: Mapping[str, Decimal]
    unit: str


def rates_of(assets: Collection[str], market: Market) -> Rates | None:
    """Return index prices in USD, None where one is not known.

    Of an account that has to do with one asset only, a ratio is the same in any unit: where that asset has no index, it
    counts 1:1 and is the unit.
    """
    rates: dict[str, Decimal] = {}
    for name in assets:
        terms = market.asset(name)
        if terms is None or terms.index_price is None:
            return Rates({name: _ONE}, name) if len(assets) == 1 and terms is None else None
        rates[name] = terms.index_price
    return Rates(rates, USD)


@exactly
def total_equity(account: Account, market: Market) -> TotalEquity | None:
    """Return Σ over assets of index·(wallet + cross profit + Σ max(0, isolated equity) − net transfers).

    None where terms, a mark or an index price is missing.
    """
    held: dict[str, list[Number]] = {name: [amount] for name, amount in account.balances.items() if amount}
    for position in account.positions.values():
        if not position.quantity:
            continue
        instrument, mark = market.instrument(position.symbol), market.mark(position.symbol)
        if instrument is None or mark is None:
            return None
        worth = profit_of(position, instrument, mark)
        if position.margin_type is MarginType.ISOLATED:
            worth = plus(position.isolated_wallet or _ZERO, worth)
            worth = worth if worth > 0 else _ZERO
        held.setdefault(instrument.settle_asset, []).append(worth)
    for name, moved in account.net_transfers.items():
        if moved:
            held.setdefault(name, []).append(-moved)
    rates = rates_of(held.keys(), market)
    if rates is None:
        return None
    return TotalEquity(total([times(total(parts), rates.by_asset[name]) for name, parts in held.items()]), rates.unit)


def profit_of(position: Position, instrument: Instrument[Decimal], mark: Decimal) -> Number:
    """Return the unrealized pnl of a position in its settle asset: a fraction if the contract is inverse."""
    size = signed_size(position.quantity, instrument.contract_size)
    if instrument.contract is Contract.INVERSE:
        return unrealized_pnl(instrument.contract, Fraction(size), Fraction(position.entry_price), Fraction(mark))
    return unrealized_pnl(instrument.contract, size, position.entry_price, mark)
