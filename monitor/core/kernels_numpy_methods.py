"""The twins of `kernels_methods` and `kernels_tokens` in plain numpy: the same figures, many accounts at once.

A block has a row per quantity of `store_recipe` and group, a column per account; groups are added in their order, so
that an account's sums are those of the compiled kernels, to the last bit but for powers.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_numpy_rows import Mask
from monitor.core.kernels_proof import BANKRUPT, UNIT
from monitor.core.store_columns import BLOCKED, ENTER, F8, I8, LEAVE, STATES, UNKNOWN
from monitor.core.store_recipe import (
    BASIS_RATE,
    BORROW_CAP,
    BREAK_DOWN,
    BREAK_UP,
    CREDIT,
    CREDITED,
    DELTA,
    EXPONENT,
    FACTOR,
    FAMILY,
    FAMILY_OFFSET,
    FIRST_LEG,
    FIRST_RATIO,
    GROSS,
    HELD,
    IS_BORROWABLE,
    IS_MIXED,
    LIQUIDITY_RATE,
    MINIMUM_RATE,
    OFFSET,
    PER_VOLUME,
    PRICE,
    PRODUCT,
    PRODUCT_OFFSET,
    REST,
    SCAN_LONG,
    SCAN_SHORT,
    SCENARIO,
    SECOND_LEG,
    SECOND_RATIO,
    SEEN,
    SLOPE,
    SPAN,
    SPREAD,
    SUPPLY_CAP,
    SWING_DOWN,
    SWING_UP,
    TIMS,
    WORTH,
    Recipe,
)


def requirement_of(recipe: Recipe, block: F8, terms: I8, error: F8) -> tuple[F8, F8]:
    """Return what a method with groups requires, ungrouped positions apart, and the greatest error of that."""
    moving, rounding = np.zeros(block.shape[2]), np.zeros(block.shape[2])
    for group in range(len(recipe.groups)):
        moving += block[GROSS, group] + block[HELD, group]
        if recipe.groups[group, IS_MIXED] != 0.0:
            is_used = (block[GROSS, group] > 0.0) | (block[HELD, group] > error)
            rounding += np.where(is_used, np.nan, np.where(block[SEEN, group] != 0.0, np.inf, 0.0))
    required, more = _by_method(recipe, block, terms, moving)
    return np.where(np.isnan(rounding), np.nan, required), rounding + more


def _by_method(recipe: Recipe, block: F8, terms: I8, moving: F8) -> tuple[F8, F8]:
    rounding = 4.0 * (terms + 16.0 + 4.0 * len(recipe.credits)) * UNIT * moving * recipe.numbers[SLOPE]
    if recipe.method == SCENARIO:
        required, sized = _scenario_of(recipe, block)
        power = (1.0 + recipe.numbers[EXPONENT]) * 4.0 * (terms + 200.0) * UNIT
        return required, rounding + power * recipe.numbers[FACTOR] * sized
    if recipe.method == SPAN:
        return _span_of(recipe, block), rounding
    if recipe.method == TIMS:
        return _tims_of(recipe, block), rounding
    return np.full(len(moving), np.nan), rounding


def _opposed(block: F8, group: int) -> F8:
    """Return min(long, short) of a group."""
    opposed: F8 = 0.5 * (block[GROSS, group] + block[HELD, group] - np.abs(block[DELTA, group]))
    return opposed


def _worst_of(recipe: Recipe, block: F8) -> F8:
    deltas, groups = block[DELTA], recipe.groups
    count = len(groups)
    worst, up, down = (np.zeros(block.shape[2]) for _ in range(3))
    for scenario in range(recipe.shocks.shape[1]):
        loss = np.zeros(len(worst))
        for group in range(count):
            loss -= deltas[group] * recipe.shocks[group, scenario]
        worst = np.maximum(worst, loss)
    if count < 2:
        return worst
    for group in range(count):
        up -= deltas[group] * groups[group, BREAK_UP]
        down -= deltas[group] * groups[group, BREAK_DOWN]
    for group in range(count):
        worst = np.maximum(worst, up - deltas[group] * groups[group, SWING_UP])
        worst = np.maximum(worst, down - deltas[group] * groups[group, SWING_DOWN])
    return worst


def _scenario_of(recipe: Recipe, block: F8) -> tuple[F8, F8]:
    numbers = recipe.numbers
    exponent, (sized, opposed, gross) = numbers[EXPONENT], (np.zeros(block.shape[2]) for _ in range(3))
    for group in range(len(recipe.groups)):
        mine = block[GROSS, group]
        gross += mine
        opposed += _opposed(block, group)
        charge = numbers[LIQUIDITY_RATE] * mine
        if recipe.groups[group, PER_VOLUME] >= 0.0:
            share = mine * recipe.groups[group, PER_VOLUME]
            charge *= np.sqrt(share) if exponent == 0.5 else share**exponent
        sized += charge
    charged = np.maximum(
        _worst_of(recipe, block) + sized + numbers[BASIS_RATE] * opposed, numbers[MINIMUM_RATE] * gross
    )
    return charged * numbers[FACTOR], sized


def _span_of(recipe: Recipe, block: F8) -> F8:
    numbers, groups = recipe.numbers, recipe.groups
    block[REST] = block[DELTA]
    for credit in recipe.credits:
        one, other = int(credit[FIRST_LEG]), int(credit[SECOND_LEG])
        first, second = block[REST, one].copy(), block[REST, other].copy()
        is_hedge = (np.sign(first) * np.sign(second)) < 0.0
        spreads = np.minimum(np.abs(first) / credit[FIRST_RATIO], np.abs(second) / credit[SECOND_RATIO])
        for leg, rest, ratio in ((one, first, FIRST_RATIO), (other, second, SECOND_RATIO)):
            used = np.where(is_hedge, spreads * credit[ratio], 0.0)
            scan = np.where(rest > 0.0, groups[leg, SCAN_LONG], groups[leg, SCAN_SHORT])
            block[CREDITED, leg] += used * scan * credit[CREDIT]
            left = np.where(rest > 0.0, np.maximum(rest - used, 0.0), np.minimum(rest + used, 0.0))
            block[REST, leg] = np.where(is_hedge, left, rest)
    required = np.zeros(block.shape[2])
    for group in range(len(groups)):
        delta = block[DELTA, group]
        scan = np.where(delta > 0.0, delta * groups[group, SCAN_LONG], -delta * groups[group, SCAN_SHORT])
        charged = scan + numbers[BASIS_RATE] * _opposed(block, group) - block[CREDITED, group]
        required += np.maximum(charged, numbers[MINIMUM_RATE] * block[GROSS, group])
    return required


def _offset_by(profit: F8, offset: float) -> F8:
    return np.where(profit < 0.0, profit, profit * offset)


def _least_of(recipe: Recipe, block: F8, begin: int, end: int) -> F8:
    least = np.full(block.shape[2], np.inf)
    for rank in range(recipe.shocks.shape[1]):
        whole, together = np.zeros(block.shape[2]), np.zeros(block.shape[2])
        for group in range(begin, end):
            mine = recipe.groups[group]
            together += _offset_by(block[DELTA, group] * recipe.shocks[group, rank], mine[PRODUCT_OFFSET])
            if group + 1 == end or recipe.groups[group + 1, PRODUCT] != mine[PRODUCT]:
                whole += _offset_by(together, mine[FAMILY_OFFSET])
                together[:] = 0.0
        least = np.minimum(least, whole)
    return least


def _tims_of(recipe: Recipe, block: F8) -> F8:
    required, begin = np.zeros(block.shape[2]), 0
    while begin < len(recipe.groups):
        end = begin
        opposed, gross = np.zeros(block.shape[2]), np.zeros(block.shape[2])
        while end < len(recipe.groups) and recipe.groups[end, FAMILY] == recipe.groups[begin, FAMILY]:
            gross += block[GROSS, end]
            opposed += _opposed(block, end)
            end += 1
        lost = recipe.numbers[BASIS_RATE] * opposed - _least_of(recipe, block, begin, end)
        required += np.maximum(0.0, np.maximum(lost, recipe.numbers[MINIMUM_RATE] * gross))
        begin = end
    return required


def _support(recipe: Recipe, worth: F8, token: int) -> F8:
    """Return what all other tokens are worth to one, up to its borrow cap."""
    total = np.zeros(worth.shape[1])
    for other in range(len(recipe.groups)):
        if other != token:
            total += worth[other]
    capped: F8 = np.minimum(total, recipe.groups[token, BORROW_CAP])
    return capped


def judge_tokens(
    recipe: Recipe, block: F8, known: F8, alone: F8, error: F8, has_positions: Mask, watch: I8, law: F8
) -> tuple[Mask, F8, F8]:
    """Return whose status is not proven, and value and requirement of the binding tokens."""
    state, enter, leave = watch % STATES, law[watch, ENTER], law[watch, LEAVE]
    count, accounts = len(recipe.groups), block.shape[2]
    middle = np.zeros((count, accounts))
    for token in range(count):
        held, off = block[DELTA, token], block[SPREAD, token]
        limit = np.where(block[SEEN, token] != 0.0, recipe.groups[token, SUPPLY_CAP] * block[PRICE, token], 0.0)
        block[REST, token] = np.minimum(np.maximum(held - off, 0.0), limit) * recipe.groups[token, WORTH]
        block[CREDITED, token] = np.minimum(np.maximum(held + off, 0.0), limit) * recipe.groups[token, WORTH]
        middle[token] = np.minimum(np.maximum(held, 0.0), limit) * recipe.groups[token, WORTH]
    rounding = 4.0 * (count + 16.0) * UNIT
    least, most = np.maximum(alone - error, 0.0) + recipe.numbers[OFFSET], alone + error + recipe.numbers[OFFSET]
    stays_above, required, needless = (np.ones(accounts, dtype=np.bool_) for _ in range(3))
    stays_below, sunk = (np.zeros(accounts, dtype=np.bool_) for _ in range(2))
    value, requirement = np.full(accounts, np.nan), np.full(accounts, np.nan)
    for token in np.nonzero(recipe.groups[:, IS_BORROWABLE])[0].tolist():
        held, off = block[DELTA, token], block[SPREAD, token]
        low = (np.maximum(held - off, 0.0) + _support(recipe, block[REST], token)) * (1.0 - rounding)
        high = (np.maximum(held + off, 0.0) + _support(recipe, block[CREDITED], token)) * (1.0 + rounding)
        needed_low = (least + np.maximum(-held - off, 0.0)) * (1.0 - rounding)
        needed_high = (most + np.maximum(off - held, 0.0)) * (1.0 + rounding)
        stays_above &= low > enter * needed_high
        stays_below |= leave * needed_low > high
        sunk |= high <= 0.0
        required &= needed_low > 0.0
        needless &= needed_high <= 0.0
        mine = np.maximum(held, 0.0) + _support(recipe, middle, token)
        need = alone + recipe.numbers[OFFSET] + np.maximum(-held, 0.0)
        binds = ~(mine * requirement >= need * value) & ~(value <= 0.0)
        value, requirement = np.where(binds, mine, value), np.where(binds, need, requirement)
    proven = np.where(
        state == 0,
        stays_above | needless,
        np.where(state == BANKRUPT, sunk & required, stays_above & stays_below),
    )
    doubtful = np.where(state >= UNKNOWN, state != BLOCKED, ~proven)
    nothing = ~has_positions & (block[DELTA] == 0.0).all(axis=0)
    doubtful = np.where(nothing, (state != 0) & (state != BLOCKED), doubtful)
    value, requirement = np.where(nothing, 0.0, value), np.where(nothing, 0.0, requirement)
    lost = ~np.isfinite(known)
    doubtful = np.where(lost, state < UNKNOWN, doubtful)
    return doubtful, np.where(lost, np.nan, value), np.where(lost, np.nan, requirement)
