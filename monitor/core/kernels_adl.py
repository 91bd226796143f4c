"""The float64 twin of the ADL scores: what each holder of a symbol scores, and by how much that may be off.

Exact scores are in `adl.scores`; these decide who is scored exactly, what the distribution looks like, and the lights.
How costs get into their column is here too. Compiled like the other kernels (or run as they are).

Figures
    cost = Q·v(entry), with Q and v as in `kernels`, so that uPnL = Q·v − cost in linear and inverse contracts alike,
    and the wallet of a row is its base + Σ cost. Legs of a symbol that share a row are one holding: their net.

Error:
    With g = Σ (|Q·v| + |cost|) + |base| + M over all n cells of a scope, every amount a score is made of (uPnL, wallet,
    E, M) is off by less than S = 16·(n + 16)·2⁻⁵³·g: see `kernels`, whose bound of E and M is below a quarter of that;
    a cost is rounded once, and n of them are summed. A score is a product of such amounts and their reciprocals, so to
    first order it is off by |score|·S·Σ 1/|amount|. What is returned is twice that.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_proof import UNIT
from monitor.core.store_columns import (
    ASSET,
    BASE,
    EQUITY,
    F8,
    I8,
    NONE,
    PAGE_BITS,
    PAGE_CAPACITY,
    PAGE_CELL,
    PAGE_KIND,
    PAGE_ROWS,
    REQUIREMENT,
    SCOPE_ACCOUNT,
    SCOPE_NEXT,
    SCOPE_ROW,
    SINGLE,
    STATES,
    U1,
    U4,
    UNKNOWN,
)

NOT_KNOWN, NOT_RANKED, HOLDS = range(3)
"""What a scope is to a queue: its status is not known, it is no counterparty, it holds the side it is given."""
NO_LIGHT: Final = 255
LEVERAGE_PNL_2019, BINANCE_V2, HYPERLIQUID = range(3)
_BANKRUPT: Final = 7


@compiled
def write_costs(
    accounts: I8,
    batch_scopes: I8,
    parts: I8,
    batch_costs: F8,
    first: U4,
    scopes: U4,
    pages: I8,
    codes: U4,
    costs: F8,
    lights: U1,
) -> None:
    """Put the costs of a batch beside the cells it was written into; their lights are not shown yet.

    An account that a batch names twice is what its last mention says: an earlier one may not fit and is cut off.
    """
    index, part = 0, 0
    for number in range(accounts.shape[0]):
        scope = np.int64(first[accounts[number, 0]])
        while index < accounts[number, 1]:
            row = np.int64(NONE) if scope == NONE else np.int64(scopes[scope, SCOPE_ROW])
            is_single = row == NONE or pages[row >> PAGE_BITS, PAGE_KIND] == SINGLE
            room, place = 1, np.int64(0)
            if not is_single:
                room = pages[row >> PAGE_BITS, PAGE_CAPACITY]
                place = pages[row >> PAGE_BITS, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * room
            done = 0
            while part < batch_scopes[index, 4]:
                begin, end = parts[part - 1, 1] if part > 0 else 0, parts[part, 1]
                if row != NONE and done < room:
                    target = row if is_single else np.int64(codes[place + done])
                    width = pages[target >> PAGE_BITS, PAGE_CAPACITY]
                    start = pages[target >> PAGE_BITS, PAGE_CELL] + (target & (PAGE_ROWS - 1)) * width
                    for cell in range(begin, min(end, begin + width)):
                        costs[start + cell - begin] = batch_costs[cell]
                        lights[start + cell - begin] = NO_LIGHT
                part, done = part + 1, done + 1
            scope = scope if scope == NONE else np.int64(scopes[scope, SCOPE_NEXT])
            index += 1


@compiled_within
def score_of(
    ranking: int, is_long: bool, pnl: float, notional: float, gain: float, wallet: float, equity: float, required: float
) -> float:
    """Return the score of a holder, NaN where it is not in the queue: the formulas of `adl.scores`."""
    if ranking == LEVERAGE_PNL_2019:
        return pnl / max(1.0, wallet) * required / equity if pnl > 0.0 else np.nan
    if ranking == BINANCE_V2:
        if pnl >= 0.0:
            return pnl / equity
        return pnl * equity / (notional * notional)
    return (gain if is_long else 1.0 / gain) * notional / equity


@compiled_within
def error_of(
    ranking: int, score: float, pnl: float, wallet: float, equity: float, required: float, scale: float
) -> float:
    """Return by how much a score may be off; `scale` bounds the error of every amount it is made of."""
    if np.isnan(score):
        return 0.0
    parts = 1.0 / equity
    if ranking == LEVERAGE_PNL_2019:
        parts += 1.0 / max(1.0, wallet) + (1.0 / required if required > 0.0 else 0.0)
    if ranking != HYPERLIQUID and pnl != 0.0:
        parts += 1.0 / abs(pnl)
    off = abs(score) * scale * parts
    if ranking == BINANCE_V2 and pnl == 0.0:
        off = scale / equity
    return 2.0 * off


@compiled_within
def score_holder(
    scope: int,
    symbol: int,
    ranking: int,
    index: F8,
    exempt: U1,
    costs: F8,
    scopes: U4,
    pages: I8,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    symbol_of: I8,
) -> tuple[int, int, float, float, int]:
    """Return what one scope is to the queues of a symbol: kind, 1 for short, score, error, place of its first cell."""
    top = np.int64(scopes[scope, SCOPE_ROW])
    state = watch[top] % STATES
    page = top >> PAGE_BITS
    is_single = pages[page, PAGE_KIND] == SINGLE
    room = 1 if is_single else pages[page, PAGE_CAPACITY]
    inside = pages[page, PAGE_CELL] + (top & (PAGE_ROWS - 1)) * pages[page, PAGE_CAPACITY]
    wallet, scale, pnl, net, value, largest, entry, found, cells = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1, 0
    notional_worth = 1.0
    for number in range(room):
        row = top if is_single else np.int64(codes[inside + number])
        width = pages[row >> PAGE_BITS, PAGE_CAPACITY]
        start = pages[row >> PAGE_BITS, PAGE_CELL] + (row & (PAGE_ROWS - 1)) * width
        worth = 1.0 if is_single else index[links[row, ASSET]]
        own, live = figures[row, BASE], abs(figures[row, BASE])
        for place in range(start, start + width):
            size = sizes[place]
            if size == 0.0:
                continue
            cells += 1
            mark = values[codes[place] >> 4]
            own += costs[place]
            live += abs(size * mark) + abs(costs[place])
            if symbol_of[codes[place] >> 4] == symbol:
                found = place if found < 0 else found
                net += size
                pnl += (size * mark - costs[place]) * worth
                value = mark
                if abs(size) > largest:
                    largest, entry = abs(size), costs[place] / size
                notional_worth = worth
        wallet += own * worth
        scale += live * worth
    if found < 0 or state >= UNKNOWN:
        return NOT_KNOWN, 0, np.nan, 0.0, found
    is_short = 1 if net < 0.0 else 0
    equity, required = figures[top, EQUITY], figures[top, REQUIREMENT]
    account = scopes[scope, SCOPE_ACCOUNT]
    is_exempt = account < exempt.shape[0] and exempt[account] != 0
    if state == _BANKRUPT or is_exempt or net == 0.0 or not equity > 0.0:
        return NOT_RANKED, is_short, np.nan, 0.0, found
    notional = abs(net * value) * notional_worth
    gain = value / entry if value > 0.0 else entry / value
    score = score_of(ranking, is_short == 0, pnl, notional, gain, wallet, equity, required)
    bound = 16.0 * (cells + 16.0) * UNIT * (scale + required)
    return HOLDS, is_short, score, error_of(ranking, score, pnl, wallet, equity, required, bound), found


@compiled
def score_holders(
    chosen: U4,
    symbols: I8,
    ranking: int,
    index: F8,
    exempt: U1,
    costs: F8,
    scopes: U4,
    pages: I8,
    figures: F8,
    watch: U1,
    links: U4,
    codes: U4,
    sizes: F8,
    values: F8,
    symbol_of: I8,
    kinds: U1,
    shorts: U1,
    scores: F8,
    errors: F8,
    places: I8,
) -> None:
    """Fill in what each of some scopes is to the queues of a symbol: one for all of them, or each its own."""
    step = 1 if symbols.shape[0] > 1 else 0
    for number in range(chosen.shape[0]):
        kind, is_short, score, error, place = score_holder(
            np.int64(chosen[number]),
            symbols[number * step],
            ranking,
            index,
            exempt,
            costs,
            scopes,
            pages,
            figures,
            watch,
            links,
            codes,
            sizes,
            values,
            symbol_of,
        )
        kinds[number] = kind
        shorts[number] = is_short
        scores[number] = score
        errors[number] = error
        places[number] = place
