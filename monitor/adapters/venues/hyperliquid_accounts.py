"""Accounts of Hyperliquid, read by address: each `clearinghouseState` is a whole snapshot, asked for or streamed.

Source: mechanics §3.2. The wallet of a scope is its raw USD plus its positions at entry: so its equity is raw USD plus
positions at the mark, as the venue counts it. Of accounts whose collateral is pooled with spot balances or other
exchanges (`userAbstraction`: unified, portfolio, by dex) these states say something else: they are refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.adapters.venues.hyperliquid import SETTLE_ASSET
from monitor.adapters.venues.values import amount_at, decoded, rows_of, table, text_at, time_at
from monitor.app.venue_feed.account_facts import AccountReading, AccountSignal, AccountSnapshot, Position
from monitor.app.venue_feed.ports import AccountAccess, Request, RestFault
from monitor.app.venue_feed.readings import Answer, BadFrame, Nothing, NotSupported

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_STATE, _EVENTS, _MODE = "clearinghouseState", "userEvents", "userAbstraction"
_PLAIN_MODES = frozenset({"default", "disabled"})
"""The modes in which an account's perpetuals stand on their own balance. Any other, known or not, is refused."""
_GREETING = b"Websocket connection established."


@dataclass(frozen=True, slots=True)
class HyperliquidAccounts:
    """Read accounts by their address."""

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """The venue closes a connection on which it has had nothing to say for 60 s, unless it is pinged."""
        return b'{"method":"ping"}', 50.0

    def check(self, access: AccountAccess) -> None:
        """Ask for an address."""
        if not _ADDRESS.fullmatch(access.address):
            raise ValueError("address must be 0x and 40 hexadecimal digits: accounts of this venue are read by address")

    def open_stream(self, access: AccountAccess) -> Request | None:
        """Return the request for the account's mode, asked before its stream is opened; the stream needs no key."""
        return _asking(_MODE, access)

    def keep_stream(self, access: AccountAccess) -> tuple[Request, float] | None:  # noqa: ARG002 - there is none
        """Return nothing."""
        return None

    def knows_no_key(self, fault: RestFault) -> bool:  # noqa: ARG002 - there is none
        """Return that nothing is known of keys."""
        return False

    def stream_key(self, answer: bytes) -> str:
        """Return nothing for an account whose states can be believed. Raises `NotSupported`, `BadFrame`."""
        _check_mode(answer)
        return ""

    def address(self, base: str, stream_key: str) -> str:  # noqa: ARG002 - one address for all
        """Return the one address there is."""
        return base

    def subscriptions(self, access: AccountAccess) -> Sequence[tuple[str, bytes]]:
        """Return requests for the state and for events, which tell liquidations."""
        wanted = ({"type": _STATE, "user": access.address}, {"type": _EVENTS, "user": access.address})
        return [(one["type"], json.dumps({"method": "subscribe", "subscription": one}).encode()) for one in wanted]

    def read(self, frame: bytes, received_ms: int) -> AccountReading | Answer | Nothing:
        """Return what a frame says. Raises `BadFrame`."""
        body = table(decoded(frame)) if frame != _GREETING else {"channel": "pong"}
        channel, data = body.get("channel"), body.get("data")
        if channel == _STATE:
            return _snapshot(table(table(data, "data").get(_STATE), _STATE), received_ms)
        if channel == "subscriptionResponse":
            return Answer(str(table(table(data, "data").get("subscription"), "subscription").get("type")))
        if channel == "error":
            return Answer("", str(data)[:200])
        if channel in ("user", _EVENTS):
            return _event(table(data, "data"))
        if channel == "pong":
            return Nothing("pong")
        raise BadFrame(f"is of channel {str(channel)[:40]!r}, which was not asked for")

    def snapshot_requests(self, access: AccountAccess, now_ms: int) -> Sequence[Request]:  # noqa: ARG002 - not signed
        """Return the request for the state, and that for the mode, which may have changed."""
        return [_asking(_STATE, access), _asking(_MODE, access)]

    def read_snapshot(self, answers: Sequence[bytes], asked_ms: int) -> AccountSnapshot:
        """Return what the answers say. Raises `NotSupported`, `BadFrame`."""
        _check_mode(answers[1])
        return _snapshot(table(decoded(answers[0]), _STATE), asked_ms)


def _asking(kind: str, access: AccountAccess) -> Request:
    body = json.dumps({"type": kind, "user": access.address}).encode()
    return Request("/info", headers={"Content-Type": "application/json"}, method="POST", body=body)


def _check_mode(answer: bytes) -> None:
    mode = decoded(answer)
    if not isinstance(mode, str):
        raise BadFrame(f"{_MODE} is no text")
    if mode not in _PLAIN_MODES:
        raise NotSupported(f"the account's mode is {mode[:40]!r}: its margin cannot be told from its {_STATE}")


def _event(event: Mapping[str, Any]) -> AccountSignal | Nothing:
    """Return a signal where the event is a liquidation; fills show in the state."""
    liquidation = event.get("liquidation")
    if liquidation is None:
        return Nothing("event")
    notional = table(liquidation, "liquidation").get("liquidated_ntl_pos")
    return AccountSignal("liquidation", f"notional {str(notional)[:40]}")


def _snapshot(state: Mapping[str, Any], asked_ms: int) -> AccountSnapshot:
    rows = [
        table(table(row, "assetPositions").get("position"), "position")
        for row in rows_of(state.get("assetPositions"), "assetPositions")
    ]
    positions = [_position(row) for row in rows]
    raw = Decimal(amount_at(table(state.get("crossMarginSummary"), "crossMarginSummary"), "totalRawUsd"))
    wallet = raw + sum((_at_entry(one) for one in positions if not one.is_isolated), Decimal(0))
    return AccountSnapshot(
        event_time_ms=time_at(state, "time"),
        asked_ms=asked_ms,
        balances={SETTLE_ASSET: f"{wallet:f}"},
        positions=tuple(one for one in positions if not one.is_closed),
        leverage={text_at(row, "coin"): amount_at(table(row.get("leverage"), "leverage"), "value") for row in rows},
        is_one_piece=True,
    )


def _position(row: Mapping[str, Any]) -> Position:
    leverage = table(row.get("leverage"), "leverage")
    kind = leverage.get("type")
    if kind not in ("cross", "isolated"):
        raise BadFrame(f"leverage of type {str(kind)[:40]!r} is not known")
    plain = Position(text_at(row, "coin"), "both", amount_at(row, "szi"), amount_at(row, "entryPx"))
    if kind == "cross":
        return plain
    wallet = Decimal(amount_at(leverage, "rawUsd")) + _at_entry(plain)
    return plain._replace(is_isolated=True, wallet=f"{wallet:f}")


def _at_entry(position: Position) -> Decimal:
    return Decimal(position.quantity) * Decimal(position.entry_price)
