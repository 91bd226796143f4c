"""Reading packed facts without an object for each: the plain accounts of many records, straight into a batch.

Compiled. Plain is an account in single-asset mode, known in full, with cross positions in linear contracts margined at
the mark, without settings of its own, whose numbers fit (see `kernels_digits`). Every other record is left alone: the
way through `facts`, `rows` and `store_batch` is the specification, and this room does what that does, bit for bit.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from monitor.core.kernels_compiled import compiled, compiled_within
from monitor.core.kernels_digits import MOST_DECIMALS, added, difference, number_at, product, rounded, scaled
from monitor.core.kernels_words import SECTION, Words, field_end, is_field, is_text, place_of
from monitor.core.store_columns import F8, I8, U1, U4, Batch

MOST_POSITIONS: Final = 512
MOST_ASSETS: Final = 64
_NO: Final = -1
_ZERO = np.uint64(0)
_SINGLE_ASSET = np.frombuffer(b"single_asset", np.uint8)
_CROSS = np.frombuffer(b"cross", np.uint8)
_KNOWN_IN_FULL = np.frombuffer(b"100", np.uint8)
_FORMAT = np.frombuffer(b"1", np.uint8)
_AFTER_MODE: Final = 4
"""Fields between the margin mode and the flags."""

U8 = Any
"""An array of uint64."""


class Terms(NamedTuple):
    """Hold what positions need of contracts and assets, by their place in the words.

    contracts: (line, place of the settle asset, decimals of the size), line below 0: not plain; sizes: digits of the
    contract size; assets: (number in the store, number of the cross scope's name, rank in the order of names).
    """

    contracts: I8
    sizes: U8
    assets: I8


class Work(NamedTuple):
    """Hold one account while it is read.

    assets: (place, sign, decimals), wallets: their digits; positions: (line, place of the settle asset, sign, decimals
    of the size, decimals of the cost), amounts: (digits of the size, high and low half of the cost).
    """

    assets: I8
    wallets: U8
    positions: I8
    amounts: U8


@compiled_within
def after_head(text: U1, at: int, end: int) -> int:
    """Return where the balances begin, -1 where the head is not that of a plain account."""
    stop = field_end(text, at, end)
    if not is_text(text, at, stop, _FORMAT):
        return _NO
    stop = field_end(text, stop + 1, end)
    at = stop + 1
    stop = field_end(text, at, end)
    if not is_text(text, at, stop, _SINGLE_ASSET):
        return _NO
    for _ in range(_AFTER_MODE):
        stop = field_end(text, stop + 1, end)
    at = stop + 1
    stop = field_end(text, at, end)
    if not is_text(text, at, stop, _KNOWN_IN_FULL) or stop >= end or text[stop] != SECTION:
        return _NO
    return stop + 1


@compiled_within
def read_balances(text: U1, at: int, end: int, known: Words, work: Work) -> tuple[int, int]:
    """Read the balances; return where the positions begin (-1: not plain) and how many assets there are."""
    count = 0
    if at < end and text[at] == SECTION:
        return at + 1, 0
    while True:
        stop = field_end(text, at, end)
        place = place_of(known, text, at, stop)
        last = field_end(text, stop + 1, end)
        sign, digits, decimals = number_at(text, stop + 1, last)
        is_odd = place < 0 or sign == 0 or count == MOST_ASSETS
        if is_odd or last >= end or not is_field(text, stop, end):
            return _NO, 0
        work.assets[count, 0], work.assets[count, 1], work.assets[count, 2] = place, sign, decimals
        work.wallets[count] = digits
        count += 1
        at = last + 1
        if text[last] == SECTION:
            return at, count


@compiled_within
def read_positions(text: U1, at: int, end: int, known: Words, terms: Terms, work: Work) -> tuple[int, int]:
    """Read the positions; return where the next section begins (-1: not plain) and how many there are."""
    count = 0
    if at < end and text[at] == SECTION:
        return at + 1, 0
    while count < MOST_POSITIONS:
        symbol_end = field_end(text, at, end)
        place = place_of(known, text, at, symbol_end)
        quantity = field_end(text, symbol_end + 1, end) + 1
        entry = field_end(text, quantity, end) + 1
        kind = field_end(text, entry, end) + 1
        wallet = field_end(text, kind, end) + 1
        leverage = field_end(text, wallet, end) + 1
        last = field_end(text, leverage, end)
        if last >= end or place < 0 or not is_text(text, kind, wallet - 1, _CROSS):
            return _NO, 0
        for stop in (symbol_end, quantity - 1, entry - 1, kind - 1, wallet - 1, leverage - 1):
            if not is_field(text, stop, end):
                return _NO, 0
        sign, digits, decimals = number_at(text, quantity, entry - 1)
        entry_sign, entry_digits, entry_decimals = number_at(text, entry, kind - 1)
        over, size = product(digits, terms.sizes[place])
        decimals += terms.contracts[place, 2]
        cost_decimals = decimals + entry_decimals
        is_odd = sign == 0 or digits == _ZERO or entry_sign != 1 or over != _ZERO or cost_decimals > MOST_DECIMALS
        if is_odd or terms.contracts[place, 0] < 0:
            return _NO, 0
        work.positions[count, 0], work.positions[count, 1] = terms.contracts[place, 0], terms.contracts[place, 1]
        work.positions[count, 2], work.positions[count, 3], work.positions[count, 4] = sign, decimals, cost_decimals
        work.amounts[count, 0] = size
        work.amounts[count, 1], work.amounts[count, 2] = product(size, entry_digits)
        count += 1
        at = last + 1
        if text[last] == SECTION:
            return at, count
    return _NO, 0


@compiled_within
def is_end_plain(text: U1, at: int, end: int) -> bool:
    """Return whether two sections follow, whatever is in them, and then nothing: no settings, no reasons."""
    for _ in range(2):
        while at < end and text[at] != SECTION:
            at += 1
        if at >= end:
            return False
        at += 1
    return at == end


@compiled_within
def add_settled(work: Work, assets: int, positions: int) -> int:
    """Add the settle assets of positions that have no balance; return how many assets there are, -1: too many."""
    for number in range(positions):
        place, found = work.positions[number, 1], False
        for other in range(assets):
            found = found or work.assets[other, 0] == place
        if not found:
            if assets == MOST_ASSETS:
                return _NO
            work.assets[assets, 0], work.assets[assets, 1], work.assets[assets, 2] = place, 1, 0
            work.wallets[assets] = _ZERO
            assets += 1
    return assets


@compiled_within
def sort_assets(work: Work, terms: Terms, count: int) -> None:
    """Bring the assets of an account into the order of their names."""
    for number in range(1, count):
        at = number
        while at > 0 and terms.assets[work.assets[at - 1, 0], 2] > terms.assets[work.assets[at, 0], 2]:
            for column in range(3):
                kept = work.assets[at, column]
                work.assets[at, column] = work.assets[at - 1, column]
                work.assets[at - 1, column] = kept
            wallet = work.wallets[at]
            work.wallets[at] = work.wallets[at - 1]
            work.wallets[at - 1] = wallet
            at -= 1


@compiled_within
def base_of(work: Work, asset: int, positions: int) -> tuple[bool, float]:
    """Return whether it fits, and wallet − Σ cost of an asset's positions, rounded once."""
    place, decimals = work.assets[asset, 0], work.assets[asset, 2]
    for number in range(positions):
        if work.positions[number, 1] == place:
            decimals = max(decimals, work.positions[number, 4])
    fits, high, low = scaled(_ZERO, work.wallets[asset], decimals - work.assets[asset, 2])
    plus_high, plus_low, minus_high, minus_low = high, low, _ZERO, _ZERO
    if work.assets[asset, 1] < 0:
        plus_high, plus_low, minus_high, minus_low = _ZERO, _ZERO, high, low
    for number in range(positions):
        if work.positions[number, 1] != place:
            continue
        power = decimals - work.positions[number, 4]
        fits_too, high, low = scaled(work.amounts[number, 1], work.amounts[number, 2], power)
        if work.positions[number, 2] < 0:
            fits_still, plus_high, plus_low = added(plus_high, plus_low, high, low)
        else:
            fits_still, minus_high, minus_low = added(minus_high, minus_low, high, low)
        fits = fits and fits_too and fits_still
    sign, high, low = difference(plus_high, plus_low, minus_high, minus_low)
    return fits, sign * rounded(high, low, decimals)


@compiled_within
def write_cells(work: Work, place: int, positions: int, cell: int, codes: U4, sizes: F8, costs: F8) -> int:
    """Write the cells of the positions settled in one asset, in their order; return where the next ones begin."""
    for number in range(positions):
        if work.positions[number, 1] == place:
            sign = work.positions[number, 2]
            codes[cell] = np.uint32(work.positions[number, 0] << 4)
            sizes[cell] = sign * rounded(_ZERO, work.amounts[number, 0], work.positions[number, 3])
            costs[cell] = sign * rounded(work.amounts[number, 1], work.amounts[number, 2], work.positions[number, 4])
            cell += 1
    return cell


@compiled_within
def read_account(
    text: U1, at: int, end: int, symbols: Words, assets: Words, terms: Terms, work: Work
) -> tuple[int, int]:
    """Read one record; return how many assets (-1: not plain) and positions it has."""
    at = after_head(text, at, end)
    if at < 0:
        return _NO, 0
    at, owned = read_balances(text, at, end, assets, work)
    if at < 0:
        return _NO, 0
    at, held = read_positions(text, at, end, symbols, terms, work)
    if at < 0 or not is_end_plain(text, at, end):
        return _NO, 0
    owned = add_settled(work, owned, held)
    if owned > 0:
        sort_assets(work, terms, owned)
    return owned, held


@compiled
def read_accounts(
    text: U1,
    bounds: I8,
    first: int,
    ladder: int,
    symbols: Words,
    assets: Words,
    terms: Terms,
    work: Work,
    batch: Batch,
    costs: F8,
    placed: U1,
    counts: I8,
) -> None:
    """Read records and write those of plain accounts into a batch with room for all of them.

    A record begins and ends where `bounds` says; accounts are numbered from `first`. `placed` says which were plain,
    `counts`, which is to be given as zeros, how many accounts, scopes, cells and how many cells the largest scope has.
    """
    accounts, scope, cell, most = counts[0], counts[1], counts[2], counts[3]
    for number in range(len(placed)):
        begin, end = bounds[number], bounds[number + 1]
        owned, held = read_account(text, begin, end, symbols, assets, terms, work)
        fits = owned >= 0
        part, here = scope, cell
        for asset in range(owned):
            fits_too, base = base_of(work, asset, held)
            fits = fits and fits_too
            place = work.assets[asset, 0]
            before = here
            here = write_cells(work, place, held, here, batch.codes, batch.sizes, costs)
            most = max(most, here - before)
            batch.scopes[part, 0], batch.scopes[part, 1], batch.scopes[part, 2] = terms.assets[place, 1], ladder, 0
            batch.scopes[part, 3], batch.scopes[part, 4] = 0, part + 1
            batch.parts[part, 0], batch.parts[part, 1] = terms.assets[place, 0], here
            batch.amounts[part, 0], batch.amounts[part, 1] = base, 0.0
            part += 1
        if fits:
            scope, cell = part, here
            batch.accounts[accounts, 0], batch.accounts[accounts, 1] = first + number, scope
            accounts += 1
            placed[number] = 1
    counts[0], counts[1], counts[2], counts[3] = accounts, scope, cell, most
