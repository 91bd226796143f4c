"""The twins of `kernels_banded` in plain numpy: the same bounds and the same candidates.

What is proven, and why, is stated in `kernels` and `kernels_banded`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.kernels import UNIT, Brackets, Coins, Law, Prices
from monitor.core.kernels_numpy import are_doubtful, brackets_of, runs, sum_groups, sum_rows
from monitor.core.store_columns import F8, GROUP, I8, NONE, PAGE_BITS, SINGLE, STATES, U4, UNKNOWN, Cells, Pages, Rows

_CLEARLY = 1e-9
_BANKRUPT = 7

Mask = NDArray[np.bool_]


class Ends(NamedTuple):
    """Hold the bounds of the figures of rows, as `kernels_banded.Ends` does."""

    low: F8
    high: F8
    least: F8
    most: F8
    worse: F8
    worse_needed: F8
    better: F8
    better_needed: F8
    is_sure: Mask
    live: F8
    doubt: F8


def judge_scopes(
    scopes: U4,
    row_of: U4,
    pages: Pages,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
    found: U4,
) -> int:
    """Evaluate some scopes from scratch; fill `found` with the candidates and count them."""
    count = 0
    row = row_of[scopes].astype(np.int64)
    row = row[row != NONE]
    kind = pages.kind[row >> PAGE_BITS]
    with np.errstate(all="ignore"):
        for number in (SINGLE, GROUP):
            for chosen, start, capacity in runs(row[kind == number], pages):
                if number == SINGLE:
                    doubtful = _judge_singles(chosen, start, capacity, rows, cells, prices, brackets, coins, law)
                else:
                    doubtful = _judge_groups(chosen, start, capacity, pages, rows, cells, prices, brackets, coins, law)
                judged = rows.scope[chosen[doubtful]]
                found[count : count + len(judged)] = judged
                count += len(judged)
    return count


def _ends(start: I8, capacity: int, base: F8, fixed: F8, cells: Cells, prices: Prices, brackets: Brackets) -> Ends:
    """Return the bounds of the figures of rows of one capacity."""
    sums = [base.copy(), base.copy(), fixed.copy(), fixed.copy(), base.copy(), fixed.copy(), base.copy(), fixed.copy()]
    is_sure, live, doubt = np.ones(len(start), np.bool_), np.zeros(len(start)), np.zeros(len(start))
    for column in range(capacity):
        code, size = cells.code[start + column], cells.size[start + column]
        one, other = size * prices.low[code >> 4], size * prices.high[code >> 4]
        (needed_one, doubt_one), (needed_other, doubt_other) = (
            _required(np.abs(gain), code, brackets) for gain in (one, other)
        )
        live += np.maximum(np.abs(one), np.abs(other))
        doubt += np.maximum(doubt_one, doubt_other)
        room = (other - needed_other) - (one - needed_one)
        clear = np.abs(room) > _CLEARLY * (np.abs(one) + np.abs(other))
        is_sure &= ~((one != other) & ((cells.hold[start + column] == NONE) | ~clear))
        swap = room < 0.0
        terms = (
            np.minimum(one, other),
            np.maximum(one, other),
            np.minimum(needed_one, needed_other),
            np.maximum(needed_one, needed_other),
            np.where(swap, other, one),
            np.where(swap, needed_other, needed_one),
            np.where(swap, one, other),
            np.where(swap, needed_one, needed_other),
        )
        for total, term in zip(sums, terms, strict=True):
            total += term
    return Ends(*sums, is_sure, live, doubt)


def _required(notional: F8, code: U4, brackets: Brackets) -> tuple[F8, F8]:
    here, doubt = brackets_of(notional, code, brackets)
    needed = brackets.table[here, 0] * notional - brackets.table[here, 1]
    needed[needed < 0.0] = 0.0
    return needed, doubt


def _judge_singles(
    row: I8,
    start: I8,
    capacity: int,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
) -> Mask:
    """Evaluate rows that are scopes; return whose status is not proven."""
    base, fixed, watch = rows.base[row], rows.fixed[row], rows.watch[row].astype(np.int64)
    equity, requirement, _, _ = sum_rows(start, capacity, base, fixed, cells, prices.value, brackets)
    rows.equity[row], rows.requirement[row] = equity, requirement
    ends = _ends(start, capacity, base, fixed, cells, prices, brackets)
    scale = 4.0 * (capacity + 16.0) * UNIT * (np.abs(base) + ends.live + ends.most) + ends.doubt
    tolerance = law.weight[watch] * scale
    floor = coins.floor_low[watch // STATES, rows.asset[row]], coins.floor_high[watch // STATES, rows.asset[row]]
    low = np.where(np.isfinite(equity), ends.low, equity)
    doubtful = are_doubtful(watch, (low, ends.high), (ends.least, ends.most), ends.live != 0.0, tolerance, floor, law)
    at_worse = _ranks(watch, ends.worse + tolerance, ends.worse_needed, law.enter[:-1], law)
    at_better = _ranks(watch, ends.better - tolerance, ends.better_needed, law.leave[1:], law)
    stays = ends.is_sure & (ends.least > tolerance) & (at_better < at_worse)
    return doubtful & ~((watch % STATES == UNKNOWN) & stays)


def _ranks(watch: I8, equity: F8, requirement: F8, line: F8, law: Law) -> I8:
    """Return the statuses of figures with a requirement above 0; `line[i]` is the one below which status i + 1 begins."""
    first = watch // STATES * STATES
    rank = np.zeros(len(watch), dtype=np.int64)
    for state in range(1, _BANKRUPT):
        exists = law.enter[first + state - 1] > law.enter[first + state]
        rank[exists & (equity < line[first + state - 1] * requirement)] = state
    rank[equity <= 0.0] = _BANKRUPT
    return rank


def _judge_groups(
    row: I8,
    start: I8,
    capacity: int,
    pages: Pages,
    rows: Rows,
    cells: Cells,
    prices: Prices,
    brackets: Brackets,
    coins: Coins,
    law: Law,
) -> Mask:
    """Evaluate scopes in USD with all their parts; return whose status is not proven."""
    parts = cells.code[start[:, None] + np.arange(capacity)].astype(np.int64)
    ends = np.zeros((5, *parts.shape))
    for part, place, size in runs(np.unique(parts), pages):
        base, fixed = rows.base[part], rows.fixed[part]
        rows.equity[part], rows.requirement[part], _, _ = sum_rows(
            place, size, base, fixed, cells, prices.value, brackets
        )
        mine = _ends(place, size, base, fixed, cells, prices, brackets)
        error = 4.0 * (size + 16.0) * UNIT * (np.abs(base) + mine.live + mine.most) + mine.doubt
        where = np.searchsorted(part, parts)
        inside = part[np.minimum(where, len(part) - 1)] == parts
        for target, source in zip(ends, (mine.low, mine.high, mine.least, mine.most, error), strict=True):
            target[inside] = source[where[inside]]
    equity, requirement, _ = sum_groups(start, capacity, rows, cells, coins.plus, coins.minus)
    rows.equity[row], rows.requirement[row] = equity, requirement
    asset = rows.asset[parts]
    terms = (
        ends[0] * np.where(ends[0] < 0.0, coins.minus_high[asset], coins.plus_low[asset]),
        ends[1] * np.where(ends[1] < 0.0, coins.minus_low[asset], coins.plus_high[asset]),
        ends[2] * coins.minus_low[asset],
        ends[3] * coins.minus_high[asset],
        ends[4] * np.maximum(coins.plus_high[asset], coins.minus_high[asset]),
    )
    low, high, least, most, scale = (_in_order(term) for term in terms)
    watch = rows.watch[row].astype(np.int64)
    tolerance = law.weight[watch] * (1.0 + capacity / 16.0) * scale
    floor = coins.floor_low[watch // STATES, 0], coins.floor_high[watch // STATES, 0]
    low = np.where(np.isfinite(equity), low, equity)
    return are_doubtful(watch, (low, high), (least, most), rows.fixed[row] != 0.0, tolerance, floor, law)


def _in_order(terms: F8) -> F8:
    """Return the sums of rows, added from left to right."""
    total = np.zeros(len(terms))
    for column in range(terms.shape[1]):
        total += terms[:, column]
    return total
