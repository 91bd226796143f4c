"""Many scopes at once: judged exactly, and the words of all that changed, one scope behind the other.

Compiled, and without the interpreter's lock. Of each scope the pieces lie side by side; the caller puts them together.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from monitor.core.kernels_compiled import compiled, inner
from monitor.core.store_columns import I8, U1
from monitor.core.storm.columns import (
    ASSET_TEXTS,
    ASSETS,
    BALANCE,
    BALANCE_END,
    BALANCE_START,
    BASE_RANK,
    BASES,
    CAUSE,
    CONTRACT_TEXTS,
    CONTRACTS,
    COUNT,
    CROSS,
    EQUITY,
    FUNDING,
    HAS_BANKRUPTCY,
    HAS_LIQUIDATION,
    LINE_BOTTOM,
    LINE_BOTTOM_ROW,
    LINE_TOP,
    LINE_TOP_ROW,
    MOST_POSITIONS,
    PLACE,
    RECOVERS,
    REQUIREMENT,
    RESTORES,
    RULE_TEXTS,
    RULES,
    SETTLE_RANK,
    SHARE,
    STATUSES,
    TIME,
    A,
    B,
    Law,
    Market,
    Texts,
    Work,
)
from monitor.core.storm.figures import judge, put_funding, put_sums
from monitor.core.storm.machine import run, sort_by_name
from monitor.core.storm.nearest import put_bankruptcy, put_liquidation
from monitor.core.storm.numbers import FAULT, LENGTH, compare, multiply, put_number, sign_of
from monitor.core.storm.reading import read_scope
from monitor.core.storm.way import FUND_SHARE, FUND_SHARE_DECIMALS, MAY_PLAN, find_way
from monitor.core.storm.wording import PIECES

V_DONE, V_STATUS, V_RAW, V_CAUSE, V_OLDEST, V_NEXT = range(6)
"""Of a verdict: 0 where the scope must go the plain way, 1 where nothing is to be told or shown, 2 where something is;
the statuses; the contract that moved most; the time of the oldest price; the next funding time (-1: nothing known)."""
VERDICT_COLUMNS: Final = 6
T_RECORD, T_ASSET, T_SYMBOL, T_SIDE, T_LAW, T_LAST, T_TOLD, T_SHOWN, T_NAME = range(9)
"""Of a scope asked for: its record, what it is (asset, or symbol and side), its ladder, last known, told and shown
status, its name among `names`."""
TARGET_COLUMNS: Final = 9
ROOM_OF_POSITION: Final = 16_384
ROOM_OF_SCOPE: Final = 65_536
"""More bytes than all numbers of a position, and of a scope, can take."""
_PLANNED: Final = 4
_NO_FUNDING: Final = -1


class Asked(NamedTuple):
    """Hold what is asked: packed records, where each ends, the scopes, and their names.

    `names`: two texts by name, the scope's as JSON without quotes, and its asset's with quotes. The programs write what
    is told, what is shown, and plans. `rules`: the scalars of `way`, by ladder.
    """

    text: U1
    ends: I8
    targets: I8
    names: Texts
    told: I8
    shown: I8
    planned: I8
    rules: I8


class Answer(NamedTuple):
    """Hold what is answered: verdicts, where pieces begin (and the last ends), contracts of positions, the bytes."""

    verdicts: I8
    pieces: I8
    places: I8
    out: U1


@inner
def room_needed(spans: I8, contracts: int, market: Market, work: Work) -> int:
    """Return how many bytes the words of a scope take at most; `contracts` is where their texts begin."""
    needed = ROOM_OF_SCOPE
    for number in range(work.spots[COUNT]):
        first = contracts + work.held[number, PLACE] * CONTRACT_TEXTS
        needed += ROOM_OF_POSITION + 4 * (spans[first + CONTRACT_TEXTS - 1, 1] - spans[first, 0])
        for of in (SETTLE_RANK, BASE_RANK):
            rank = market.contracts[work.held[number, PLACE], of]
            if rank >= 0:
                place = market.bases[ASSETS] + rank * ASSET_TEXTS
                needed += 4 * (spans[place + 1, 1] - spans[place, 0])
    return int(needed)


@inner
def put_line(law: Law, work: Work) -> int:
    """Set the liquidation line; return -1, 0 or 1 as the scope is below, at or above it."""
    w = work.rows
    put_number(w, LINE_TOP_ROW, law.scalars[LINE_TOP], 0)
    put_number(w, LINE_BOTTOM_ROW, law.scalars[LINE_BOTTOM], 0)
    multiply(w, A, EQUITY, LINE_BOTTOM_ROW)
    multiply(w, B, REQUIREMENT, LINE_TOP_ROW)
    return compare(w, A, B)


@inner
def read_figures(asked: Asked, number: int, law: Law, market: Market, work: Work) -> tuple[bool, int]:
    """Read a scope and set its sums; return whether it is plain, and on which side of its liquidation line it is."""
    target = asked.targets[number]
    record = target[T_RECORD]
    start = asked.ends[record - 1] if record > 0 else 0
    scope = (target[T_ASSET], target[T_SYMBOL], target[T_SIDE])
    work.rows[FAULT, LENGTH] = 0
    if not read_scope(asked.text, start, asked.ends[record], scope, market, work) or not put_sums(market, work):
        return False, 0
    if sign_of(work.rows, REQUIREMENT) <= 0:
        return False, 0
    side = put_line(law, work)
    return side != 0, side


@inner
def put_prices(is_cross: bool, count: int, w: I8, held: I8, contracts: I8, tiers: I8) -> bool:
    """Set the prices of all positions; return whether all of them fit."""
    for number in range(count):
        held[number, HAS_LIQUIDATION] = 1 if put_liquidation(number, w, held, contracts, tiers) else 0
        held[number, HAS_BANKRUPTCY] = 1 if put_bankruptcy(number, is_cross, w) else 0
    return bool(w[FAULT, LENGTH] == 0)


@inner
def oldest_of(market: Market, work: Work) -> int:
    """Return the event time of the oldest mark."""
    oldest = market.contracts[work.held[0, PLACE], TIME]
    for number in range(1, work.spots[COUNT]):
        oldest = min(oldest, market.contracts[work.held[number, PLACE], TIME])
    return int(oldest)


@inner
def put_flags(target: I8, side: int, next_time: int, work: Work) -> None:
    """Set the flags that programs ask for."""
    flags = work.flags
    flags[CROSS] = 1 if target[T_ASSET] >= 0 else 0
    flags[RECOVERS] = 1 if side < 0 else 0
    flags[BALANCE] = 1 if work.spots[BALANCE_END] > work.spots[BALANCE_START] else 0
    flags[FUNDING] = 1 if next_time > _NO_FUNDING else 0


@inner
def tell_scope(
    asked: Asked, number: int, side: int, law: Law, market: Market, work: Work, bases: I8, answer: Answer, at: int
) -> int:
    """Write everything about one scope that has changed, or must be shown; return where it ends, -1: not plain."""
    target, verdict, pieces = asked.targets[number], answer.verdicts[number], answer.pieces[number]
    w, held, count, rule = work.rows, work.held, work.spots[COUNT], asked.rules[target[T_LAW]]
    is_planned, is_cross = verdict[V_STATUS] >= _PLANNED, target[T_ASSET] >= 0
    next_time = put_funding(market, work)
    if is_planned and rule[MAY_PLAN] == 0:
        return -1
    if not put_prices(is_cross, count, w, held, market.contracts, market.tiers):
        return -1
    put_flags(target, side, next_time, work)
    sort_by_name(market.contracts, held, work.order, count)
    for place in range(BASES):
        bases[place] = market.bases[place]
    bases[STATUSES] += target[T_LAST]
    bases[RULES] += target[T_LAW] * RULE_TEXTS
    first_name, scalars, contracts = target[T_NAME] * 2, law.scalars, market.contracts
    for pass_number in range(2):
        steps = asked.planned if pass_number == 1 else asked.told if target[T_TOLD] >= 0 else asked.shown
        if pass_number == 1:
            pieces[PIECES - 1] = at
            if not is_planned:
                break
            work.flags[RESTORES] = 1 if find_way(contracts, work, rule) else 0
            put_number(w, SHARE, rule[FUND_SHARE], rule[FUND_SHARE_DECIMALS])
        at = run(steps, market.shelf, bases, asked.names, first_name, asked.text, scalars, contracts, work, pieces,
                 answer.out, at)  # fmt: skip
    verdict[V_CAUSE], verdict[V_OLDEST], verdict[V_NEXT] = work.spots[CAUSE], oldest_of(market, work), next_time
    for place in range(count):
        answer.places[number, place] = held[place, PLACE]
    answer.places[number, MOST_POSITIONS] = count
    return int(at) if w[FAULT, LENGTH] == 0 else -1


@compiled
def tell_scopes(asked: Asked, first: int, laws: tuple[Law, Law], market: Market, work: Work, answer: Answer) -> int:
    """Judge scopes from one on and write their words; return how many are done: as many as there is room for."""
    at, bases = 0, np.zeros(BASES, dtype=np.int64)
    for number in range(first, len(asked.targets)):
        target, verdict = asked.targets[number], answer.verdicts[number]
        law = laws[0] if target[T_LAW] == 0 else laws[1]
        is_plain, side = read_figures(asked, number, law, market, work)
        verdict[V_DONE] = 0
        if not is_plain:
            continue
        if at + room_needed(market.shelf.spans, market.bases[CONTRACTS], market, work) > len(answer.out):
            return number
        verdict[V_STATUS], verdict[V_RAW] = judge(law, target[T_LAST], work)
        verdict[V_DONE] = 1
        if verdict[V_STATUS] == target[T_TOLD] and verdict[V_STATUS] == target[T_SHOWN]:
            continue
        end = tell_scope(asked, number, side, law, market, work, bases, answer, at)
        verdict[V_DONE] = 2 if end >= 0 else 0
        at = max(at, end)
    return len(asked.targets)
