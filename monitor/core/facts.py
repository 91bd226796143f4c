"""The packed form of account facts: what memory and the changelog keep of an account.

Packing and unpacking live here; what the facts mean is in `accounts`. Ids hold no control characters, so the two
separators cannot occur inside a field; settings are JSON, which escapes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionKey, PositionMode, Settings, Side

FORMAT = "1"
SECTION = "\x1e"
FIELD = "\x1f"
POSITION_FIELDS = 7

_MODES = {str(mode): mode for mode in MarginMode}
_POSITION_MODES = {str(mode): mode for mode in PositionMode}
_SIDES = {str(side): side for side in Side}
_TYPES = {str(kind): kind for kind in MarginType}


class BadFactsRecord(ValueError):
    """A packed record this version cannot read: the changelog is damaged or from another version."""


def pack(account: Account) -> bytes:
    """Return the facts of an account as compact bytes; `unpack` gives them back."""
    flags = f"{int(account.complete)}{int(account.suspect)}{int(account.deleted)}"
    head = (
        FORMAT,
        account.account_id,
        account.margin_mode,
        account.position_mode,
        str(account.version),
        str(account.epoch),
        str(account.event_time_ms),
        flags,
    )
    positions: list[str] = []
    for position in account.positions.values():
        positions += (
            position.symbol,
            position.side,
            str(position.quantity),
            str(position.entry_price),
            position.margin_type,
            "" if position.isolated_wallet is None else str(position.isolated_wallet),
            "" if position.leverage is None else str(position.leverage),
        )
    settings = json.dumps(dict(account.settings.raw), separators=(",", ":")) if account.settings.raw else ""
    sections = (
        FIELD.join(head),
        _pack_amounts(account.balances),
        FIELD.join(positions),
        _pack_amounts(account.open_order_initial_margin),
        _pack_amounts(account.net_transfers),
        settings,
        *([FIELD.join(account.ineligible)] if account.ineligible else []),
    )
    return SECTION.join(sections).encode()


class Texts(NamedTuple):
    """Hold the texts a record is made of, where only few of them are asked for; names and amounts alternate.

    `positions` has seven of each: symbol, side, quantity, entry price, margin type, isolated wallet, leverage.
    """

    account_id: str
    margin_mode: str
    flags: str
    balances: list[str]
    positions: list[str]
    settings: str


def texts_of(record: bytes) -> Texts:
    """Return the texts of a record that `unpack` can read."""
    head, balances, positions, _, _, settings, *_ = record.decode().split(SECTION)
    _, account_id, mode, _, _, _, _, flags = head.split(FIELD)
    return Texts(account_id, mode, flags, _fields(balances), _fields(positions), settings)


def unpack(record: bytes) -> Account:
    """Return the account a record holds. Raises `BadFactsRecord`."""
    try:
        head, balances, positions, orders, transfers, settings, *ineligible = record.decode().split(SECTION)
        form, account_id, mode, position_mode, version, epoch, event_time_ms, flags = head.split(FIELD)
        if form != FORMAT:
            raise BadFactsRecord(f"facts in format {form!r}, this version reads {FORMAT!r}")
        return Account(
            account_id=account_id,
            margin_mode=_MODES[mode],
            position_mode=_POSITION_MODES[position_mode],
            balances=_unpack_amounts(balances),
            positions=_unpack_positions(positions),
            open_order_initial_margin=_unpack_amounts(orders),
            net_transfers=_unpack_amounts(transfers),
            settings=settings_of(json.loads(settings)) if settings else Settings(),
            version=int(version),
            epoch=int(epoch),
            event_time_ms=int(event_time_ms),
            complete=flags[0] == "1",
            suspect=flags[1] == "1",
            deleted=flags[2] == "1",
            ineligible=tuple(ineligible[0].split(FIELD)) if ineligible else (),
        )
    except (ValueError, KeyError, IndexError, ArithmeticError) as error:
        raise BadFactsRecord(f"unreadable facts: {error}") from error


def settings_of(raw: Mapping[str, object]) -> Settings:
    """Return settings from their plain object, the amounts inside as Decimals."""
    return Settings(
        raw=raw,
        bracket_multiplier=_amounts_under(raw, "bracket_multiplier"),
        leverage=_amounts_under(raw, "leverage"),
    )


def _amounts_under(raw: Mapping[str, object], key: str) -> Mapping[str, Decimal]:
    named = raw.get(key)
    return {symbol: Decimal(str(amount)) for symbol, amount in named.items()} if isinstance(named, Mapping) else {}


def _pack_amounts(amounts: Mapping[str, Decimal]) -> str:
    return FIELD.join(text for name, amount in amounts.items() for text in (name, str(amount)))


def _fields(section: str) -> list[str]:
    return section.split(FIELD) if section else []


def _unpack_amounts(section: str) -> dict[str, Decimal]:
    fields = _fields(section)
    return {name: Decimal(amount) for name, amount in zip(fields[::2], fields[1::2], strict=True)}


def _unpack_positions(section: str) -> dict[PositionKey, Position]:
    positions: dict[PositionKey, Position] = {}
    fields = _fields(section)
    for start in range(0, len(fields), POSITION_FIELDS):
        symbol, side, quantity, entry_price, margin_type, wallet, leverage = fields[start : start + POSITION_FIELDS]
        leg = _SIDES[side]
        positions[symbol, leg] = Position(
            symbol,
            leg,
            Decimal(quantity),
            Decimal(entry_price),
            _TYPES[margin_type],
            Decimal(wallet) if wallet else None,
            Decimal(leverage) if leverage else None,
        )
    return positions
