"""How a batch of scopes is written into the columns, and which scopes it removes.

Compiled like the kernels (or run as it is). Rows and holders are kept by `store_rows`; `store_batch` prepares what is
given here, `store_space` makes the room that is found lacking.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.store_columns import (
    ASSET,
    BASE,
    BLOCKED,
    CELLS_LIVE,
    F8,
    FIXED,
    HELD_COUNT,
    HELD_NEED,
    HELD_ROOM,
    I8,
    NONE,
    OWNER,
    PART,
    PIECE,
    POOL_FREE,
    POOL_NEED,
    PORTFOLIO,
    SCOPE_FREE,
    SCOPE_NEXT,
    SCOPE_ROW,
    SCOPES_REMOVED,
    SERIAL,
    SINGLE,
    STATES,
    U1,
    U4,
)
from monitor.core.store_ids import new_scope, unlink
from monitor.core.store_rows import cross_out, enter, first_cell, pool_number, release, take_row


@compiled_within
def part_kind(kind: int) -> int:
    """Return the kind of the rows in which the parts of a scope lie, whose own row is of a kind."""
    if kind == SINGLE:
        return SINGLE
    return PIECE if kind == PORTFOLIO else PART


@compiled_within
def lacks_room(batch_scopes: I8, parts: I8, batch_codes: U4, symbols: I8, pools: I8, symbol_of: I8) -> bool:
    """Fill in how many rows of each pool and entries of each symbol a batch may take; return whether any lack."""
    pools[:, POOL_NEED] = 0
    for cell in range(batch_codes.shape[0]):
        symbols[symbol_of[batch_codes[cell] >> 4], HELD_NEED] = 0
    part, lacking = 0, False
    for index in range(batch_scopes.shape[0]):
        kind = part_kind(batch_scopes[index, 2])
        if kind != SINGLE:
            pools[pool_number(batch_scopes[index, 2], batch_scopes[index, 4] - part), POOL_NEED] += 1
        while part < batch_scopes[index, 4]:
            cells = parts[part, 1] - (parts[part - 1, 1] if part > 0 else 0)
            pools[pool_number(kind, cells), POOL_NEED] += 1
            part += 1
    for pool in range(pools.shape[0]):
        lacking = lacking or pools[pool, POOL_NEED] > pools[pool, POOL_FREE]
    for cell in range(batch_codes.shape[0]):
        symbol = symbol_of[batch_codes[cell] >> 4]
        symbols[symbol, HELD_NEED] += 1
        lacking = lacking or symbols[symbol, HELD_COUNT] + symbols[symbol, HELD_NEED] > symbols[symbol, HELD_ROOM]
    return lacking


@compiled_within
def write_part(
    part: int,
    kind: int,
    scope: int,
    parts: I8,
    amounts: F8,
    batch_codes: U4,
    batch_sizes: F8,
    figures: F8,
    links: U4,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    tiles: I8,
    entries: U4,
    symbols: I8,
    pools: I8,
    counters: I8,
    symbol_of: I8,
    notes: I8,
) -> int:
    """Write one part of a scope into a fresh row; return the row."""
    begin = parts[part - 1, 1] if part > 0 else 0
    end = parts[part, 1]
    row = take_row(pool_number(kind, end - begin), links, pages, tiles, pools, counters)
    figures[row, BASE] = amounts[part, 0]
    figures[row, FIXED] = amounts[part, 1]
    links[row, ASSET] = parts[part, 0]
    links[row, OWNER] = scope
    place = first_cell(row, pages)
    for cell in range(begin, end):
        code = batch_codes[cell]
        codes[place] = code
        sizes[place] = batch_sizes[cell]
        holds[place] = enter(scope, symbol_of[code >> 4], counters[SERIAL], entries, symbols, notes)
        place += 1
    counters[CELLS_LIVE] += end - begin
    return row


@compiled_within
def write_scope(
    account: int,
    last: int,
    index: int,
    part: int,
    batch_scopes: I8,
    parts: I8,
    amounts: F8,
    batch_codes: U4,
    batch_sizes: F8,
    figures: F8,
    links: U4,
    watch: U1,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    tiles: I8,
    scopes: U4,
    told: U1,
    entries: U4,
    symbols: I8,
    pools: I8,
    counters: I8,
    first: U4,
    symbol_of: I8,
    notes: I8,
) -> int:
    """Write one scope of a batch, whose first part is `part`, behind the account's `last` one; return its id."""
    scope = unlink(account, batch_scopes[index, 0], scopes, first)
    if scope == NONE:
        scope = new_scope(account, batch_scopes[index, 0], scopes, counters)
    noted = release(
        scope, figures, links, watch, codes, sizes, holds, pages, scopes, symbols, pools, counters, symbol_of, notes
    )
    top, place, end, kind = 0, 0, batch_scopes[index, 4], batch_scopes[index, 2]
    if kind != SINGLE:
        top = take_row(pool_number(kind, end - part), links, pages, tiles, pools, counters)
        links[top, OWNER] = scope
        place = first_cell(top, pages)
    while part < end:
        row = write_part(
            part,
            part_kind(kind),
            scope,
            parts,
            amounts,
            batch_codes,
            batch_sizes,
            figures,
            links,
            codes,
            sizes,
            holds,
            pages,
            tiles,
            entries,
            symbols,
            pools,
            counters,
            symbol_of,
            notes,
        )
        if kind != SINGLE:
            codes[place] = row
            figures[top, FIXED] += parts[part, 1] - (parts[part - 1, 1] if part > 0 else 0)
            place += 1
        else:
            top = row
        part += 1
    watch[top] = batch_scopes[index, 1] * STATES + (BLOCKED if batch_scopes[index, 3] else told[scope])
    scopes[scope, SCOPE_ROW] = top
    scopes[scope, SCOPE_NEXT] = NONE
    if last != NONE:
        scopes[last, SCOPE_NEXT] = scope
    cross_out(noted, codes, sizes, holds, pages, scopes, entries, symbols, symbol_of, notes)
    return scope


@compiled
def write_batch(
    accounts: I8,
    batch_scopes: I8,
    parts: I8,
    amounts: F8,
    batch_codes: U4,
    batch_sizes: F8,
    figures: F8,
    links: U4,
    watch: U1,
    codes: U4,
    sizes: F8,
    holds: U4,
    pages: I8,
    tiles: I8,
    scopes: U4,
    told: U1,
    entries: U4,
    symbols: I8,
    pools: I8,
    counters: I8,
    first: U4,
    symbol_of: I8,
    notes: I8,
) -> bool:
    """Replace all scopes of each account by those of the batch; scopes that keep their name keep their id.

    Return False, with nothing done, where room lacks.
    """
    if lacks_room(batch_scopes, parts, batch_codes, symbols, pools, symbol_of):
        return False
    index, part, nobody = np.int64(0), np.int64(0), np.int64(NONE)
    for number in range(accounts.shape[0]):
        kept, last = nobody, nobody
        while index < accounts[number, 1]:
            scope = write_scope(
                accounts[number, 0],
                last,
                index,
                part,
                batch_scopes,
                parts,
                amounts,
                batch_codes,
                batch_sizes,
                figures,
                links,
                watch,
                codes,
                sizes,
                holds,
                pages,
                tiles,
                scopes,
                told,
                entries,
                symbols,
                pools,
                counters,
                first,
                symbol_of,
                notes,
            )
            kept = scope if last == NONE else kept
            part, last, index = batch_scopes[index, 4], scope, index + 1
        gone = np.int64(first[accounts[number, 0]])
        while gone != NONE:
            noted = release(
                gone,
                figures,
                links,
                watch,
                codes,
                sizes,
                holds,
                pages,
                scopes,
                symbols,
                pools,
                counters,
                symbol_of,
                notes,
            )
            cross_out(noted, codes, sizes, holds, pages, scopes, entries, symbols, symbol_of, notes)
            counters[SCOPES_REMOVED] += 1
            scopes[scopes.shape[0] - counters[SCOPES_REMOVED], SCOPE_FREE] = gone
            gone = np.int64(scopes[gone, SCOPE_NEXT])
        first[accounts[number, 0]] = kept
    return True
