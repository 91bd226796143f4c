"""The twin's formulas: profit and requirement of a position, the status of two figures.

Read from the contract; which positions stand together is in `twin`.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

from monitor.core.ladder import Ladder

STATUSES = ("healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt")
RANK = {status: rank for rank, status in enumerate(STATUSES)}
F = Fraction


class Figures(NamedTuple):
    """Equity, requirement, and the greatest sum that stands behind them; None where something is missing."""

    equity: Fraction | None = None
    requirement: Fraction | None = None
    gross: Fraction = F(0)
    missing: frozenset[str] = frozenset()


NEUTRAL = SimpleNamespace(bid_buffer=None, ask_buffer=None, collateral_ratio=None, margin_available=True)


def statuses(figures: Figures, floor: Fraction, ladder: Ladder, last: str) -> tuple[str, str]:
    """Return the status without memory and the one after `last`."""

    def status(widened: Fraction) -> str:
        equity, requirement = figures.equity, figures.requirement
        if requirement == 0:
            return "bankrupt" if equity < 0 and -equity >= floor else "healthy"
        if equity <= 0:
            return "bankrupt"
        lines = [(k * widened * requirement, str(name)) for name, k in ladder.thresholds]
        below = [name for line, name in lines if equity < line or (ladder.inclusive and equity == line)]
        return below[-1] if below else "healthy"

    down, up = status(F(1)), status(1 + ladder.hysteresis)
    if RANK[down] > RANK[last]:
        return down, down
    return down, up if RANK[up] < RANK[last] else last


def margin_of(
    position: SimpleNamespace, terms: SimpleNamespace, mark: Fraction, multiplier: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    """Return profit, requirement and the value moved of a position, in its settle asset."""
    size, entry = position.quantity * terms.contract_size, position.entry_price
    inverse = terms.contract == "inverse"
    values = {price: abs(size) / price if inverse else abs(size) * price for price in (mark, entry)}
    profit = size * (1 / entry - 1 / mark) if inverse else size * (mark - entry)
    notional = values[entry if terms.maintenance_basis == "entry" else mark]
    tier = [tier for tier in terms.tiers if tier.floor * multiplier <= notional][-1]
    requirement = notional * (tier.rate + terms.closing_fee_rate) - tier.deduction * multiplier
    return profit, max(F(0), requirement), sum(values.values()) + abs(tier.deduction * multiplier)


def plain(terms: Any) -> SimpleNamespace:
    """Return terms with every amount as a fraction."""
    fields = {name: F(value) if type(value).__name__ == "Decimal" else value for name, value in vars(terms).items()}
    if "tiers" in fields:
        fields["tiers"] = [plain(tier) for tier in terms.tiers]
    return SimpleNamespace(**fields)
