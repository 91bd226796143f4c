"""The evidence of a decision on a claim: the fund's figures and the rule, by value, so that anybody can decide again.

What it states lives here; the check that a stated decision follows from it is in `proof`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.core.adl.settings import AdlSettings
from monitor.core.amounts import exactly, format_amount, format_quotient
from monitor.core.fund.claims import FundFigure
from monitor.core.fund.decision import FundView
from monitor.core.fund.entries import Book, Entry

MOST_LISTED = 50
"""So many open claims are listed one by one; the others are stated as a sum, so that a storm's events stay small."""


@exactly
def decision_evidence(figure: FundFigure | None, view: FundView | None, book: Book, adl: AdlSettings) -> dict[str, Any]:
    """Return the figures a decision was made from; `fund` is None where the fund was not known."""
    rule = {
        "trigger": str(adl.trigger),
        "drawdown": format_amount(adl.drawdown),
        "window_ms": adl.window_ms,
        "population": str(adl.population),
    }
    if figure is None or view is None:
        return {"rule": rule, "fund": None}
    listed = book.covered_first(MOST_LISTED)
    sum_listed = sum((entry.claim.amount for entry in listed), Decimal(0))
    fund = {
        "figure": figure.body(),
        "open_claims": [_open_claim(entry) for entry in listed],
        "other_claims": {
            "count": book.covered - len(listed),
            "amount": format_amount(book.claimed - sum_listed),
        },
        "claimed": format_amount(view.claimed),
        "settling": view.settling,
        "left": format_amount(view.left),
        "peak": format_amount(view.peak),
        "drawdown": drawdown_of(view),
        "spent": {symbol: format_amount(cost) for symbol, cost in view.spent.items()},
    }
    return {"rule": rule, "fund": fund}


@exactly
def drawdown_of(view: FundView) -> str | None:
    """Return how far what is left lies below the peak, as a fraction of it; None without a peak above 0."""
    return format_quotient(view.peak - view.left, view.peak) if view.peak > 0 else None


def _open_claim(entry: Entry) -> dict[str, Any]:
    closing = None if entry.closing is None else entry.closing.event_ms
    return {
        "claim_id": entry.claim.claim_id,
        "amount": format_amount(entry.claim.amount),
        "offset": entry.offset,
        "closed_at_ms": closing,
    }
