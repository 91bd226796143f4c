"""The report of a scope: every figure the contract names, as text ready for JSON.

Only the assembly lives here; each figure has its own room.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from monitor.core.accounts import Account
from monitor.core.amounts import (
    Number,
    exactly,
    format_amount,
    format_known,
    format_quotient,
    fraction_of,
    minus,
    times,
)
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.funding import funding_figures
from monitor.core.instruments import Contract
from monitor.core.ladder import Ladder, MarginStatus, debt_floor_in
from monitor.core.legs import Leg
from monitor.core.liquidation import LiquidationPrice, liquidation_prices
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market
from monitor.core.portfolio.eligibility import ineligibilities
from monitor.core.portfolio.journey import FINE_DIGITS, book_of
from monitor.core.portfolio.liquidation_move import liquidation_move
from monitor.core.portfolio.reporting import portfolio_report
from monitor.core.ratios import margin_ratio, risk_ratio
from monitor.core.scopes import IN_USD, ScopeKind
from monitor.core.shortening import in_short
from monitor.core.transfers import available_margin, deposit_to_clear, max_transfer_out

_ONE = Decimal(1)


@exactly
def scope_report(
    account: Account,
    scope: str,
    market: Market,
    ladder: Ladder,
    last: MarginStatus | None,
    assessment: Assessment | None = None,
) -> dict[str, Any]:
    """Return the report of a scope; `last` is the last known status (None: no memory, so no hysteresis)."""
    figures = assess(account, scope, market) if assessment is None else assessment
    equity, requirement = figures.equity, figures.maintenance_margin
    known = equity is not None and requirement is not None
    out: dict[str, Any] = {
        "scope": scope,
        "margin_mode": str(account.margin_mode),
        "equity": format_known(equity),
        "wallet_balance": format_known(figures.wallet_balance),
        "unrealized_pnl": format_known(figures.unrealized_pnl),
        "initial_margin": format_known(figures.initial_margin),
        "maintenance_margin": format_known(requirement),
        "available_margin": format_known(available_margin(account, figures)),
        "margin_ratio": margin_ratio(equity, requirement),
        "risk_ratio": risk_ratio(equity, requirement),
        "status": str(status_of(figures, ladder, last)),
        "degraded": [],
        "unknown_because": list(figures.unknown_because),
        "deposit_to_clear": format_known(deposit_to_clear(equity, requirement, ladder))
        if equity is not None and requirement is not None
        else None,
        "max_transfer_out": format_known(max_transfer_out(account, figures, market)),
        "margin_utilization": risk_ratio(equity, requirement),
        "positions": _positions(account, figures, ladder if known else None),
    }
    if figures.kind is ScopeKind.PORTFOLIO:
        out["portfolio"] = _portfolio(account, figures, market, ladder)
    elif figures.kind is ScopeKind.MULTI_ASSET and account.ineligible:
        out["ineligible"] = list(account.ineligible)
    return out | funding_figures(account, figures, market)


def _portfolio(account: Account, figures: Assessment, market: Market, ladder: Ladder) -> dict[str, Any] | None:
    """Return how a portfolio scope was margined, and why it would not be eligible; None where that is not known."""
    terms = market.portfolio
    if figures.portfolio is None or terms is None:
        return None
    broken = ineligibilities(terms.rules, account, figures.equity)
    return portfolio_report(figures.portfolio, _liquidation_move(account, figures, ladder), broken)


def _liquidation_move(account: Account, figures: Assessment, ladder: Ladder) -> str | None:
    equity, requirement, k = figures.equity, figures.maintenance_margin, ladder.liquidation
    if figures.portfolio is None or equity is None or requirement is None:
        return None
    above = fraction_of(equity) - k * fraction_of(requirement)
    if not above:
        return "0"
    with localcontext(FINE_DIGITS):
        book = book_of(account, figures.legs, figures.assets, figures.portfolio.terms, k)
        move = liquidation_move(book, is_above=above > 0)
    return None if move is None else format_quotient(move, _ONE)


@exactly
def status_of(assessment: Assessment, ladder: Ladder, last: MarginStatus | None) -> MarginStatus:
    """Return the status the figures give after `last`; without it the one without memory (`raw_status`)."""
    equity, requirement = assessment.equity, assessment.maintenance_margin
    if assessment.unknown_because or equity is None or requirement is None:
        return MarginStatus.UNKNOWN
    floor = debt_floor_in(ladder, assessment.index_price)
    if last is None or last is MarginStatus.UNKNOWN:
        return ladder.raw(equity, requirement, floor)
    return ladder.told(last, equity, requirement, floor)


def raw_status(assessment: Assessment, ladder: Ladder) -> MarginStatus:
    """Return the status of the ladder without memory."""
    return status_of(assessment, ladder, None)


@exactly
def takeover_positions(figures: Assessment) -> list[dict[str, str | None]]:
    """Return what would be taken over of a scope, and at which price."""
    bankruptcies = bankruptcy_prices(figures)
    return [
        {**_facts(leg), "bankruptcy_price": _price_text(price)}
        for leg, price in zip(figures.legs, bankruptcies, strict=True)
    ]


def _positions(account: Account, figures: Assessment, ladder: Ladder | None) -> list[dict[str, Any]]:
    """Return all positions of a scope; the legs of a symbol share its liquidation price, none without `ladder`."""
    prices = {} if ladder is None else liquidation_prices(account, figures, ladder.liquidation)
    none, short = LiquidationPrice(), in_short(figures)
    return [
        _position(short, leg, prices.get(leg.position.symbol, none), bankruptcy)
        for leg, bankruptcy in zip(figures.legs, bankruptcy_prices(figures), strict=True)
    ]


def _facts(leg: Leg) -> dict[str, str | None]:
    position = leg.position
    return {
        "symbol": position.symbol,
        "side": str(position.side),
        "quantity": format_amount(position.quantity),
        "entry_price": format_amount(position.entry_price),
        "mark_price": format_known(leg.mark_price),
    }


def _position(figures: Assessment, leg: Leg, found: LiquidationPrice, bankruptcy: Number | None) -> dict[str, Any]:
    out = {
        **_facts(leg),
        "notional": format_known(leg.notional),
        "unrealized_pnl": format_known(leg.unrealized_pnl),
        "initial_margin": format_known(leg.initial_margin),
        "maintenance_margin": format_known(leg.maintenance_margin),
        "bracket": leg.bracket,
        "liquidation_price": _price_text(found.price),
        "distance": _distance(found.price, leg.mark_price),
        "bankruptcy_price": _price_text(bankruptcy),
        "max_position_quantity": _max_position_quantity(figures, leg),
    }
    if found.recovery:
        out["recovery"] = True
    if found.moves_collateral:
        out["liquidation_price_mark_only"] = _price_text(found.mark_only)
    return out


def _distance(price: Number | None, mark_price: Decimal | None) -> str | None:
    """Return liquidation price ÷ mark − 1."""
    if price is None or mark_price is None:
        return None
    return format_quotient(minus(price, mark_price), mark_price)


def _max_position_quantity(figures: Assessment, leg: Leg) -> str | None:
    """Return the contracts the scope's equity carries at the position's leverage, 0 when there is no equity.

    Linear: E·leverage ÷ (mark·size); inverse: E·leverage·mark ÷ size, with E in the settle asset (of a scope in USD:
    over that asset's index). Source: seed glossary, "maximum position size = equity × leverage ÷ price".
    """
    if figures.equity is None or leg.instrument is None or leg.mark_price is None or leg.leverage is None:
        return None
    carried = times(figures.equity, leg.leverage)
    if carried <= 0:
        return "0"
    divisor: Decimal = leg.instrument.contract_size
    if figures.kind in IN_USD:
        terms = figures.assets.get(leg.instrument.settle_asset)
        if terms is None or terms.index_price is None:
            return None
        divisor *= terms.index_price
    if leg.instrument.contract is Contract.INVERSE:
        return format_quotient(times(carried, leg.mark_price), divisor)
    return format_quotient(carried, divisor * leg.mark_price)


def _price_text(price: Number | None) -> str | None:
    """Return a price found by dividing, at the digits every quotient is given."""
    return None if price is None else format_quotient(price, _ONE)
