"""The wording of a plan: its steps as lines a person can follow.

Figures are taken from the body of the plan as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from monitor.core.plan.rule import Line


def plan_lines(plan: Mapping[str, Any], line: Line) -> Iterator[str]:
    """Yield the lines that explain a plan; `line` is what it has to come back to, exactly."""
    k, sign = plan["line"], ">" if line.strict else "≥"
    yield f"  plan (advice, nothing is sent) by the rule {plan['rule']}: back to E {sign} {k} × MM"
    if plan["cancel_orders"] is not None:
        yield f"    cancel open orders: {plan['cancel_orders']['initial_margin_freed']} of initial margin is freed"
    for exchange in plan["exchanges"]:
        yield f"    {exchange['owed']} {exchange['asset']} are owed, {exchange['value']} USD"
        for sale in exchange["sales"]:
            sold = f"{sale['quantity']} {sale['asset']}, worth {sale['value']} USD at the index"
            yield f"      sell {sold}: after the haircut that raises {sale['raises']}"
    for number, step in enumerate(plan["reductions"], 1):
        yield from _reduction(number, step, k, line)
    for fee in plan["fees"]:
        yield f"    fees: {fee['fee']} {fee['asset']}, of which {fee['to_fund']} go to the insurance fund"
    for position in plan["positions"]:
        price = position["bankruptcy_price"] or "none above 0"
        yield f"    bankruptcy price of {position['symbol']} {position['side']}: {price}"
    yield f"    shortfall at the present marks: {plan['shortfall']}"
    afterwards = ", then ".join(step.replace("_", " ") for step in plan["afterwards"])
    if plan["restores"]:
        yield f"    that brings the scope back; for what the market does not take: {afterwards}"
    else:
        yield f"    no reduction brings the scope back, so that everything goes; beyond the market: {afterwards}"


def _reduction(number: int, step: Mapping[str, Any], k: str, line: Line) -> Iterator[str]:
    held = f"{step['symbol']} {step['side']}"
    if step.get("against_other_leg"):
        done = f"close {step['quantity']} of {held} against its other leg at {step['mark_price']}"
    else:
        limit = f", limit {step['limit_price']}" if "limit_price" in step else ""
        done = f"reduce {held} by {step['quantity']} at the mark {step['mark_price']}{limit}"
    yield f"    {number}. {done}: {step['remaining_quantity']} left"
    equity, requirement = step["equity_after"], step["maintenance_margin_after"]
    sign = ">" if line.strict else "≥"
    is_met = line.is_met(Fraction(equity), Fraction(requirement))
    yield f"       fee on {step['notional']}: {step['fee']}; E = {equity}, MM = {requirement}"
    yield f"       E {sign} {k} × MM? {'yes' if is_met else 'no'}"
