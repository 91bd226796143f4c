"""What the compiled code of this package is given and gives back: arrays, and what their columns mean.

Only names and shapes live here; `tables` fills the market, `reading` the facts of one scope, `judging` its figures.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.core.kernels_words import Words
from monitor.core.store_columns import I8, U1
from monitor.core.storm.numbers import FIRST_FREE, rows_for

MOST_POSITIONS: Final = 64
"""Of a scope; a larger one goes the plain way."""

(
    PLAIN, SETTLE, SIZE, SIZE_DECIMALS, FIRST_TIER, TIER_COUNT, RANK, CHARGE, CHARGE_DECIMALS, SETTLE_RANK, BASE_RANK,
    MARK, MARK_DECIMALS, TIME, HAS_FUNDING, RATE, RATE_DECIMALS, BASIS, BASIS_DECIMALS, NEXT_TIME, MOVE_RANK,
) = range(21)  # fmt: skip
"""Of a contract: whether it is linear, margined at the mark, priced and fresh; the place of its settle asset; size; its
brackets; its rank by name; the liquidation fee; the ranks of settle and base asset among stated ones (-1: not stated);
mark and event time; funding rate, the price it is charged on, next funding time (0: none); its rank by move."""
CONTRACT_COLUMNS: Final = 21
FLOOR, FLOOR_DECIMALS, REQUIRED, REQUIRED_DECIMALS, LESS, LESS_DECIMALS, CAP, CAP_DECIMALS = range(8)
"""Of a bracket: its floor, its rate with the closing fee, its deduction, its greatest leverage (0: none)."""
TIER_COLUMNS: Final = 8
NAME, MARK_TEXT, TERMS_TEXT, TERMS_SORTED, PRICE_TEXT, PRICE_SORTED, ORIGIN_TEXT, ORIGIN_SORTED = range(8)
"""Texts of a contract, as JSON: in the order they are written in, and sorted."""
CONTRACT_TEXTS: Final = 8


class Texts(NamedTuple):
    """Hold texts: all of them joined, and where each begins and ends."""

    text: U1
    spans: I8


class Market(NamedTuple):
    """Hold the market as the compiled code needs it: see the columns above.

    `symbols` and `assets` find their places; `shelf` holds all texts, one after the other: the literals of programs,
    the names of statuses, three texts of each rule, those of contracts, those of assets (as written, and sorted).
    """

    symbols: Words
    assets: Words
    contracts: I8
    tiers: I8
    shelf: Texts
    bases: I8


LITERALS, STATUSES, RULES, CONTRACTS, ASSETS = range(5)
"""Of the bases: where the texts of each kind begin on the shelf."""
BASES: Final = 5
RULE_TEXTS: Final = 3
ASSET_TEXTS: Final = 2


class Law(NamedTuple):
    """Hold one ladder: `lines` are (status, n, d), the worst first, a status beginning at E·d < MM·n.

    `rising` are the lines to be left upwards; `scalars`: whether the ladder is inclusive, n and d of the liquidation
    line, n and d of the line of `deposit_to_clear`, the odd part of that d, and what d must be multiplied with, and by
    which power of ten divided, to be that part.
    """

    lines: I8
    rising: I8
    scalars: I8


INCLUSIVE, LINE_TOP, LINE_BOTTOM, CLEAR_TOP, CLEAR_BOTTOM, CLEAR_ODD, CLEAR_FACTOR, CLEAR_POWER = range(8)

(
    PLACE, BRACKET, LEVERAGE, LEVERAGE_DECIMALS, ODD, SIDE_START, SIDE_END, QUANTITY_START, QUANTITY_END,
    ENTRY_START, ENTRY_END, LEVERAGE_START, LEVERAGE_END, WALLET_START, WALLET_END, HAS_LIQUIDATION, HAS_BANKRUPTCY,
) = range(17)  # fmt: skip
"""Of a position that is read: its contract and bracket, leverage that counts, what its initial margin is divided by,
where its facts stand in the record, and which prices it has."""
HELD_COLUMNS: Final = 17
ID_START, ID_END, MODE_START, MODE_END, VERSION_START, VERSION_END, TIME_START, TIME_END, BALANCE_START, BALANCE_END = (
    range(10)
)
"""Of a record: where these facts stand in it; BALANCE_END 0: there is no balance in the asset of the scope."""
CAUSE, COUNT, ODD_OF_ALL = range(10, 13)
"""The contract that moved most, how many positions, what the initial margin of all is divided by."""
SPOTS: Final = 13

(
    NUMBER, WALLET, PNL, EQUITY, REQUIREMENT, INITIAL, DUE, AFTER, LINE_TOP_ROW, LINE_BOTTOM_ROW,
    A, B, C, D, E, F, G, H, BEST_TOP, BEST_BOTTOM, BEST_APART, HELD_REST, REQUIRED_REST, GAIN, AT, SPARE, SPARE_TOO,
    FLOOR_ROW, RATE_ROW, LESS_ROW, HEIGHT, SLOPE, LEFT_EQUITY, LEFT_REQUIREMENT, FEES, ODD_ROW, SHARE,
) = range(FIRST_FREE, FIRST_FREE + 37)  # fmt: skip
"""Rows of a scope."""
FIRST_OF_POSITIONS: Final = FIRST_FREE + 37
(
    QUANTITY, ENTRY, SIZE_ROW, MARK_ROW, NOTIONAL, PROFIT, NEEDED, INITIAL_PART, FEE, LIQUIDATION, BANKRUPTCY, RELIEF,
    NAMED_LEVERAGE, COUNTED_LEVERAGE, BRACKET_ROW,
) = range(15)  # fmt: skip
"""Rows of a position, from `FIRST_OF_POSITIONS` on."""
ROWS_OF_POSITION: Final = 15
CROSS, RECOVERS, BALANCE, FUNDING, RESTORES = range(5)
"""Flags of a scope that programs ask for."""
FLAGS: Final = 5


class Work(NamedTuple):
    """Hold one scope while it is worked on.

    Rows of numbers, its positions, spots in its record, orders of its positions, flags, room for digits.
    """

    rows: I8
    held: I8
    spots: I8
    order: I8
    flags: I8
    digits: U1


def new_work() -> Work:
    """Return room for a scope."""
    return Work(
        rows_for(FIRST_OF_POSITIONS + ROWS_OF_POSITION * MOST_POSITIONS),
        np.zeros((MOST_POSITIONS, HELD_COLUMNS), dtype=np.int64),
        np.zeros(SPOTS, dtype=np.int64),
        np.zeros(2 * MOST_POSITIONS + 2, dtype=np.int64),
        np.zeros(FLAGS, dtype=np.int64),
        np.zeros(1024, dtype=np.uint8),
    )
