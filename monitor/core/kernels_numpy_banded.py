"""The twins of `kernels_banded` in plain numpy: the same bounds and the same candidates.

What is proven, and why, is stated in `kernels` and `kernels_banded`.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_banded import (
    BETTER,
    BETTER_NEEDED,
    CLEARLY,
    DOUBT,
    ENDS,
    HIGH,
    LEAST,
    LIVE,
    LOW,
    MOST,
    UNSURE,
    WORSE,
    WORSE_NEEDED,
)
from monitor.core.kernels_numpy_rows import Mask, are_doubtful, brackets_of, cells_of, rounding_of, runs, sum_rows
from monitor.core.kernels_proof import BANKRUPT
from monitor.core.store_columns import (
    ASSET,
    BASE,
    DEDUCTION,
    ENTER,
    EQUITY,
    F8,
    FIXED,
    GROUP,
    I8,
    LEAVE,
    MINUS,
    MINUS_HIGH,
    MINUS_LOW,
    NONE,
    OWNER,
    PAGE_BITS,
    PAGE_KIND,
    PLUS,
    PLUS_HIGH,
    PLUS_LOW,
    RATE,
    REQUIREMENT,
    SCOPE_ROW,
    SINGLE,
    STATES,
    U1,
    U4,
    UNKNOWN,
    WEIGHT,
)


def judge_scopes(
    chosen: U4,
    scopes: U4,
    pages: I8,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    holds: U4,
    values: F8,
    ends: F8,
    table: F8,
    edge: F8,
    coins: F8,
    floors: F8,
    law: F8,
    found: U4,
) -> int:
    """Evaluate some scopes from scratch; fill `found` with the candidates and count them."""
    rows = scopes[chosen, SCOPE_ROW].astype(np.int64)
    rows = rows[rows != NONE]
    kind = pages[rows >> PAGE_BITS, PAGE_KIND]
    judged = [np.zeros(0, np.int64)]
    with np.errstate(all="ignore"):
        for row, start, capacity in runs(rows[kind == SINGLE], pages):
            equity = _evaluate(row, start, capacity, figures, codes, sizes, values, table, edge)
            bounds = _ends_of(row, start, capacity, figures, codes, sizes, holds, ends, table, edge)
            doubtful = _judge_singles(row, capacity, equity, figures, watch, links, bounds, floors, law)
            judged.append(row[doubtful])
        for row, start, capacity in runs(rows[kind == GROUP], pages):
            parts = codes[start[:, None] + np.arange(capacity)].astype(np.int64)
            bounds = np.zeros((ENDS, int(parts.max(initial=0)) + 1))
            for part, place, size in runs(np.unique(parts), pages):
                _evaluate(part, place, size, figures, codes, sizes, values, table, edge)
                mine = _ends_of(part, place, size, figures, codes, sizes, holds, ends, table, edge)
                error = rounding_of(size) * (np.abs(figures[part, BASE]) + mine[LIVE] + mine[MOST]) + mine[DOUBT]
                mine[DOUBT] = error
                bounds[:, part] = mine
            doubtful = _judge_groups(row, parts, bounds, figures, watch, links, coins, floors, law)
            judged.append(row[doubtful])
    owners = links[np.concatenate(judged), OWNER]
    found[: len(owners)] = owners
    return len(owners)


def _evaluate(
    row: I8, start: I8, capacity: int, figures: F8, codes: U4, sizes: F8, values: F8, table: F8, edge: F8
) -> F8:
    """Keep the figures of rows at the last prices; return their equity."""
    base, fixed = figures[row, BASE], figures[row, FIXED]
    equity, requirement, _, _ = sum_rows(
        cells_of(start, capacity), capacity, base, fixed, codes, sizes, values, table.T, edge
    )
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    return equity


def _ends_of(
    row: I8,
    start: I8,
    capacity: int,
    figures: F8,
    codes: U4,
    sizes: F8,
    holds: U4,
    ends: F8,
    table: F8,
    edge: F8,
) -> F8:
    """Return the bounds of the figures of rows of one capacity, as `kernels_banded` names them."""
    out = np.zeros((ENDS, len(row)))
    out[[LOW, HIGH, WORSE, BETTER]] = figures[row, BASE]
    out[[LEAST, MOST, WORSE_NEEDED, BETTER_NEEDED]] = figures[row, FIXED]
    for place in (start + column for column in range(capacity)):
        code, size = codes[place], sizes[place]
        one, other = size * ends[code >> 4, 0], size * ends[code >> 4, 1]
        needed_one, doubt_one = _required(np.abs(one), code, table, edge)
        needed_other, doubt_other = _required(np.abs(other), code, table, edge)
        out[LOW] += np.minimum(one, other)
        out[HIGH] += np.maximum(one, other)
        out[LEAST] += np.minimum(needed_one, needed_other)
        out[MOST] += np.maximum(needed_one, needed_other)
        out[LIVE] += np.maximum(np.abs(one), np.abs(other))
        out[DOUBT] += np.maximum(doubt_one, doubt_other)
        room = (other - needed_other) - (one - needed_one)
        is_clear = np.abs(room) > CLEARLY * (np.abs(one) + np.abs(other))
        out[UNSURE, (one != other) & ((holds[place] == NONE) | ~is_clear)] = 1.0
        is_turned = room < 0.0
        out[WORSE] += np.where(is_turned, other, one)
        out[WORSE_NEEDED] += np.where(is_turned, needed_other, needed_one)
        out[BETTER] += np.where(is_turned, one, other)
        out[BETTER_NEEDED] += np.where(is_turned, needed_one, needed_other)
    return out


def _required(notional: F8, code: U4, table: F8, edge: F8) -> tuple[F8, F8]:
    here, doubt = brackets_of(notional, code, edge)
    needed = table[here, RATE] * notional - table[here, DEDUCTION]
    needed[needed < 0.0] = 0.0
    return needed, doubt


def _judge_singles(
    row: I8, capacity: int, equity: F8, figures: F8, watch: U1, links: U4, bounds: F8, floors: F8, law: F8
) -> Mask:
    """Return which rows that are scopes are not proven to keep their status."""
    state = watch[row].astype(np.int64)
    scale = rounding_of(capacity) * (np.abs(figures[row, BASE]) + bounds[LIVE] + bounds[MOST]) + bounds[DOUBT]
    tolerance = law[state, WEIGHT] * scale
    low = np.where(np.isfinite(equity), bounds[LOW], equity)
    floor, live = floors[state // STATES, links[row, ASSET]], bounds[LIVE] != 0.0
    doubtful = are_doubtful(state, (low, bounds[HIGH]), (bounds[LEAST], bounds[MOST]), live, tolerance, floor, law)
    at_worse = _ranks(state, bounds[WORSE] + tolerance, bounds[WORSE_NEEDED], law, is_widened=False)
    at_better = _ranks(state, bounds[BETTER] - tolerance, bounds[BETTER_NEEDED], law, is_widened=True)
    stays = (bounds[UNSURE] == 0.0) & (bounds[LEAST] > tolerance) & (at_better < at_worse)
    return doubtful & ~((state % STATES == UNKNOWN) & stays)


def _ranks(watch: I8, equity: F8, requirement: F8, law: F8, *, is_widened: bool) -> I8:
    """Return the statuses by k (or k·(1 + h)) of figures with a requirement above 0, as ranks."""
    first = watch // STATES * STATES
    rank = np.zeros(len(watch), dtype=np.int64)
    for state in range(1, BANKRUPT):
        k = law[first + state, LEAVE] if is_widened else law[first + state - 1, ENTER]
        exists = law[first + state - 1, ENTER] > law[first + state, ENTER]
        rank[exists & (equity < k * requirement)] = state
    rank[equity <= 0.0] = BANKRUPT
    return rank


def _judge_groups(
    row: I8, parts: I8, bounds: F8, figures: F8, watch: U1, links: U4, coins: F8, floors: F8, law: F8
) -> Mask:
    """Add up the evaluated parts of scopes in USD; return whose status is not proven."""
    equity, requirement, low, high, least, most, scale = (np.zeros(len(row)) for _ in range(7))
    for part in parts.T:
        coin = coins[links[part, ASSET]].T
        amount, lower, upper = figures[part, EQUITY], bounds[LOW, part], bounds[HIGH, part]
        equity += amount * np.where(amount < 0.0, coin[MINUS], coin[PLUS])
        requirement += figures[part, REQUIREMENT] * coin[MINUS]
        low += lower * np.where(lower < 0.0, coin[MINUS_HIGH], coin[PLUS_LOW])
        high += upper * np.where(upper < 0.0, coin[MINUS_LOW], coin[PLUS_HIGH])
        least += bounds[LEAST, part] * coin[MINUS_LOW]
        most += bounds[MOST, part] * coin[MINUS_HIGH]
        scale += bounds[DOUBT, part] * np.where(coin[MINUS_HIGH] > coin[PLUS_HIGH], coin[MINUS_HIGH], coin[PLUS_HIGH])
    figures[row, EQUITY], figures[row, REQUIREMENT] = equity, requirement
    state = watch[row].astype(np.int64)
    tolerance = law[state, WEIGHT] * (1.0 + parts.shape[1] / 16.0) * scale
    low = np.where(np.isfinite(equity), low, equity)
    has_positions, floor = figures[row, FIXED] != 0.0, floors[state // STATES, 0]
    return are_doubtful(state, (low, high), (least, most), has_positions, tolerance, floor, law)
