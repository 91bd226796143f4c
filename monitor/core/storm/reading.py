"""Reading the packed facts of one scope: its wallet and positions as exact numbers, and where their texts stand.

Compiled. Plain is an account in single-asset mode that is known in full, without settings, orders and transfers of its
own, whose numbers are plain decimals; what it is not, the plain way knows. What a record holds is `facts`' to say.
"""

from __future__ import annotations

import numpy as np

from monitor.core.kernels_compiled import inner
from monitor.core.kernels_digits import number_at
from monitor.core.kernels_words import SECTION, field_end, is_field, is_word, place_of
from monitor.core.store_columns import U1
from monitor.core.storm.columns import (
    BALANCE_END,
    BALANCE_START,
    CAUSE,
    COUNT,
    ENTRY,
    ENTRY_END,
    ENTRY_START,
    FIRST_OF_POSITIONS,
    ID_END,
    ID_START,
    LEVERAGE,
    LEVERAGE_DECIMALS,
    LEVERAGE_END,
    LEVERAGE_START,
    MODE_END,
    MODE_START,
    MOST_POSITIONS,
    MOVE_RANK,
    NAMED_LEVERAGE,
    PLACE,
    PLAIN,
    QUANTITY,
    QUANTITY_END,
    QUANTITY_START,
    ROWS_OF_POSITION,
    SETTLE,
    SIDE_END,
    SIDE_START,
    TIME_END,
    TIME_START,
    VERSION_END,
    VERSION_START,
    WALLET,
    WALLET_END,
    WALLET_START,
    Market,
    Work,
)
from monitor.core.storm.numbers import put_number

NO = -1
_FORMAT = np.frombuffer(b"1", np.uint8)
_SINGLE_ASSET = np.frombuffer(b"single_asset", np.uint8)
_KNOWN_IN_FULL = np.frombuffer(b"100", np.uint8)
_CROSS = np.frombuffer(b"cross", np.uint8)
SIDES = np.frombuffer(b"bothlongshort", np.uint8)
SIDE_SPANS = np.array([[0, 4], [4, 8], [8, 13]], dtype=np.int64)
_QUOTE, _BACKSLASH, _SPACE, _DELETE = 34, 92, 32, 127


@inner
def is_simple(text: U1, start: int, end: int) -> bool:
    """Return whether a text stands in JSON as it is."""
    for at in range(start, end):
        byte = text[at]
        if byte < _SPACE or byte >= _DELETE or byte in (_QUOTE, _BACKSLASH):
            return False
    return end > start


@inner
def read_head(text: U1, at: int, end: int, work: Work) -> int:
    """Note the spots of the head; return where the balances begin, -1 where it is not that of a plain account."""
    spots = work.spots
    stop = field_end(text, at, end)
    if not is_word(text, at, stop, _FORMAT, 0, len(_FORMAT)):
        return NO
    spots[ID_START], spots[ID_END] = stop + 1, field_end(text, stop + 1, end)
    at = spots[ID_END] + 1
    stop = field_end(text, at, end)
    if not is_word(text, at, stop, _SINGLE_ASSET, 0, len(_SINGLE_ASSET)):
        return NO
    spots[MODE_START], spots[MODE_END] = stop + 1, field_end(text, stop + 1, end)
    spots[VERSION_START] = spots[MODE_END] + 1
    spots[VERSION_END] = field_end(text, spots[VERSION_START], end)
    stop = field_end(text, spots[VERSION_END] + 1, end)
    spots[TIME_START] = stop + 1
    spots[TIME_END] = field_end(text, stop + 1, end)
    at = spots[TIME_END] + 1
    stop = field_end(text, at, end)
    if not is_word(text, at, stop, _KNOWN_IN_FULL, 0, len(_KNOWN_IN_FULL)) or stop >= end or text[stop] != SECTION:
        return NO
    return stop + 1 if is_simple(text, spots[ID_START], spots[ID_END]) else NO


@inner
def read_wallet(text: U1, at: int, end: int, asset: int, market: Market, work: Work) -> int:
    """Set the wallet to the balance in an asset, 0 without one; return where the positions begin, -1: not plain."""
    put_number(work.rows, WALLET, 0, 0)
    work.spots[BALANCE_START], work.spots[BALANCE_END] = 0, 0
    if at < end and text[at] == SECTION:
        return at + 1
    words = market.assets
    while True:
        stop = field_end(text, at, end)
        last = field_end(text, stop + 1, end)
        if last >= end or not is_field(text, stop, end):
            return NO
        if asset >= 0 and is_word(text, at, stop, words.text, words.starts[asset], words.starts[asset + 1]):
            sign, digits, decimals = number_at(text, stop + 1, last)
            if sign == 0:
                return NO
            put_number(work.rows, WALLET, sign * np.int64(digits), decimals)
            work.spots[BALANCE_START], work.spots[BALANCE_END] = stop + 1, last
        at = last + 1
        if text[last] == SECTION:
            return at


@inner
def take_position(text: U1, spots: tuple[int, int, int, int, int, int, int], work: Work, number: int) -> bool:
    """Keep a position of the scope; return whether its numbers are plain."""
    quantity, entry, kind, wallet, leverage, last, side = spots
    held, rows = work.held, FIRST_OF_POSITIONS + number * ROWS_OF_POSITION
    held[number, SIDE_START], held[number, SIDE_END] = side, quantity - 1
    held[number, QUANTITY_START], held[number, QUANTITY_END] = quantity, entry - 1
    held[number, ENTRY_START], held[number, ENTRY_END] = entry, kind - 1
    held[number, WALLET_START], held[number, WALLET_END] = wallet, leverage - 1
    held[number, LEVERAGE_START], held[number, LEVERAGE_END] = leverage, last
    sign, digits, decimals = number_at(text, quantity, entry - 1)
    entry_sign, entry_digits, entry_decimals = number_at(text, entry, kind - 1)
    if sign == 0 or digits == 0 or entry_sign != 1 or entry_digits == 0:
        return False
    put_number(work.rows, rows + QUANTITY, sign * np.int64(digits), decimals)
    put_number(work.rows, rows + ENTRY, np.int64(entry_digits), entry_decimals)
    held[number, LEVERAGE], held[number, LEVERAGE_DECIMALS] = 1, 0
    if last > leverage:
        sign, digits, decimals = number_at(text, leverage, last)
        if sign != 1 or digits == 0:
            return False
        held[number, LEVERAGE], held[number, LEVERAGE_DECIMALS] = np.int64(digits), decimals
        put_number(work.rows, rows + NAMED_LEVERAGE, np.int64(digits), decimals)
    return True


@inner
def is_member(
    text: U1, spots: tuple[int, int, int, int, int, int, int], place: int, target: tuple[int, int, int], market: Market
) -> bool:
    """Return whether a position stands in a scope: that of an asset, or the isolated one of a symbol and side."""
    quantity, kind, wallet, start = spots[0], spots[2], spots[3], spots[6]
    asset, named, side = target
    is_cross = is_word(text, kind, wallet - 1, _CROSS, 0, len(_CROSS))
    if asset >= 0:
        return is_cross and market.contracts[place, SETTLE] == asset
    same_side = is_word(text, start, quantity - 1, SIDES, SIDE_SPANS[side, 0], SIDE_SPANS[side, 1])
    return place == named and same_side and not is_cross


@inner
def read_positions(text: U1, at: int, end: int, target: tuple[int, int, int], market: Market, work: Work) -> int:
    """Keep the positions of a scope; return where the next section begins, -1: not plain.

    `target` is the asset of a cross scope, or below 0 symbol and side of an isolated one.
    """
    count, best = 0, np.int64(-1)
    while not (at < end and text[at] == SECTION):
        symbol_end = field_end(text, at, end)
        place = place_of(market.symbols, text, at, symbol_end)
        start = symbol_end + 1
        quantity = field_end(text, start, end) + 1
        entry = field_end(text, quantity, end) + 1
        kind = field_end(text, entry, end) + 1
        wallet = field_end(text, kind, end) + 1
        leverage = field_end(text, wallet, end) + 1
        last = field_end(text, leverage, end)
        if last >= end or place < 0:
            return NO
        spots = (quantity, entry, kind, wallet, leverage, last, start)
        if best < 0 or market.contracts[place, MOVE_RANK] < market.contracts[best, MOVE_RANK]:
            best = np.int64(place)
        if is_member(text, spots, place, target, market):
            if count == MOST_POSITIONS or market.contracts[place, PLAIN] == 0:
                return NO
            if not take_position(text, spots, work, count):
                return NO
            work.held[count, PLACE] = place
            count += 1
        at = last + 1
        if text[last] == SECTION:
            at = last
    work.spots[CAUSE], work.spots[COUNT] = best, count
    return at + 1


@inner
def is_rest_empty(text: U1, at: int, end: int) -> bool:
    """Return whether nothing but two empty sections and an empty last one follow: no orders, transfers, settings."""
    return end - at == 2 and text[at] == SECTION and text[at + 1] == SECTION


@inner
def has_twins(work: Work) -> bool:
    """Return whether two positions of the scope are in one contract."""
    for one in range(work.spots[COUNT]):
        for other in range(one):
            if work.held[one, PLACE] == work.held[other, PLACE]:
                return True
    return False


@inner
def read_scope(text: U1, at: int, end: int, target: tuple[int, int, int], market: Market, work: Work) -> bool:
    """Read what one scope is computed from; return whether it is plain and has positions."""
    at = read_head(text, at, end, work)
    if at < 0:
        return False
    at = read_wallet(text, at, end, target[0], market, work)
    if at < 0:
        return False
    at = read_positions(text, at, end, target, market, work)
    if at < 0 or not is_rest_empty(text, at, end) or work.spots[COUNT] == 0 or has_twins(work):
        return False
    if target[0] < 0:
        sign, digits, decimals = number_at(text, work.held[0, WALLET_START], work.held[0, WALLET_END])
        if sign == 0:
            return False
        put_number(work.rows, WALLET, sign * np.int64(digits), decimals)
    return True
