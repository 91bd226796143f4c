"""The wording of a portfolio requirement: how it came about, in lines a person can follow.

The wording lives here; the figures are those of the method.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.core.amounts import format_amount
from monitor.core.portfolio.methods import Margined
from monitor.core.portfolio.terms import HyperliquidTerms, Method

_SUM = {
    Method.SCENARIO: "max(worst loss + liquidity + basis, minimum) + buffer + ungrouped",
    Method.SPAN: "Σ of the groups + ungrouped",
    Method.TIMS: "Σ of the portfolio groups + ungrouped",
    Method.HYPERLIQUID: "borrow offset + cross requirements + borrowed, of the token that binds",
}


def portfolio_lines(book: Margined) -> Iterator[str]:
    """Yield the groups, the scenarios that lose, and the components of a requirement."""
    required, text = book.requirement, format_amount
    yield f"  portfolio method {book.method}: maintenance margin = {_SUM[book.method]}"
    if not isinstance(book.terms, HyperliquidTerms):
        for group, sums in zip(book.terms.groups, book.exposure.groups, strict=True):
            if sums.gross or sums.delta:
                yield (
                    f"    group {group.name}: delta {text(sums.delta)}, gross {text(sums.gross)}, "
                    f"long {text(sums.long)}, short {text(sums.short)}"
                )
    for scenario in required.scenarios:
        if scenario.loss > 0:
            mark = " ← worst" if scenario.name == required.worst_scenario else ""
            yield f"    {scenario.name}: loss {text(scenario.loss)} (weight {text(scenario.weight)}){mark}"
    for part in required.parts:
        if book.method is Method.HYPERLIQUID:
            mark = " ← binds" if part.worst_scenario == required.worst_scenario else ""
            yield f"    token {part.name}: requirement {text(part.requirement)} against value {text(part.value)}{mark}"
        else:
            yield (
                f"    {part.name}: max({text(part.worst_loss)} + {text(part.basis)} − {text(part.credit)}, "
                f"{text(part.minimum)}) = {text(part.requirement)}"
            )
    for name in required.components._fields:
        amount = getattr(required.components, name)
        if amount:
            yield f"    {name.replace('_', ' ')} = {text(amount)}"
