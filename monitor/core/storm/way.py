"""The plan of one scope under the rule `whole`: which positions are closed, in which order, and what is left then.

Compiled; `plan.way` is the specification. Every other rule is planned the plain way.
"""

from __future__ import annotations

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8
from monitor.core.storm.columns import (
    COUNT,
    EQUITY,
    FEE,
    FEES,
    FIRST_OF_POSITIONS,
    LEFT_EQUITY,
    LEFT_REQUIREMENT,
    NEEDED,
    PLACE,
    RANK,
    RELIEF,
    REQUIREMENT,
    ROWS_OF_POSITION,
    A,
    B,
    C,
    D,
    E,
    F,
    Work,
)
from monitor.core.storm.numbers import compare, copy_number, multiply, put_number, sign_of, subtract

MAY_PLAN, PLAN_TOP, PLAN_BOTTOM, STRICT, FUND_SHARE, FUND_SHARE_DECIMALS = range(6)
"""Of a rule: whether its plans are made here, n and d of its line, whether that is strict, the share of the fund."""
TAKEN = 0
"""Of the order: how many are taken; then their numbers, then (from the middle on) all in the order of relief."""


@inner
def put_headroom(w: I8, to: int, equity: int, requirement: int, scalars: I8) -> None:
    """Set a row to E·d − MM·n."""
    put_number(w, A, scalars[PLAN_BOTTOM], 0)
    multiply(w, B, equity, A)
    put_number(w, A, scalars[PLAN_TOP], 0)
    multiply(w, C, requirement, A)
    subtract(w, to, B, C)


@inner
def is_met(w: I8, headroom: int, requirement: int, scalars: I8) -> bool:
    """Return whether a headroom over a requirement says that the line is met."""
    sign = sign_of(w, headroom)
    return sign > 0 or (sign == 0 and not (scalars[STRICT] == 1 and sign_of(w, requirement) != 0))


@inner
def is_back(w: I8, scalars: I8) -> bool:
    """Return whether what is left is at the line or above it."""
    put_headroom(w, D, LEFT_EQUITY, LEFT_REQUIREMENT, scalars)
    return is_met(w, D, LEFT_REQUIREMENT, scalars)


@inner
def put_after(w: I8, number: int, equity: int, requirement: int) -> None:
    """Set rows to equity and requirement once a position is closed."""
    rows = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION
    subtract(w, equity, LEFT_EQUITY, rows + FEE)
    subtract(w, requirement, LEFT_REQUIREMENT, rows + NEEDED)


@inner
def comes_before(one: int, other: int, w: I8, held: I8, contracts: I8) -> bool:
    """Return whether a position relieves the scope more than another, or as much and is named before it."""
    order = compare(
        w,
        FIRST_OF_POSITIONS + one * ROWS_OF_POSITION + RELIEF,
        FIRST_OF_POSITIONS + other * ROWS_OF_POSITION + RELIEF,
    )
    if order != 0:
        return order > 0
    return bool(contracts[held[one, PLACE], RANK] < contracts[held[other, PLACE], RANK])


@inner
def sort_by_relief(contracts: I8, work: Work, scalars: I8) -> None:
    """Write the positions into the second half of the order, those that relieve the scope most first."""
    w, count, order = work.rows, work.spots[COUNT], work.order
    middle = len(order) // 2
    for number in range(count):
        put_after(w, number, E, F)
        put_headroom(w, FIRST_OF_POSITIONS + number * ROWS_OF_POSITION + RELIEF, E, F, scalars)
        at = middle + number
        while at > middle and comes_before(number, order[at - 1], w, work.held, contracts):
            order[at] = order[at - 1]
            at -= 1
        order[at] = number


@inner
def close(w: I8, number: int) -> None:
    """Close a position."""
    put_after(w, number, E, F)
    copy_number(w, LEFT_EQUITY, E)
    copy_number(w, LEFT_REQUIREMENT, F)


@inner
def begin(w: I8) -> None:
    """Have everything left."""
    copy_number(w, LEFT_EQUITY, EQUITY)
    copy_number(w, LEFT_REQUIREMENT, REQUIREMENT)


@inner
def take(number: int, w: I8, order: I8) -> None:
    """Close a position, and note that."""
    close(w, number)
    order[TAKEN] += 1
    order[order[TAKEN]] = number


@inner
def relieves(w: I8, number: int, scalars: I8) -> bool:
    """Return whether closing a position brings the scope back to its line, or nearer to it."""
    put_headroom(w, D, LEFT_EQUITY, LEFT_REQUIREMENT, scalars)
    put_after(w, number, E, F)
    put_headroom(w, FEES, E, F, scalars)
    return is_met(w, FEES, F, scalars) or compare(w, FEES, D) > 0


@inner
def find_way(contracts: I8, work: Work, scalars: I8) -> bool:
    """Choose the positions that are closed; return whether that brings the scope back."""
    w, count = work.rows, work.spots[COUNT]
    begin(w)
    work.order[TAKEN] = 0
    if is_back(w, scalars):
        return True
    sort_by_relief(contracts, work, scalars)
    middle = len(work.order) // 2
    for place in range(middle, middle + count):
        number = work.order[place]
        if relieves(w, number, scalars):
            take(number, w, work.order)
        if is_back(w, scalars):
            return True
    begin(w)
    work.order[TAKEN] = 0
    for place in range(middle, middle + count):
        take(work.order[place], w, work.order)
    return is_back(w, scalars)
