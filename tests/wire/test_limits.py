"""Tests of the limits of the contract, on both sides of each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from monitor.adapters.wire import Code, decode_account_event, decode_document, decode_instrument, decode_prices
from monitor.core.accounts import AccountEvent
from tests.wire.samples import DOCUMENT, INSTRUMENT, LIMITS, PRICE, but, refusal, text


def account(**parts: object) -> bytes:
    """Return an account message with these parts."""
    return text({"account_id": "a", "version": 1, "event_time_ms": 1, **parts})


def padded(value: bytes, length: int) -> bytes:
    """Return a message blown up to a length with spaces."""
    return value[:-1] + b" " * (length - len(value)) + value[-1:]


@pytest.mark.parametrize("most", [LIMITS.max_message_bytes, 2048])
def test_a_message_has_a_size(most: int) -> None:
    """A message of exactly the limit is taken, one byte more is refused, whatever the limit is set to."""
    limits = replace(LIMITS, max_message_bytes=most)
    assert decode_prices(padded(text(PRICE), most), limits).prices
    assert refusal(lambda: decode_prices(padded(text(PRICE), most + 1), limits)) == (Code.TOO_LARGE, "$")
    many = padded(text([PRICE, PRICE]), most + 1)
    assert refusal(lambda: decode_prices(many, limits)) == (Code.TOO_LARGE, "$")
    assert decode_account_event(padded(account(), most), b"a", limits).version == 1
    assert refusal(lambda: decode_account_event(padded(account(), most + 1), b"a", limits)) == (Code.TOO_LARGE, "$")


def test_a_document_may_be_larger_than_a_message() -> None:
    """The size limit is Kafka's concern: a document of many accounts has none."""
    assert decode_document(padded(text(DOCUMENT), LIMITS.max_message_bytes + 1), LIMITS).accounts


@pytest.mark.parametrize("most", [LIMITS.max_positions, 3])
def test_an_account_has_so_many_positions(most: int) -> None:
    """So many positions are taken, one more is refused, in a message and in a document."""
    limits = replace(LIMITS, max_positions=most)

    def positions(count: int) -> list[dict[str, str]]:
        return [{"symbol": f"S{n}", "quantity": "1", "entry_price": "1"} for n in range(count)]

    taken = decode_account_event(account(positions=positions(most)), b"a", limits).positions
    assert taken is not None
    assert len(taken) == most
    refused = account(positions=positions(most + 1))
    assert refusal(lambda: decode_account_event(refused, b"a", limits)) == (Code.TOO_MANY, "$.positions")
    document = text(but(DOCUMENT, "accounts.0.positions", positions(most + 1)))
    assert refusal(lambda: decode_document(document, limits)) == (Code.TOO_MANY, "$.accounts[0].positions")


@pytest.mark.parametrize("field", ["balances", "net_transfers"])
def test_an_account_has_so_many_balances(field: str) -> None:
    """So many balances are taken, one more is refused."""
    limits = replace(LIMITS, max_balances=4)
    good, bad = ({f"A{n}": "1" for n in range(count)} for count in (4, 5))
    decode_account_event(account(**{field: good}), b"a", limits)
    assert refusal(lambda: decode_account_event(account(**{field: bad}), b"a", limits)) == (
        Code.TOO_MANY,
        f"$.{field}",
    )


def test_an_instrument_has_so_many_brackets() -> None:
    """16 brackets are taken, 17 are refused."""

    def brackets(count: int) -> bytes:
        rows = [{"floor": str(n * 1000), "rate": f"0.0{n + 10}"} for n in range(count)]
        return text(INSTRUMENT | {"brackets": rows})

    message = decode_instrument(brackets(16), b"BTCUSDT", LIMITS)
    assert message.instrument is not None
    assert len(message.instrument.tiers) == 16
    assert refusal(lambda: decode_instrument(brackets(17), b"BTCUSDT", LIMITS)) == (Code.TOO_MANY, "$.brackets")


@pytest.mark.parametrize("name", ["é" * 128, "a" * 256])
def test_ids_have_so_many_bytes(name: str) -> None:
    """An id of 256 bytes of UTF-8 is taken, one of 257 is refused."""
    assert read_account(name).account_id == name
    assert decode_prices(text(PRICE | {"symbol": name}), LIMITS).prices[0].symbol == name
    assert refusal(lambda: read_account(name + "a")) == (Code.BAD_ID, "$.account_id")
    price = text(PRICE | {"symbol": name + "a"})
    assert refusal(lambda: decode_prices(price, LIMITS)) == (Code.BAD_ID, "$.symbol")


def read_account(identity: str) -> AccountEvent:
    """Return the event of an account of this name."""
    body = json.dumps({"account_id": identity, "version": 1, "event_time_ms": 1}, ensure_ascii=False)
    return decode_account_event(body.encode(), identity.encode(), LIMITS)


@pytest.mark.parametrize("field", ["version", "event_time_ms", "epoch"])
def test_whole_numbers_are_those_of_64_bits(field: str) -> None:
    """0 and 2^63 − 1 are taken; one less and one more is refused."""
    for good in (0, 2**63 - 1):
        event = decode_account_event(account(**{field: good}), b"a", LIMITS)
        assert getattr(event, field) == good
    for bad in (-1, 2**63):
        found = refusal(lambda bad=bad: decode_account_event(account(**{field: bad}), b"a", LIMITS))
        assert found == (Code.OUT_OF_RANGE, f"$.{field}")


def test_amounts_have_so_many_digits() -> None:
    """64 significant digits are taken, 65 are refused, in every message."""
    digits = "1." + "2" * 63
    assert str(decode_prices(text(PRICE | {"mark_price": digits}), LIMITS).prices[0].mark_price) == digits
    found = refusal(lambda: decode_prices(text(PRICE | {"mark_price": digits + "2"}), LIMITS))
    assert found == (Code.BAD_AMOUNT, "$.mark_price")
