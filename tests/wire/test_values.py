"""Tests of single values on the wire: amounts and names."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.adapters.wire.faults import BadMessage, Code, segment
from monitor.adapters.wire.values import amount, check_id, check_name
from monitor.core.amounts import BadAmount, parse_amount

NEARLY = st.text(alphabet="0123456789.-+eE_ Nan١", max_size=40)
PLAIN = st.from_regex(r"-?[0-9]{1,34}(\.[0-9]{1,34})?", fullmatch=True)


def outcome(read: object, value: str | int) -> object:
    """Return the number, or the word `refused`."""
    try:
        return read(value)  # type: ignore[operator]  # a reader
    except BadAmount:
        return "refused"


@given(NEARLY | PLAIN | st.integers() | st.text(max_size=200))
@example("-")
@example("")
@example(".5")
@example("5.")
@example("-.5")
@example("1.2.3")
@example("1-2")
@example("--1")
@example("-0")
@example("000.000")
@example("1_000")
@example("٣")
@example("9" * 30)
@example("1" + "0" * 30)
@example("0." + "0" * 27 + "1")
def test_the_short_way_reads_what_the_core_reads(value: str | int) -> None:
    """An amount on the wire is the core's amount, refused where the core refuses it, minus zero included."""
    fast, slow = outcome(lambda given: amount(given, 64), value), outcome(parse_amount, value)
    assert fast == slow
    assert str(fast) == str(slow)


@pytest.mark.parametrize(
    "value",
    ["1" * 30, "9" * 31, "-" + "9" * 30, "1" + "0" * 30, 10**30, "0." + "0" * 29 + "1", "1." + "1" * 63, "-0.5", "007"],
)
def test_amounts_up_to_the_limits_are_taken(value: str | int) -> None:
    """64 significant digits and a magnitude within 1e-30 … 1e30 are taken, exactly."""
    if value == "9" * 31:
        with pytest.raises(BadAmount):
            amount(value, 64)
    else:
        assert amount(value, 64) == Decimal(value)


@pytest.mark.parametrize(
    "value",
    [
        "1." + "1" * 64,
        "1" + "0" * 29 + "1",
        "1" + "0" * 30 + ".1",
        10**30 + 1,
        -(10**30) - 1,
        "0." + "0" * 30 + "1",
        "1e5",
        "NaN",
        "Infinity",
        "-inf",
        "+1",
        " 1",
        "1 ",
        "1,5",
        "0x1",
        "",
    ],
)
def test_amounts_beyond_the_limits_are_refused(value: str | int) -> None:
    """One digit or one unit beyond a limit, an exponent, a sign or a space too many is refused."""
    with pytest.raises(BadAmount):
        amount(value, 64)


def test_fewer_digits_can_be_configured() -> None:
    """`limits.max_digits` counts significant digits, not characters."""
    assert amount("0.00012", 2) == Decimal("0.00012")
    assert amount("1200", 4) == Decimal(1200)
    with pytest.raises(BadAmount, match="more than 2"):
        amount("1.23", 2)


@pytest.mark.parametrize("name", ["A", "xyz:BTC", "é" * 128, "a" * 256, "with space", "\u2028", "名"])
def test_names_up_to_the_limit_are_taken(name: str) -> None:
    """A name may be any text of 1 to 256 bytes without control characters; a `:` is nothing special."""
    check_name("symbol", name, 256)
    check_id("account_id", name, 256)


@pytest.mark.parametrize("name", ["", "a" * 257, "é" * 129, "a\x00", "\x1f", "\x7f", "a\x85b"])
def test_names_beyond_the_limit_are_refused(name: str) -> None:
    """An empty or longer name and one with a control character is refused, as symbol and as account id."""
    for check in (check_name, check_id):
        with pytest.raises(BadMessage) as caught:
            check("there", name, 256)
        assert caught.value.code is Code.BAD_ID
        assert caught.value.path == "$.there"


def test_a_bar_is_for_account_ids_only() -> None:
    """The scope is what follows the last `|` of a status key: no symbol or asset may hold one."""
    check_id("account_id", "a|b", 256)
    with pytest.raises(BadMessage):
        check_name("symbol", "a|b", 256)


@pytest.mark.parametrize(
    ("name", "step"),
    [("USDT", "USDT"), ("xyz:A", '["xyz:A"]'), ("1INCH", '["1INCH"]'), ('a"b', '["a\\"b"]'), ("", '[""]')],
)
def test_keys_are_quoted_in_paths_where_they_must_be(name: str, step: str) -> None:
    """A key that is a plain word stands bare in a path, any other in brackets and quotes."""
    assert segment(name) == step


def test_long_keys_are_cut_in_paths() -> None:
    """A path goes into a header: a key of any length makes a short path."""
    assert len(segment("k" * 500_000)) < 100
