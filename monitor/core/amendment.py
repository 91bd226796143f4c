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
_VERSION, _TIME = 4, 6
_DELETED = 2
_NO = "0"
_UNSAID = (None, None, None)
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
    if event.snapshot or event.deleted or (event.settings, event.margin_mode, event.position_mode) != _UNSAID:
        return None
    sections = record.decode().split(SECTION)
    if len(sections) != _SECTIONS:
        return None
    try:
        sections[0], is_hedged = _head_after(sections[0], event)
        fields = sections[2].split(FIELD) if sections[2] else []
        if event.positions:
            _amend_positions(fields, event.positions, is_hedged=is_hedged)
            sections[2] = FIELD.join(fields)
        most = limits.max_balances
        if event.balances:
            sections[1] = _overlaid(sections[1], event.balances, most)
        if event.open_order_initial_margin:
            sections[3] = _overlaid(sections[3], event.open_order_initial_margin, most + limits.max_positions)
        if event.net_transfers:
            sections[4] = _overlaid(sections[4], event.net_transfers, most)
    except _LongWay:
        return None
    balances = (sections[1].count(FIELD) + 1) // 2
    return Amended(SECTION.join(sections).encode(), balances, len(fields) // POSITION_FIELDS)


def _head_after(section: str, event: AccountEvent) -> tuple[str, bool]:
    """Return the head after a message, and whether the account is in hedge mode."""
    head = section.split(FIELD)
    form, _, mode, position_mode, version, epoch, _, flags = head
    if form != FORMAT or mode == MarginMode.PORTFOLIO or flags[_DELETED] != _NO:
        raise _LongWay
    if event.epoch != int(epoch) or event.version <= int(version):
        raise _LongWay
    head[_VERSION], head[_TIME] = str(event.version), str(event.event_time_ms)
    return FIELD.join(head), position_mode == PositionMode.HEDGE


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
        quantity = change.quantity
        _check(change)
        at = _place_of(fields, change.symbol, change.side)
        if quantity is ABSENT or quantity:
            _amend(fields, at, change, is_hedged=is_hedged)
        elif at >= 0:
            del fields[at : at + POSITION_FIELDS]


def _check(change: PositionChange) -> None:
    """Leave to the long way what contradicts itself."""
    _, side, quantity, entry_price, _, _, leverage = change
    if isinstance(quantity, Decimal) and quantity and side is not Side.BOTH and (quantity > 0) is (side is Side.SHORT):
        raise _LongWay
    if isinstance(entry_price, Decimal) and entry_price <= 0:
        raise _LongWay
    if isinstance(leverage, Decimal) and leverage <= 0:
        raise _LongWay


def _amend(fields: list[str], at: int, change: PositionChange, *, is_hedged: bool) -> None:
    """Write a change over the position that begins at a place, add one where that is below 0."""
    symbol, side, quantity, entry_price, margin_type, _, leverage = change
    if margin_type is not ABSENT and margin_type is not MarginType.CROSS:
        raise _LongWay
    if at < 0:
        if quantity is ABSENT or entry_price is ABSENT or (side is Side.BOTH) is is_hedged:
            raise _LongWay
        at = len(fields)
        fields += (symbol, side, "", "", MarginType.CROSS, "", "")
    elif fields[at + _TYPE] != MarginType.CROSS:
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
    while True:
        try:
            at = fields.index(symbol, at + 1)
        except ValueError:
            return -1
        if at % POSITION_FIELDS == 0 and fields[at + 1] == side:
            return at
