"""Account events: what one message says about one account.

The form of the facts is checked here; whether they can be true together, and with what is known, is decided by the
account facts themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.faults import BadMessage, Code, joined, segment
from monitor.adapters.wire.shapes import AccountEventBody, Amounts, PositionBody, SettingsBody, WindowBody
from monitor.adapters.wire.values import (
    amount_at,
    amounts_at,
    check_id,
    check_name,
    check_names,
    name_fault,
    positive_at,
)
from monitor.core.accounts import ABSENT, AccountEvent, PositionChange, Settings, Side
from monitor.core.limits import Limits
from monitor.core.scopes import BadScope, parse_scope

_BEYOND = 2**63
_events: Reader[AccountEventBody] = Reader(AccountEventBody)


def decode_account_event(value: bytes | None, key: bytes | None, limits: Limits) -> AccountEvent:
    """Return what an account message says. Raises `BadMessage`, also where the key is not the account's id."""
    body = _events.read(value, limits.max_message_bytes)
    check_id("account_id", body.account_id, limits.max_id_bytes)
    if key != body.account_id.encode():
        raise BadMessage(Code.WRONG_KEY, "account_id", "is not the key of the message")
    epoch, mode, position_mode, given = body.epoch, body.margin_mode, body.position_mode, body.positions
    return AccountEvent(
        body.account_id,
        body.version,
        body.event_time_ms,
        0 if epoch is UNSET else epoch,
        body.snapshot is True,
        body.deleted is True,
        None if mode is UNSET else mode,
        None if position_mode is UNSET else position_mode,
        named_amounts("balances", body.balances, limits),
        None if given is UNSET else position_changes(given, limits),
        scope_amounts("open_order_initial_margin", body.open_order_initial_margin, limits),
        named_amounts("net_transfers", body.net_transfers, limits),
        None if body.settings is UNSET else settings_of(body.settings, limits),
    )


def named_amounts(inside: str, given: Amounts | UnsetType, limits: Limits) -> dict[str, Decimal] | None:
    """Return amounts by asset; None where the message does not state them."""
    if given is UNSET:
        return None
    _check_count(inside, given, limits.max_balances)
    check_names(inside, given, limits.max_id_bytes)
    return amounts_at(inside, given, limits.max_digits)


def scope_amounts(inside: str, given: Amounts | UnsetType, limits: Limits) -> dict[str, Decimal] | None:
    """Return amounts by scope; None where the message does not state them."""
    if given is UNSET:
        return None
    _check_count(inside, given, limits.max_balances + limits.max_positions)
    for name in given:
        check_scope(inside, name, limits)
    return amounts_at(inside, given, limits.max_digits)


def check_scope(inside: str, name: str, limits: Limits) -> None:
    """Refuse a key that names no scope."""
    place = joined(inside, segment(name))
    try:
        parsed = parse_scope(name)
    except BadScope as bad:
        raise BadMessage(Code.BAD_ID, place, str(bad)) from None
    named = parsed.asset or parsed.symbol
    if named is not None:
        check_name(place, named, limits.max_id_bytes)


def _check_count(inside: str, given: Mapping[str, object], most: int) -> None:
    if len(given) > most:
        raise BadMessage(Code.TOO_MANY, inside, f"{len(given)} entries are more than {most}")


def position_changes(bodies: list[PositionBody], limits: Limits) -> tuple[PositionChange, ...]:
    """Return what a message says of positions, in its order."""
    if len(bodies) > limits.max_positions:
        raise BadMessage(Code.TOO_MANY, "positions", f"{len(bodies)} positions are more than {limits.max_positions}")
    changes: list[PositionChange] = []
    for index, body in enumerate(bodies):
        try:
            changes.append(_change(body, limits))
        except BadMessage as bad:  # costs nothing until it is raised
            raise bad.under(f"positions[{index}]") from None
    return tuple(changes)


def _change(body: PositionBody, limits: Limits) -> PositionChange:
    digits = limits.max_digits
    if name_fault(body.symbol, limits.max_id_bytes) is not None:
        check_name("symbol", body.symbol, limits.max_id_bytes)
    side, quantity, entry_price = body.side, body.quantity, body.entry_price
    margin_type, wallet, leverage = body.margin_type, body.isolated_wallet, body.leverage
    return PositionChange(
        body.symbol,
        Side.BOTH if side is UNSET else side,
        ABSENT if quantity is UNSET else amount_at("quantity", quantity, digits),
        ABSENT if entry_price is UNSET else amount_at("entry_price", entry_price, digits),
        ABSENT if margin_type is UNSET else margin_type,
        ABSENT if wallet is UNSET else amount_at("isolated_wallet", wallet, digits),
        ABSENT if leverage is UNSET else positive_at("leverage", leverage, digits),
    )


def settings_of(body: SettingsBody, limits: Limits) -> Settings:
    """Return checked settings; `raw` keeps the object as it was sent."""
    try:
        _check_settings(body, limits)
        if body.adl_quantile is not UNSET:
            check_names("adl_quantile", body.adl_quantile, limits.max_id_bytes)
        return Settings(
            raw=_encodable(msgspec.to_builtins(body)),
            bracket_multiplier=_positive_by_symbol("bracket_multiplier", body.bracket_multiplier, limits),
            leverage=_positive_by_symbol("leverage", body.leverage, limits),
        )
    except BadMessage as bad:
        raise bad.under("settings") from None


def _encodable(raw: Any) -> Any:
    """Return settings as they were sent; whole numbers beyond 64 bits, which encoders refuse, become text."""
    if isinstance(raw, dict):
        return {name: _encodable(member) for name, member in raw.items()}
    if isinstance(raw, list):
        return [_encodable(member) for member in raw]
    return str(raw) if isinstance(raw, int) and abs(raw) >= _BEYOND else raw


def _positive_by_symbol(inside: str, given: Amounts | UnsetType, limits: Limits) -> Mapping[str, Decimal]:
    if given is UNSET:
        return {}
    check_names(inside, given, limits.max_id_bytes)
    return {name: positive_at(joined(inside, segment(name)), value, limits.max_digits) for name, value in given.items()}


def _check_settings(body: SettingsBody, limits: Limits) -> None:
    """Refuse amounts in settings that cannot be what they stand for."""
    digits = limits.max_digits
    if body.volume_30d is not UNSET and amount_at("volume_30d", body.volume_30d, digits) < 0:
        raise BadMessage(Code.OUT_OF_RANGE, "volume_30d", "must not be below 0")
    if body.concentration_limit is not UNSET and isinstance(body.concentration_limit, dict):
        _positive_by_symbol("concentration_limit", body.concentration_limit, limits)
    elif body.concentration_limit is not UNSET:
        positive_at("concentration_limit", body.concentration_limit, digits)
    for name in ("reference_equity", "account_limit", "distance_limit"):
        given = getattr(body, name)
        if given is not UNSET:
            positive_at(name, given, digits)
    for name in ("correlation_spike", "hedge_decorrelation"):
        given = getattr(body, name)
        if isinstance(given, WindowBody):
            _check_levels(f"{name}.levels", given.levels, limits)
        elif given is not UNSET:
            amount_at(name, given, digits)
    if body.drawdown_stops is not UNSET:
        _check_levels("drawdown_stops", body.drawdown_stops, limits)


def _check_levels(inside: str, levels: list[str | int], limits: Limits) -> None:
    if not levels:
        raise BadMessage(Code.OUT_OF_RANGE, inside, "needs at least one level")
    if len(levels) > limits.max_levels:
        raise BadMessage(Code.TOO_MANY, inside, f"{len(levels)} levels are more than {limits.max_levels}")
    for index, level in enumerate(levels):
        positive_at(f"{inside}[{index}]", level, limits.max_digits)
