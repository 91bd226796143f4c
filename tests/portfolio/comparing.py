"""A report of `liqmon evaluate` against the oracle, figure by figure.

Exact where a figure ends in decimals, else to 28 significant digits and more; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.portfolio.oracle import Figures
from tests.portfolio.oracle_groups import ZERO, Answer

DIGITS = Fraction(1, 10**28)
F = Fraction


def ends(number: Fraction) -> bool:
    """Return whether a number ends in decimals."""
    left = number.denominator
    for prime in (2, 5):
        while left % prime == 0:
            left //= prime
    return left == 1


def is_number(where: object, stated: str | None, right: Fraction | None, *, rounded: bool = False) -> None:
    """Compare a figure; `rounded`: an irrational power went into it."""
    if stated is None or right is None:
        assert stated is right, f"{where}: {stated}, the oracle says {right if right is None else float(right)}"
        return
    found = F(stated)
    if found != right:
        assert rounded or not ends(right), f"{where}: {stated}, the oracle says exactly {float(right)}"
        assert abs(found - right) <= abs(right) * DIGITS, f"{where}: {stated}, the oracle says {float(right)}"


def compare(where: tuple[Any, ...], body: Mapping[str, Any], right: Figures) -> None:
    """Compare the report of a scope."""
    assert set(body["unknown_because"]) == right.missing, where
    assert body["status"] == right.status, (where, body["status"], right.status)
    if right.missing:
        assert body["maintenance_margin"] is None, where
        return
    rounded = right.answer is not None and right.answer.rounded
    equity, needed = right.equity, right.maintenance
    figures = {
        "equity": equity,
        "maintenance_margin": needed,
        "initial_margin": right.initial,
        "available_margin": right.available,
        "margin_ratio": equity / needed if needed else None,
        "risk_ratio": needed / equity if equity > 0 else None,
    }
    for name, figure in figures.items():
        is_number((*where, name), body[name], figure, rounded=rounded)
    compare_positions(where, body, right)
    if right.answer is not None:
        compare_portfolio((*where, "portfolio"), body["portfolio"], right, right.answer)


def compare_positions(where: tuple[Any, ...], body: Mapping[str, Any], right: Figures) -> None:
    """Compare the figures of the positions of a scope."""
    stated = {(one["symbol"], one["side"]): one for one in body["positions"]}
    assert stated.keys() == right.positions.keys(), where
    for key, position in right.positions.items():
        is_number((*where, key, "pnl"), stated[key]["unrealized_pnl"], position.profit)
        is_number((*where, key, "requirement"), stated[key]["maintenance_margin"], position.requirement)
        is_number((*where, key, "initial"), stated[key]["initial_margin"], position.initial)
        if right.bankruptcy:
            is_number((*where, key, "bankruptcy"), stated[key]["bankruptcy_price"], right.bankruptcy[key])


def compare_portfolio(where: tuple[Any, ...], body: Mapping[str, Any], right: Figures, answer: Answer) -> None:
    """Compare what a portfolio scope reports beyond the others."""
    assert body["method"] == right.method, where
    stated, right_ones = body["scenarios"], {name: (loss, weight) for name, loss, weight in answer.scenarios}
    order = [name for name in right_ones if name in {one["name"] for one in stated}]
    assert [one["name"] for one in stated] == order, where
    for one in stated:
        loss, weight = right_ones.pop(one["name"])
        is_number((*where, one["name"], "loss"), one["loss"], loss)
        is_number((*where, one["name"], "weight"), one["weight"], weight)
    assert right.method != "scenario" or not right_ones, where
    assert not any(loss for loss, _ in right_ones.values()), f"{where}: a scenario with a loss is not listed"
    if right.method in ("scenario", "hyperliquid") or answer.components["worst_loss"]:
        assert body["worst_scenario"] == answer.worst, (where, body["worst_scenario"], answer.worst)
    for name, figure in answer.components.items():
        rounded = answer.rounded and name in ("liquidity", "buffer")
        is_number((*where, name), body["components"][name], figure, rounded=rounded)
    found = {(one["symbol"], one["side"]): one for one in body["contributions"]}
    assert len(found) == len(body["contributions"]), where
    idle = {key for key, share in answer.euler.items() if not share and not right.marginal[key] and key[1] == "asset"}
    assert answer.euler.keys() - idle <= found.keys() <= answer.euler.keys(), (where, found.keys(), answer.euler.keys())
    for key, one in found.items():
        is_number((*where, key, "euler"), one["euler"], answer.euler[key])
        marginal = right.marginal[key]
        if answer.rounded:
            assert abs(F(one["marginal"]) - marginal) <= (right.maintenance + abs(marginal)) * DIGITS, (where, key)
        else:
            is_number((*where, key, "marginal"), one["marginal"], marginal)
    assert sum((F(one["euler"]) for one in found.values()), ZERO) == answer.components.get("worst_loss", ZERO) or any(
        not ends(share) for share in answer.euler.values()
    ), where
