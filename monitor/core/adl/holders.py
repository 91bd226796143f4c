"""Holders: which holdings of an account stand in which queue, and the exact figures they are scored by.

What is ranked lives here; the formulas are in `scores`, whether a holding hedges another one in `hedges`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account, Side
from monitor.core.adl.scores import Figures
from monitor.core.amounts import N, Number, exactly, fraction_of
from monitor.core.instruments import Contract, Instrument
from monitor.core.legs import Leg
from monitor.core.margin import Assessment, total_known
from monitor.core.positions import notional
from monitor.core.scopes import IN_USD

LONG = "long"
SHORT = "short"
SIDES = (LONG, SHORT)

_ZERO = Decimal(0)
_ONE = Decimal(1)


class Holding(NamedTuple):
    """Hold what of a scope stands in the queue of a symbol and side.

    `side` is the holders' side; `position_side` names the position that would be reduced, by up to `quantity` contracts
    (unsigned).
    """

    symbol: str
    side: str
    position_side: Side
    quantity: Decimal
    figures: Figures[Decimal] | Figures[Fraction]


def opposite(side: str) -> str:
    """Return the side whose holders are counterparties of a bankrupt position on `side`."""
    return SHORT if side == LONG else LONG


def side_of(quantity: Decimal) -> str:
    """Return the holders' side of a signed quantity, which is not 0."""
    return LONG if quantity > 0 else SHORT


def may_be_taken_from(account: Account) -> bool:
    """Return whether an account may be a counterparty at all: known in full, not suspect, not exempt."""
    return (
        account.complete
        and not account.suspect
        and not account.deleted
        and account.settings.raw.get("adl_exempt") is not True
    )


@exactly
def holding_of(assessment: Assessment, symbol: str) -> Holding | None:
    """Return what a scope holds of a symbol; None where its figures are not known or its equity is not above 0.

    Two legs of a symbol that share the scope (hedge mode, cross) are one holding: their net, with the profit of both,
    reduced on the leg that is larger and at whose entry price it counts. Legs of equal size are none. Isolated legs are
    scopes of their own. In a scope in USD profit and notional count at the index of their settle asset; its wallet is
    at index, its equity after haircuts, as margin knows them. Figures are decimals, or fractions where one of them is.
    """
    equity, wallet, required = assessment.equity, assessment.wallet_balance, assessment.maintenance_margin
    if assessment.unknown_because or equity is None or wallet is None or required is None or equity <= 0:
        return None
    legs = [leg for leg in assessment.legs if leg.position.symbol == symbol]
    return _holding(assessment, legs, wallet, equity, required) if legs else None


def _holding(
    assessment: Assessment, legs: Sequence[Leg], wallet: Number, equity: Number, required: Number
) -> Holding | None:
    net = sum([leg.position.quantity for leg in legs], _ZERO)
    if not net:
        return None
    largest = max(legs, key=lambda leg: abs(leg.position.quantity))
    terms, mark, position = largest.instrument, largest.mark_price, largest.position
    assert terms is not None and mark is not None, "a scope with figures has terms and marks"
    worth, gain = _index_of(assessment, terms.settle_asset), total_known([leg.unrealized_pnl for leg in legs])
    assert gain is not None, "a scope with figures knows the profit of every leg"
    figures: Figures[Decimal] | Figures[Fraction]
    if (
        terms.contract is Contract.LINEAR
        and isinstance(gain, Decimal)
        and isinstance(wallet, Decimal)
        and isinstance(equity, Decimal)
        and isinstance(required, Decimal)
    ):
        figures = figures_of(terms, net, position.entry_price, mark, worth, gain, wallet, equity, required)
    else:
        prices = Fraction(net), Fraction(position.entry_price), Fraction(mark), Fraction(worth)
        sums = fraction_of(gain), fraction_of(wallet), fraction_of(equity), fraction_of(required)
        figures = figures_of(terms.rational, *prices, *sums)
    return Holding(position.symbol, side_of(net), position.side, abs(net), figures)


def figures_of(
    terms: Instrument[N], net: N, entry: N, mark: N, worth: N, gain: N, wallet: N, equity: N, required: N
) -> Figures[N]:
    """Return the figures of a net holding: `gain` in its settle asset, one unit of which is `worth` so much."""
    value = notional(terms.contract, net * terms.contract_size, mark)
    return Figures(net > 0, gain * worth, value * worth, entry, mark, wallet, equity, required)


def _index_of(assessment: Assessment, asset: str) -> Decimal:
    """Return what one unit of a settle asset counts in the unit of the scope."""
    if assessment.kind not in IN_USD:
        return _ONE
    index_price = assessment.assets[asset].index_price
    assert index_price is not None, "a settle asset in use has an index price"
    return index_price
