"""Funding: what a scope pays or is paid at the next funding time, and what is left of its equity then.

The payment of a position is q·size·price·rate in the settle asset, q·size/price·rate in the coin where the contract is
inverse: longs pay when it is positive. Aster and Binance take the mark, Hyperliquid the oracle (`funding.basis`).
Wallets change by account events alone: nothing here is ever added to one. Sources: Aster docs, "Funding rate"; Binance
FAQ, "Introduction to Binance Futures Funding Rates"; Hyperliquid docs, "Funding".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, cast

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly, format_amount, minus, plus, times, total
from monitor.core.instruments import Contract, Instrument
from monitor.core.margin import Assessment, assess
from monitor.core.market import FundingBasis, Market
from monitor.core.scopes import IN_USD

FUNDING_FIGURES = ("funding_due", "equity_after_funding", "next_funding_time_ms")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class FundingSettings:
    """Hold how a venue charges funding.

    Attributes:
        basis: the price payments are taken at: the mark, or the index (oracle).
    """

    basis: FundingBasis = FundingBasis.MARK


class FundingDue(NamedTuple):
    """Hold what a scope pays at the next funding time (negative: it is paid) and its equity then, in its unit.

    `time_ms` is that time, None where no price states it.
    """

    due: Number
    equity_after: Number
    time_ms: int | None

    def figures(self) -> dict[str, Any]:
        """Return them as reports and events state them."""
        stated: dict[str, Any] = {
            "funding_due": format_amount(self.due),
            "equity_after_funding": format_amount(self.equity_after),
        }
        return stated if self.time_ms is None else stated | {"next_funding_time_ms": self.time_ms}


@exactly
def funding_due(account: Account, assessment: Assessment, market: Market) -> FundingDue | None:
    """Return the payment due at the earliest funding time of a scope's positions, all prices as they are now.

    A position whose price states no time is due at that time, too. None where the scope has no position, or is unknown,
    or the rate or the price of a position is not known.
    """
    if assessment.unknown_because or assessment.equity is None or not assessment.legs:
        return None
    facts = [(leg, market.funding(leg.position.symbol)) for leg in assessment.legs]
    times_ms = [one.next_time_ms for _, one in facts if one is not None and one.next_time_ms is not None]
    earliest = min(times_ms, default=None)
    paid: dict[str, list[Number]] = {}
    for leg, one in facts:
        if one is None or one.price is None or leg.instrument is None:
            return None
        if one.next_time_ms in (None, earliest):
            payment = payment_of(leg.position.quantity, leg.instrument, one.rate, one.price)
            paid.setdefault(leg.instrument.settle_asset, []).append(payment)
    sums = {name: total(parts) for name, parts in paid.items()}
    if assessment.kind not in IN_USD:
        due = total(sums.values())
        return FundingDue(due, minus(assessment.equity, due), earliest)
    return _due_in_usd(account, assessment, market, sums, earliest)


def payment_of(quantity: Decimal, instrument: Instrument[Decimal], rate: Decimal, price: Decimal) -> Number:
    """Return what a position pays in its settle asset; negative: what it is paid."""
    size = quantity * instrument.contract_size
    if instrument.contract is Contract.INVERSE:
        return Fraction(size) * Fraction(rate) / Fraction(price)
    return size * price * rate


def _due_in_usd(
    account: Account, assessment: Assessment, market: Market, sums: Mapping[str, Number], time_ms: int | None
) -> FundingDue | None:
    """Return payments at index prices, and the equity of the same scope with the wallets that would be left."""
    due: list[Number] = []
    balances: dict[str, Number] = dict(account.balances)
    for name, amount in sums.items():
        terms = market.asset(name)
        if terms is None or terms.index_price is None:
            return None
        due.append(times(amount, terms.index_price))
        balances[name] = plus(balances.get(name, _ZERO), -amount)
    left = replace(account, balances=cast("Mapping[str, Decimal]", balances))
    equity = assess(left, assessment.scope, market).equity
    return None if equity is None else FundingDue(total(due), equity, time_ms)


def funding_figures(account: Account, assessment: Assessment, market: Market) -> dict[str, Any]:
    """Return what reports and events state of a scope's funding; nothing where it is not known."""
    found = funding_due(account, assessment, market)
    return {} if found is None else found.figures()
