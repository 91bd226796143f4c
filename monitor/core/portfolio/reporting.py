"""The portfolio part of a scope's report: scenarios, components and contributions as text ready for JSON.

Only the assembly lives here; every figure has its own room.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from monitor.core.amounts import format_amount
from monitor.core.portfolio.contributions import contributions
from monitor.core.portfolio.figures import Part
from monitor.core.portfolio.methods import Margined
from monitor.core.portfolio.terms import HyperliquidTerms, Method

_ALWAYS = ("worst_loss", "liquidity", "basis", "minimum", "buffer", "ungrouped")
_BESIDE = {Method.SPAN: ("credit",), Method.HYPERLIQUID: ("borrowed", "borrow_offset")}


def portfolio_report(book: Margined, liquidation_move: str | None, ineligible: Sequence[str]) -> dict[str, Any]:
    """Return how a portfolio scope was margined."""
    required = book.requirement
    return {
        "method": str(book.method),
        "worst_scenario": required.worst_scenario,
        "scenarios": [
            {"name": scenario.name, "loss": format_amount(scenario.loss), "weight": format_amount(scenario.weight)}
            for scenario in required.scenarios
        ],
        "components": {
            name: format_amount(getattr(required.components, name))
            for name in (*_ALWAYS, *_BESIDE.get(book.method, ()))
        },
        "contributions": [
            {
                "symbol": one.symbol,
                "side": one.side,
                "euler": format_amount(one.euler),
                "marginal": format_amount(one.marginal),
                **({"ungrouped": True} if one.ungrouped else {}),
            }
            for one in contributions(book)
        ],
        "groups": _groups(book),
        "parts": [_part(book.method, part) for part in required.parts],
        "liquidation_move": liquidation_move,
        "ineligible": list(ineligible),
    }


def _groups(book: Margined) -> list[dict[str, str]]:
    """Return the sums of every configured group."""
    if isinstance(book.terms, HyperliquidTerms):
        return []
    return [
        {"group": group.name, **{name: format_amount(getattr(sums, name)) for name in sums._fields}}
        for group, sums in zip(book.terms.groups, book.exposure.groups, strict=True)
    ]


def _part(method: Method, part: Part[Fraction]) -> dict[str, str | None]:
    """Return what is margined alone: a group of span, a portfolio group of tims, a token of hyperliquid."""
    if method is Method.HYPERLIQUID:
        figures = {"borrowed": part.worst_loss, "requirement": part.requirement, "value": part.value}
        return {"name": part.name, **{name: format_amount(figure) for name, figure in figures.items()}}
    names = ("worst_loss", "basis", "credit", "minimum", "requirement")
    return {
        "name": part.name,
        "worst_scenario": part.worst_scenario,
        **{name: format_amount(getattr(part, name)) for name in names},
    }
