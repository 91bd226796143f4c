"""The decision on one claim: whether a fund covers it, from the fund's figures and the venue's trigger alone.

Pure arithmetic on figures that are stated by value, so that an event's reader can make the decision again; keeping the
figures is the desk's business.

Sources. Shortfall: Aster docs "Auto-Deleveraging", Binance FAQ, Hyperliquid docs, dYdX. Fund drawdown: OKX, "the fund
has dropped 30 % from its 8 h peak". Symbol P&L drawdown: Bybit API, "Get ADL Alert": pnlRatio = (symbol's present P&L −
its highest of 8 h) ÷ the pool's highest balance of 8 h; ADL when it falls below −30 %, or when the pool is used up. We
see no profit of a pool by symbol: what a symbol's covered claims have cost within the window, this one included, is its
fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from monitor.core.adl.settings import AdlPopulation, AdlSettings, AdlTrigger
from monitor.core.amounts import exactly
from monitor.core.fund.claims import Claim
from monitor.core.fund.shortfall import FUND_UNKNOWN

SUSPECT = "suspect"
DESK = "desk"
SETTLING = "settling"


class Kind(StrEnum):
    """Name what becomes of a claim."""

    COVERED = "covered"
    TRIGGERED = "triggered"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class FundView:
    """Hold the figures of a fund at a decision, before the claim: all amounts in its asset.

    `claimed` is what the fund stands for already; `settling`: one of these claims is over, and the balance may or may
    not show its payment; `spent` is what claims on each symbol have cost within the window.
    """

    balance: Decimal
    peak: Decimal
    claimed: Decimal = Decimal(0)
    settling: bool = False
    spent: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    @exactly
    def left(self) -> Decimal:
        """The balance without what the fund already stands for."""
        return self.balance - self.claimed


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold what becomes of a claim, and why it is only a candidate."""

    kind: Kind
    because: str = ""


@exactly
def decide(claim: Claim, view: FundView | None, settings: AdlSettings) -> Decision:
    """Return the decision on a claim; `view` is None where the fund is not known."""
    if view is None:
        return Decision(Kind.CANDIDATE, FUND_UNKNOWN)
    if not is_short(claim, view, settings):
        return Decision(Kind.COVERED)
    if claim.bankrupt.suspect:
        return Decision(Kind.CANDIDATE, SUSPECT)
    if settings.population is AdlPopulation.DESK:
        return Decision(Kind.CANDIDATE, DESK)
    if view.settling:
        return Decision(Kind.CANDIDATE, SETTLING)
    return Decision(Kind.TRIGGERED)


def is_short(claim: Claim, view: FundView, settings: AdlSettings) -> bool:
    """Return whether the trigger has the fund refuse a claim; what it has not got it can never pay."""
    if view.left < claim.amount:
        return True
    if settings.trigger is AdlTrigger.FUND_DRAWDOWN:
        return view.peak - view.left >= settings.drawdown * view.peak
    if settings.trigger is AdlTrigger.SYMBOL_PNL_DRAWDOWN:
        limit = settings.drawdown * view.peak
        return any(view.spent.get(symbol, Decimal(0)) + cost > limit for symbol, cost in cost_by_symbol(claim).items())
    return False


def cost_by_symbol(claim: Claim) -> dict[str, Decimal]:
    """Return what a claim costs the fund per symbol."""
    costs: dict[str, Decimal] = {}
    for position in claim.positions:
        costs[position.symbol] = costs.get(position.symbol, Decimal(0)) + position.amount
    return costs
