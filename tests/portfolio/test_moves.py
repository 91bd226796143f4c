"""Liquidation prices and moves of portfolios, tried against the oracle at the stated place and all around it.

How they are found is not looked at: only whether they are right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from tests.portfolio.books import METHODS, document
from tests.portfolio.evaluating import reports
from tests.portfolio.oracle import parameters
from tests.portfolio.oracle_moves import WIDTHS, at_move, at_price, crossing, nearer, surplus

F = Fraction
BOOKS = int(os.environ.get("LIQMON_PORTFOLIO_BOOKS", "32"))
SEED = int(os.environ.get("LIQMON_PORTFOLIO_SEED", "0"))
POINTS = 12
FAR = F(12)
"""Where no price is stated, the line is looked for up to so many times the mark."""


def known(method: str) -> Iterator[tuple[int, dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield seed, document, account and report of the portfolios whose figures are known."""
    for seed in range(SEED, SEED + BOOKS // len(METHODS)):
        stated = document(seed, method)
        found = reports(stated)
        for account in stated["accounts"]:
            body = found[account["account_id"], "portfolio"]
            if not body["unknown_because"]:
                yield seed, stated, account, body


@pytest.mark.parametrize("method", METHODS)
def test_liquidation_prices(method: str) -> None:
    """At the stated price the equity is k times the requirement, and at none nearer; without one, nowhere."""
    tried = 0
    for seed, stated, account, body in known(method):
        for position in body["positions"]:
            symbol, mark = position["symbol"], F(position["mark_price"])

            def at(price: Fraction, symbol: str = symbol, moves: bool = True) -> tuple[Fraction, Fraction]:
                return surplus(at_price(stated, symbol, price, moves_collateral=moves), account)  # noqa: B023

            where = seed, account["account_id"], symbol
            stated_price = position["liquidation_price"]
            if stated_price is None:
                assert nearer(at, mark, mark * FAR, F(0), POINTS) is None, where
            elif F(stated_price) != mark:
                price = F(stated_price)
                assert crossing(at, price, mark), where
                assert nearer(at, mark, price, F(0), POINTS) is None, where
                assert ("recovery" in position) == (at(mark)[0] < 0), where
                tried += 1
    assert tried > BOOKS // 10


@pytest.mark.parametrize("method", list(WIDTHS))
def test_liquidation_moves(method: str) -> None:
    """At the stated move of all groups the equity is k times the requirement, at none nearer; without one, nowhere."""
    tried = 0
    for seed, stated, account, body in known(method):

        def at(move: Fraction) -> tuple[Fraction, Fraction]:
            return surplus(at_move(stated, move), account)  # noqa: B023

        where, move = (seed, account["account_id"]), body["portfolio"]["liquidation_move"]
        lowest = F(-1) + F(1, 10**6)
        if move is None:
            assert nearer(at, F(0), F(10), lowest, 4 * POINTS) is None, where
            assert nearer(at, F(0), lowest, lowest, POINTS) is None, where
        elif F(move):
            assert -1 < F(move) <= 10, where
            assert crossing(at, F(move), F(1)), where
            assert nearer(at, F(0), F(move), lowest, POINTS) is None, where
            tried += 1
    assert tried > BOOKS // 20


def test_every_method_with_groups_has_a_move() -> None:
    """The table of widths names the methods whose parameters have groups."""
    for method in METHODS:
        _, table = parameters(document(1, method))
        assert (method in WIDTHS) == bool({"groups", "classes"} & table.keys())
