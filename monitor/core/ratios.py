"""The two ratios of a scope as events, statuses and reports state them.

Nothing is decided by them: statuses compare equity and requirement without dividing.
"""

from __future__ import annotations

from monitor.core.amounts import Number, format_quotient


def margin_ratio(equity: Number | None, requirement: Number | None) -> str | None:
    """Return E ÷ MM (the health convention), None without a requirement."""
    return None if equity is None or not requirement else format_quotient(equity, requirement)


def risk_ratio(equity: Number | None, requirement: Number | None) -> str | None:
    """Return MM ÷ E (the risk convention, also the utilization of the margin), None unless the equity is above 0."""
    return None if requirement is None or equity is None or equity <= 0 else format_quotient(requirement, equity)
