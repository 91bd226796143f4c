"""Tests of account events: what is stated, and what is left as it was."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.adapters.wire import decode_account_event
from monitor.core.accounts import (
    ABSENT,
    AccountEvent,
    MarginMode,
    MarginType,
    PositionChange,
    PositionMode,
    Side,
    after,
)
from tests.wire.samples import ACCOUNT, LIMITS, SETTINGS, text

BARE = {"account_id": "a|1", "version": 17, "event_time_ms": 5}


def read(message: dict[str, object]) -> AccountEvent:
    """Return the event a message states."""
    return decode_account_event(text(message), b"a|1", LIMITS)


def test_a_bare_message_leaves_everything_as_it_was() -> None:
    """What a message does not name is absent from its event."""
    assert read(BARE) == AccountEvent("a|1", 17, 5)


def test_a_full_message_arrives_in_full() -> None:
    """Every part of an account message arrives as the facts it states."""
    event = read(ACCOUNT)
    assert (event.epoch, event.snapshot, event.deleted) == (2, True, False)
    assert (event.margin_mode, event.position_mode) == (MarginMode.MULTI_ASSET, PositionMode.ONE_WAY)
    assert event.balances == {"USDT": Decimal(1000), "BTC": Decimal("-0.5")}
    assert event.positions == (
        PositionChange(
            "BTCUSDT",
            Side.BOTH,
            Decimal("0.5"),
            Decimal(60000),
            MarginType.ISOLATED,
            isolated_wallet=Decimal(-3),
            leverage=Decimal(20),
        ),
    )
    assert event.open_order_initial_margin == {"cross:USD": Decimal(5), "isolated:xyz:A:long": Decimal(0)}
    assert event.net_transfers == {"USDT": Decimal(-2000)}
    assert event.settings is not None
    assert event.settings.raw == SETTINGS
    assert event.settings.bracket_multiplier == {"BTCUSDT": Decimal(4)}
    assert event.settings.leverage == {"xyz:A": Decimal(20)}


def test_a_field_left_out_of_a_position_is_absent() -> None:
    """A named position states only what it names; its side is `both` where it names none."""
    event = read(BARE | {"positions": [{"symbol": "A"}, {"symbol": "A", "side": "long", "quantity": "-0"}]})
    first, second = event.positions or ()
    assert first == PositionChange("A", Side.BOTH)
    assert first.quantity is ABSENT
    assert (second.side, str(second.quantity)) == (Side.LONG, "0")


@pytest.mark.parametrize("part", ["balances", "positions", "settings", "net_transfers", "open_order_initial_margin"])
def test_an_empty_part_is_stated(part: str) -> None:
    """An empty part is good, and is not the same as none."""
    event = read(BARE | {part: [] if part == "positions" else {}})
    assert getattr(event, part) is not None


def test_words_and_amounts_may_be_levels() -> None:
    """A limit may be one amount or one per sector, a rule on correlations one level or several, labels a list."""
    settings = {
        "concentration_limit": "0.5",
        "correlation_spike": 1,
        "hedge_decorrelation": {"levels": ["0.1"]},
        "labels": ["a", "b"],
    }
    event = read(BARE | {"settings": settings})
    assert event.settings is not None
    assert event.settings.raw == settings


def test_the_facts_follow_from_the_message() -> None:
    """A decoded snapshot and a decoded change give the account they describe."""
    account = after(read(ACCOUNT), None)
    changed = after(read(BARE | {"version": 18, "positions": [{"symbol": "BTCUSDT", "quantity": "1"}]}), account)
    assert changed.positions["BTCUSDT", Side.BOTH].quantity == 1
    assert changed.positions["BTCUSDT", Side.BOTH].isolated_wallet == -3
