"""How a batch of scopes is written into the columns, and which scopes it removes.

Compiled like the kernels (or run as it is). Rows and holders are kept by `store_rows`; `store_batch` prepares what is
given here and makes room for it.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.core.kernels_compiled import compiled
from monitor.core.store_columns import (
    BLOCKED,
    CELLS_LIVE,
    F8,
    GROUP,
    I8,
    NONE,
    NOTHING_SHOWN,
    PART,
    SCOPES_FREE,
    SCOPES_LIVE,
    SCOPES_REMOVED,
    SCOPES_TOP,
    SERIAL,
    SINGLE,
    STATES,
    U1,
    U4,
)
from monitor.core.store_rows import Columns, cross_out_noted, enter, first_cell, release, take_row


class Batch(NamedTuple):
    """Hold flat what is to be written: accounts, their scopes, the parts of these, the cells of these.

    The `*_end` columns say where the children of an element end. size 0 cells do not occur; codes carry no tier.
    """

    account: I8
    scope_end: I8
    name: U4
    ladder: I8
    in_usd: U1
    blocked: U1
    part_end: I8
    asset: U4
    base: F8
    fixed: F8
    cell_end: I8
    code: U4
    size: F8


@compiled
def write_part(part: int, kind: int, scope: int, serial: int, batch: Batch, to: Columns) -> int:
    """Write one part of a scope into a fresh row; return the row."""
    begin = batch.cell_end[part - 1] if part > 0 else 0
    end = batch.cell_end[part]
    row = take_row(to.pool[end - begin], kind, to.pools.head.shape[0] // 3, to)
    to.rows.base[row] = batch.base[part]
    to.rows.fixed[row] = batch.fixed[part]
    to.rows.asset[row] = batch.asset[part]
    to.rows.scope[row] = scope
    place = first_cell(row, to)
    for cell in range(begin, end):
        code = batch.code[cell]
        to.cells.code[place] = code
        to.cells.size[place] = batch.size[cell]
        to.cells.hold[place] = enter(scope, to.symbol[code >> 4], serial, to)
        place += 1
    to.pools.counters[CELLS_LIVE] += end - begin
    return row


@compiled
def write_scope(index: int, scope: int, batch: Batch, to: Columns) -> None:
    """Write one scope of a batch, whatever it was before, under its id."""
    to.pools.counters[SERIAL] += 1
    serial = to.pools.counters[SERIAL]
    noted = release(scope, serial, to) if to.scopes.row[scope] != NONE else 0
    begin = batch.part_end[index - 1] if index > 0 else 0
    end = batch.part_end[index]
    if batch.in_usd[index]:
        row = take_row(to.pool[end - begin], GROUP, to.pools.head.shape[0] // 3, to)
        place, cells = first_cell(row, to), 0
        for part in range(begin, end):
            to.cells.code[place] = write_part(part, PART, scope, serial, batch, to)
            cells += batch.cell_end[part] - (batch.cell_end[part - 1] if part > 0 else 0)
            place += 1
        to.rows.fixed[row] = cells
        to.rows.scope[row] = scope
    else:
        row = write_part(begin, SINGLE, scope, serial, batch, to)
    state = BLOCKED if batch.blocked[index] else int(to.memory.told[scope])
    to.rows.watch[row] = batch.ladder[index] * STATES + state
    to.scopes.row[scope] = row
    cross_out_noted(noted, to)


@compiled
def new_scope(account: int, name: int, to: Columns) -> int:
    """Return the id of a scope that did not exist, with a blank memory."""
    counters, memory = to.pools.counters, to.memory
    if counters[SCOPES_FREE] > 0:
        counters[SCOPES_FREE] -= 1
        scope = int(to.scopes.free[counters[SCOPES_FREE]])
    else:
        scope = int(counters[SCOPES_TOP])
        counters[SCOPES_TOP] += 1
    counters[SCOPES_LIVE] += 1
    to.scopes.row[scope] = NONE
    to.scopes.account[scope] = account
    to.scopes.name[scope] = name
    memory.told[scope] = 0
    memory.sequence[scope] = 0
    memory.episode[scope] = 0
    memory.last_known[scope] = 0
    memory.shown[scope] = NOTHING_SHOWN
    memory.shown_ratio[scope] = 0.0
    return scope


@compiled
def unlink(account: int, name: int, to: Columns) -> int:
    """Take the scope of a name out of its account's list and return its id, NONE where there is none."""
    before, scope = NONE, int(to.first[account])
    while scope != NONE:
        after = int(to.scopes.next[scope])
        if to.scopes.name[scope] == name:
            if before == NONE:
                to.first[account] = after
            else:
                to.scopes.next[before] = after
            return scope
        before, scope = scope, after
    return NONE


@compiled
def remove_scopes(account: int, removed: int, to: Columns) -> int:
    """Remove what is left in an account's list; return how many ids now lie at the end of the free ones."""
    counters = to.pools.counters
    scope = int(to.first[account])
    while scope != NONE:
        counters[SERIAL] += 1
        cross_out_noted(release(scope, counters[SERIAL], to), to)
        removed += 1
        to.scopes.free[to.scopes.free.shape[0] - removed] = scope
        counters[SCOPES_LIVE] -= 1
        scope = int(to.scopes.next[scope])
    return removed


@compiled
def write_batch(batch: Batch, to: Columns) -> None:
    """Replace all scopes of each account by those of the batch; scopes that keep their name keep their id."""
    index, removed = 0, 0
    for number in range(batch.account.shape[0]):
        account = batch.account[number]
        kept, last = NONE, NONE
        while index < batch.scope_end[number]:
            scope = unlink(account, batch.name[index], to)
            if scope == NONE:
                scope = new_scope(account, batch.name[index], to)
            write_scope(index, scope, batch, to)
            to.scopes.next[scope] = NONE
            if last == NONE:
                kept = scope
            else:
                to.scopes.next[last] = scope
            last = scope
            index += 1
        removed = remove_scopes(account, removed, to)
        to.first[account] = kept
    to.pools.counters[SCOPES_REMOVED] = removed


@compiled
def recycle(to: Columns) -> None:
    """Let the ids removed by the last batch be used again."""
    counters, free, memory = to.pools.counters, to.scopes.free, to.memory
    for index in range(counters[SCOPES_REMOVED]):
        scope = free[free.shape[0] - 1 - index]
        memory.told[scope] = 0
        memory.shown[scope] = NOTHING_SHOWN
        free[counters[SCOPES_FREE]] = scope
        counters[SCOPES_FREE] += 1
    counters[SCOPES_REMOVED] = 0


@compiled
def count_needs(batch: Batch, to: Columns, rows: I8, entries: I8) -> bool:
    """Fill in how many rows of each pool and holders of each symbol a batch may take; return whether room lacks."""
    rows[:] = 0
    entries[:] = 0
    capacities = to.pools.head.shape[0] // 3
    parts, lacking = 0, False
    for index in range(batch.name.shape[0]):
        kind = SINGLE
        if batch.in_usd[index]:
            kind = PART
            number = GROUP * capacities + to.pool[batch.part_end[index] - parts]
            rows[number] += 1
            lacking = lacking or rows[number] > to.pools.free[number]
        for part in range(parts, batch.part_end[index]):
            cells = batch.cell_end[part] - (batch.cell_end[part - 1] if part > 0 else 0)
            number = kind * capacities + to.pool[cells]
            rows[number] += 1
            lacking = lacking or rows[number] > to.pools.free[number]
        parts = batch.part_end[index]
    for cell in range(batch.code.shape[0]):
        symbol = to.symbol[batch.code[cell] >> 4]
        entries[symbol] += 1
        lacking = lacking or to.holders.count[symbol] + entries[symbol] > to.holders.room[symbol]
    return lacking
