"""Amending packed facts: what a partial message says is written over them, field by field.

It is done for messages that change amounts and cross positions of an account that stays what it is. What `accounts` and
`facts` make of a message is the specification: the bytes are theirs, and whatever else a message says, or says wrongly,
is left to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from monitor.core.accounts import ABSENT, AccountEvent, MarginMode, MarginType, PositionChange, PositionMode, Side
from monitor.core.facts import FIELD, FORMAT, POSITION_FIELDS, SECTION
from monitor.core.limits import Limits

_SECTIONS = 6
"""Without the reasons why a portfolio is none."""
_DELETED = 2
_NO = "0"
_PORTFOLIO, _HEDGE, _CROSS = MarginMode.PORTFOLIO, PositionMode.HEDGE, MarginType.CROSS
_BOTH, _SHORT = Side.BOTH, Side.SHORT
"""Members of enumerations are found more slowly in their classes than anything else here is done."""
_QUANTITY, _ENTRY_PRICE, _TYPE, _LEVERAGE = 2, 3, 4, 6


class Amended(NamedTuple):
    """Hold packed facts after a message, and how many balances and positions they have."""

    record: bytes
    balances: int
    positions: int


class _LongWay(Exception):
    """What a message says is not for here."""


def amended(record: bytes, event: AccountEvent, limits: Limits) -> Amended | None:
    """Return the facts after a message that is news and plain, None where the long way must be taken."""
    _, version, time_ms, epoch, snapshot, deleted, mode, hedging, balances, changes, orders, transfers, given = event
    if snapshot or deleted or mode is not None or hedging is not None or given is not None:
        return None
    sections = record.decode().split(SECTION)
    if len(sections) != _SECTIONS:
        return None
    try:
        sections[0], is_hedged = _head_after(sections[0], version, epoch, time_ms)
        fields = sections[2].split(FIELD) if sections[2] else []
        if changes:
            _amend_positions(fields, changes, is_hedged=is_hedged)
            sections[2] = FIELD.join(fields)
        most = limits.max_balances
        if balances:
            sections[1] = _overlaid(sections[1], balances, most)
        if orders:
            sections[3] = _overlaid(sections[3], orders, most + limits.max_positions)
        if transfers:
            sections[4] = _overlaid(sections[4], transfers, most)
    except _LongWay:
        return None
    kept = (sections[1].count(FIELD) + 1) // 2
    return Amended(SECTION.join(sections).encode(), kept, len(fields) // POSITION_FIELDS)


def _head_after(section: str, version: int, epoch: int, time_ms: int) -> tuple[str, bool]:
    """Return the head after a message, and whether the account is in hedge mode."""
    form, name, mode, position_mode, known, known_epoch, _, flags = section.split(FIELD)
    if form != FORMAT or mode == _PORTFOLIO or flags[_DELETED] != _NO or epoch != int(known_epoch):
        raise _LongWay
    if version <= int(known):
        raise _LongWay
    head = FIELD.join((form, name, mode, position_mode, str(version), known_epoch, str(time_ms), flags))
    return head, position_mode == _HEDGE


def _overlaid(section: str, given: Mapping[str, Decimal], at_most: int) -> str:
    """Return packed amounts with those given in their places, new ones behind them."""
    fields = section.split(FIELD) if section else []
    names, before = fields[::2], len(fields)
    for name, amount in given.items():
        if name in names:
            fields[2 * names.index(name) + 1] = str(amount)
        else:
            fields += (name, str(amount))
    if len(fields) > before and len(fields) // 2 > at_most:
        raise _LongWay
    return FIELD.join(fields)


def _amend_positions(fields: list[str], changes: Sequence[PositionChange], *, is_hedged: bool) -> None:
    """Write changes over packed positions."""
    if len(changes) > 1 and len({change[:2] for change in changes}) < len(changes):
        raise _LongWay  # one is named twice
    for change in changes:
        symbol, side, quantity, entry_price, _, _, leverage = change
        if (isinstance(entry_price, Decimal) and entry_price <= 0) or (isinstance(leverage, Decimal) and leverage <= 0):
            raise _LongWay
        at = _place_of(fields, symbol, side)
        if not isinstance(quantity, Decimal):
            _amend(fields, at, change, is_hedged=is_hedged)
        elif quantity:
            if side is not _BOTH and (quantity > 0) is (side is _SHORT):
                raise _LongWay
            _amend(fields, at, change, is_hedged=is_hedged)
        elif at >= 0:
            del fields[at : at + POSITION_FIELDS]


def _amend(fields: list[str], at: int, change: PositionChange, *, is_hedged: bool) -> None:
    """Write a change over the position that begins at a place, add one where that is below 0."""
    symbol, side, quantity, entry_price, margin_type, _, leverage = change
    if margin_type is not ABSENT and margin_type is not _CROSS:
        raise _LongWay
    if at < 0:
        if quantity is ABSENT or entry_price is ABSENT or (side is _BOTH) is is_hedged:
            raise _LongWay
        at = len(fields)
        fields += (symbol, side, "", "", _CROSS, "", "")
    elif fields[at + _TYPE] != _CROSS:
        raise _LongWay
    if quantity is not ABSENT:
        fields[at + _QUANTITY] = str(quantity)
    if entry_price is not ABSENT:
        fields[at + _ENTRY_PRICE] = str(entry_price)
    if leverage is not ABSENT:
        fields[at + _LEVERAGE] = "" if leverage is None else str(leverage)


def _place_of(fields: list[str], symbol: str, side: Side) -> int:
    """Return where a position begins among packed ones, -1 where there is none."""
    at = -1
    try:
        while True:
            at = fields.index(symbol, at + 1)
            if at % POSITION_FIELDS == 0 and fields[at + 1] == side:
                return at
    except ValueError:
        return -1
