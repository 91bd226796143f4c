"""The recipe: the parameters of the portfolio method in force, as the flat arrays the kernels walk.

Only names and shapes live here; `store_portfolio` makes a recipe of exact terms, `kernels_methods` follows it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from monitor.core.store_columns import F8

NO_METHOD, SCENARIO, SPAN, TIMS, TOKENS = range(5)
"""Of a recipe: which method it is for (TOKENS: Hyperliquid's); without one no requirement is known."""

SLOPE, BASIS_RATE, MINIMUM_RATE, FACTOR, LIQUIDITY_RATE, EXPONENT, OFFSET, NUMBERS = range(8)
"""Of the numbers of a recipe. SLOPE: how much the requirement can rise with Σ |ΔD| (see `kernels_portfolio_rows`).
FACTOR: 1 + buffer. OFFSET: what every token requires."""

BREAK_UP, BREAK_DOWN, SWING_UP, SWING_DOWN, PER_VOLUME = range(5)
"""Of a group of `scenario`: its move when another group moves up (down) alone, what is to be added to that when it is
the one that moves, and 1/daily volume (below 0: none is known)."""
SCAN_LONG, SCAN_SHORT = range(2)
"""Of a group of `span`: the scan risk of one USD of delta above 0, and below."""
PRODUCT, PRODUCT_OFFSET, FAMILY, FAMILY_OFFSET = range(4)
"""Of a class of `tims`: the numbers and offsets of its product group and portfolio group; both rise with the class."""
IS_BORROWABLE, WORTH, SUPPLY_CAP, BORROW_CAP = range(4)
"""Of a token: 1 or 0, what one USD of it counts for others, its supply cap in the token, its borrow cap in USD."""
IS_MIXED, GROUP_COLUMNS = 5, 6
"""Of every group: whether its members are known to differ in their base, so that who uses it has no requirement."""

FIRST_LEG, SECOND_LEG, FIRST_RATIO, SECOND_RATIO, CREDIT = range(5)
"""Of a credit of `span`."""

DELTA, GROSS, HELD, SEEN, REST, CREDITED, SPREAD, PRICE, WORK_COLUMNS = range(9)
"""Of a group while an account is margined: Σ of its deltas with what is held, Σ |delta| of positions, Σ |what is held|,
whether it was met; for `span` the delta no credit has used yet, and the credit. Of a token: DELTA is what is held in
USD, SPREAD how far off that can be, PRICE its index, REST and CREDITED the ends of what it counts for others."""


class Sums(NamedTuple):
    """Hold what the pieces of an account come to.

    Equity in USD and Σ w·S; what ungrouped positions require, and Σ S·i; how many numbers were added.
    """

    in_all: float
    value_error: float
    alone: float
    held_error: float
    terms: float


class Recipe(NamedTuple):
    """Hold a method. `shocks`: by group, weight·max(move, −1) in every scenario that none of the others makes idle."""

    method: int
    numbers: F8
    groups: F8
    shocks: F8
    credits: F8


def no_recipe() -> Recipe:
    """Return the recipe that knows no method."""
    return Recipe(NO_METHOD, np.zeros(NUMBERS), np.zeros((0, GROUP_COLUMNS)), np.zeros((0, 0)), np.zeros((0, 5)))
