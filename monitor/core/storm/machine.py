"""A small machine that writes the words of one scope by a program: literals, texts of contracts, numbers, quotients.

Compiled. A program is data: `wording` writes it down. One instruction has an operation and three operands; those that
name rows at or above `OWN` are rows of the present position. Writing goes on where the instruction before ended.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.store_columns import I8, U1
from monitor.core.storm.columns import (
    ASSET_TEXTS,
    ASSETS,
    BASE_RANK,
    CONTRACT_TEXTS,
    CONTRACTS,
    COUNT,
    FIRST_OF_POSITIONS,
    ODD,
    ODD_OF_ALL,
    PLACE,
    RANK,
    ROWS_OF_POSITION,
    SETTLE_RANK,
    SPARE,
    Texts,
    Work,
)
from monitor.core.storm.division import quotient, round_digits
from monitor.core.storm.numbers import (
    DECIMALS,
    SIGN,
    accumulate,
    combine,
    copy_number,
    multiply,
    put_number,
    sign_of,
    times_small,
)
from monitor.core.storm.numerals import TEXT_DIGITS, write_bytes, write_fraction, write_number
from monitor.core.storm.way import TAKEN, begin, close

OWN: Final = 10_000

(
    STRING, NAMED, ALL_ASSETS, RECORD, OWN_RECORD,
    NUMBER_TEXT, BARE, QUOTIENT_TEXT, FRACTION, PRICE,
    EACH, JUMP, PIECE,
    UNLESS_FLAG, UNLESS_ABOVE, UNLESS_OWN, UNLESS_BELOW_OR_EQUAL,
    MULTIPLY, SUBTRACT, ACCUMULATE, SIZE_OF, CONSTANT, SCALAR, SCALE, CLOSE, BEGIN,
) = range(26)  # fmt: skip
IN_RECORD, BY_NAME, AS_TAKEN = range(3)
"""Orders of positions."""
_QUOTE, _COMMA = 34, 44


@inner
def sort_by_name(contracts: I8, held: I8, order: I8, count: int) -> None:
    """Write the positions into the first half of the order, by the names of their contracts."""
    for number in range(count):
        at, rank = 1 + number, contracts[held[number, PLACE], RANK]
        while at > 1 and contracts[held[order[at - 1], PLACE], RANK] > rank:
            order[at] = order[at - 1]
            at -= 1
        order[at] = number


@inner
def next_asset(contracts: I8, held: I8, count: int, last: int) -> int:
    """Return the first asset by name after `last` that contracts are settled in or about, -1 without one."""
    best = np.int64(-1)
    for number in range(count):
        for of in (SETTLE_RANK, BASE_RANK):
            rank = contracts[held[number, PLACE], of]
            if rank > last and (best < 0 or rank < best):
                best = rank
    return int(best)


@inner
def write_assets(first: int, contracts: I8, held: I8, count: int, text: U1, spans: I8, out: U1, at: int) -> int:
    """Write the terms of the assets that contracts are settled in or about, by name, each once."""
    asset, begun = next_asset(contracts, held, count, -1), at
    while asset >= 0:
        if at > begun:
            out[at] = _COMMA
            at += 1
        index = first + asset * ASSET_TEXTS
        at = write_bytes(out, at, text, spans[index, 0], spans[index, 1])
        asset = next_asset(contracts, held, count, asset)
    return at


@inner
def write_figure(kind: int, one: int, other: int, divisor: int, w: I8, digits: U1, out: U1, at: int) -> int:
    """Write a number of one of the kinds; all but a bare one as a JSON string."""
    if kind == BARE:
        return write_number(w, one, out, at, digits)
    out[at] = _QUOTE
    at += 1
    if kind == FRACTION:
        at = write_fraction(w, one, divisor, SPARE, out, at, digits)
    else:
        shown = SPARE
        if kind == QUOTIENT_TEXT:
            quotient(w, SPARE, one, other, TEXT_DIGITS)
        elif kind == PRICE:
            copy_number(w, SPARE, one)
            round_digits(w, SPARE, TEXT_DIGITS, False)
        else:
            shown = one
        at = write_number(w, shown, out, at, digits)
    out[at] = _QUOTE
    return at + 1


@inner
def calculate(
    kind: int, to: int, one: int, other: int, constants: tuple[int, int], w: I8, law: I8, number: int
) -> None:
    """Do one of the operations that set rows."""
    if kind == MULTIPLY:
        multiply(w, to, one, other)
    elif kind == SUBTRACT:
        combine(w, to, one, other, -1)
    elif kind == ACCUMULATE:
        accumulate(w, to, one)
    elif kind == SIZE_OF:
        copy_number(w, to, one)
        w[to, SIGN] = 1
    elif kind == CONSTANT:
        put_number(w, to, constants[0], constants[1])
    elif kind == SCALAR:
        put_number(w, to, law[constants[0]], 0)
    elif kind == SCALE:
        times_small(w, to, law[constants[0]])
        w[to, DECIMALS] += law[constants[1]]
    elif kind == CLOSE:
        close(w, number)
    else:
        begin(w)


@inner
def is_skipped(kind: int, operand: int, than: int, row: int, w: I8, flags: I8, held: I8, number: int) -> bool:
    """Return whether a condition lets the next steps be skipped."""
    if kind == UNLESS_FLAG:
        return bool(flags[operand] == 0)
    if kind == UNLESS_OWN:
        return bool(held[number, operand] <= (held[number, than] if than >= 0 else 0))
    is_above = sign_of(w, row) > 0
    return not is_above if kind == UNLESS_ABOVE else is_above


@inner
def run(  # noqa: C901, PLR0912 - a branch for each kind of instruction: handing a dozen arrays on costs more
    steps: I8, shelf: Texts, bases: I8, names: Texts, first_name: int, record: U1, law: I8, contracts: I8, work: Work,
    pieces: I8, out: U1, at: int,
) -> int:  # fmt: skip
    """Run a program; return where the last word ends.

    `bases` are those of the shelf, rule and status of the scope chosen already; `first_name` is the first text of it.
    """
    w, held, spots, digits = work.rows, work.held, work.spots, work.digits
    pc, number, index, first, last = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    order, count = np.int64(0), np.int64(0)
    while pc < len(steps) or index + 1 < count:
        if pc == last and last > 0:
            index += 1
            if index >= count:
                last, count, index = np.int64(0), np.int64(0), np.int64(0)
                continue
            number = index if order == IN_RECORD else work.order[1 + index]
            out[at] = _COMMA
            at, pc = at + 1, first
        kind, a, b, c = steps[pc, 0], steps[pc, 1], steps[pc, 2], steps[pc, 3]
        base = FIRST_OF_POSITIONS + number * ROWS_OF_POSITION - OWN
        to, one, other = a if a < OWN else base + a, b if b < OWN else base + b, c if c < OWN else base + c
        pc += 1
        if kind == STRING:
            place = bases[b] + a + (held[number, PLACE] * CONTRACT_TEXTS if b == CONTRACTS else 0)
            at = write_bytes(out, at, shelf.text, shelf.spans[place, 0], shelf.spans[place, 1])
        elif kind == NAMED:
            at = write_bytes(out, at, names.text, names.spans[first_name + a, 0], names.spans[first_name + a, 1])
        elif kind == ALL_ASSETS:
            at = write_assets(bases[ASSETS] + a, contracts, held, spots[COUNT], shelf.text, shelf.spans, out, at)
        elif kind == RECORD:
            at = write_bytes(out, at, record, spots[a], spots[b])
        elif kind == OWN_RECORD:
            at = write_bytes(out, at, record, held[number, a], held[number, b])
        elif kind <= PRICE:
            divisor = spots[ODD_OF_ALL] if a < OWN else held[number, ODD]
            divisor = law[b] if kind == FRACTION and b > 0 else divisor
            at = write_figure(kind, to, one, divisor, w, digits, out, at)
        elif kind == EACH:
            order, count = a, work.order[TAKEN] if a == AS_TAKEN else spots[COUNT]
            first, last, index = pc, pc + b, np.int64(0)
            number = np.int64(0) if order == IN_RECORD else work.order[1]
            if count == 0:
                pc, last, number = last, np.int64(0), np.int64(0)
        elif kind == JUMP:
            pc += a
        elif kind == PIECE:
            pieces[a] = at
        elif kind <= UNLESS_BELOW_OR_EQUAL:
            pc += b if is_skipped(kind, a, c, to, w, work.flags, held, number) else 0
        else:
            calculate(kind, to, one, other, (b, c), w, law, number)
    return int(at)
