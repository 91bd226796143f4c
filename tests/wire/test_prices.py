"""Tests of price messages: one object, and arrays whose bad elements are refused alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.adapters.wire import Code, decode_prices
from monitor.core.prices import PriceUpdate
from tests.wire.samples import LIMITS, PRICE, refusal, text, without


def test_one_object_states_one_price() -> None:
    """Every field of a price message arrives; those it does not state are None."""
    full = PRICE | {"index_price": 60990, "funding_rate": "-0.0001", "next_funding_time_ms": 1723161600000}
    good = PriceUpdate("BTCUSDT", Decimal("61000.5"), Decimal(60990), Decimal("-0.0001"), 1723161600000, 1723161599123)
    assert decode_prices(text(full), LIMITS).prices == (good,)
    bare = decode_prices(text(PRICE), LIMITS)
    assert bare.prices == (PriceUpdate("BTCUSDT", Decimal("61000.5"), None, None, None, 1723161599123),)
    assert bare.rejected == ()


def test_an_array_keeps_its_order() -> None:
    """All elements of a good array take effect, in their order, also two of one symbol."""
    symbols = ["B", "A", "C", "A"]
    message = decode_prices(text([PRICE | {"symbol": symbol} for symbol in symbols]), LIMITS)
    assert [update.symbol for update in message.prices] == symbols
    assert message.rejected == ()


def test_only_the_bad_elements_are_refused() -> None:
    """Each bad element is named by its place, the others take effect."""
    elements = [
        PRICE | {"symbol": "A"},
        PRICE | {"mark_price": "0"},
        PRICE | {"symbol": "B"},
        PRICE | {"index_price": "-1"},
        PRICE | {"extra": 1},
        without(PRICE, "mark_price"),
        PRICE | {"mark_price": 1.5},
        7,
        [],
        None,
        PRICE | {"symbol": "C|"},
        PRICE | {"symbol": "C"},
    ]
    message = decode_prices(text(elements), LIMITS)
    assert [update.symbol for update in message.prices] == ["A", "B", "C"]
    assert [(element.path, element.code) for element in message.rejected] == [
        ("[1].mark_price", Code.OUT_OF_RANGE),
        ("[3].index_price", Code.OUT_OF_RANGE),
        ("[4].extra", Code.UNKNOWN_FIELD),
        ("[5].mark_price", Code.MISSING_FIELD),
        ("[6].mark_price", Code.WRONG_TYPE),
        ("[7]", Code.WRONG_TYPE),
        ("[8]", Code.WRONG_TYPE),
        ("[9]", Code.WRONG_TYPE),
        ("[10].symbol", Code.BAD_ID),
    ]
    assert all(element.message for element in message.rejected)


def test_all_elements_may_be_bad() -> None:
    """An array of bad elements states no price, but each of them has its own reason."""
    message = decode_prices(b" [1, 2]", LIMITS)
    assert message.prices == ()
    assert [element.path for element in message.rejected] == ["[0]", "[1]"]


def test_a_duplicate_key_refuses_its_element_alone() -> None:
    """A key stated twice in one element leaves the others standing."""
    good, bad = text(PRICE), b'{"symbol":"A","symbol":"B","mark_price":"1","event_time_ms":1}'
    message = decode_prices(b"[" + good + b"," + bad + b"]", LIMITS)
    assert [update.symbol for update in message.prices] == ["BTCUSDT"]
    assert [(element.path, element.code) for element in message.rejected] == [("[1].symbol", Code.DUPLICATE_KEY)]


@pytest.mark.parametrize(
    "value",
    [
        b"[" + text(PRICE),
        b"[" + text(PRICE) + b",]",
        b"[" + text(PRICE) + b"] x",
        b"[" + text(PRICE) + b', {"symbol":"\xff"}]',
        b"[" + text(PRICE) + b"," + b"[" * 5000 + b"]" * 5000 + b"]",
    ],
)
def test_an_array_that_is_not_json_is_refused_as_a_whole(value: bytes) -> None:
    """Where the text is broken no element of it can be trusted."""
    assert refusal(lambda: decode_prices(value, LIMITS)) == (Code.MALFORMED_JSON, "$")


@pytest.mark.parametrize("value", [b"[]", b" [ ] ", b"", None])
def test_a_message_that_states_nothing_is_refused(value: bytes | None) -> None:
    """An empty array, an empty value and no value at all are bad messages."""
    assert refusal(lambda: decode_prices(value, LIMITS)) == (Code.EMPTY, "$")
