"""Tests of what is refused: every kind of bad message with its code and place."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from monitor.adapters.wire import (
    BadMessage,
    Code,
    decode_account_event,
    decode_asset,
    decode_document,
    decode_instrument,
    decode_insurance_fund,
    decode_prices,
)
from tests.hostile.mutation import bent
from tests.wire.bad_values import TABLE
from tests.wire.samples import (
    ACCOUNT,
    ASSET,
    DOCUMENT,
    FUND,
    INSTRUMENT,
    LIMITS,
    POSITION,
    PRICE,
    but,
    refusal,
    text,
    without,
)

DECODERS = {
    "prices": lambda value: decode_prices(value, LIMITS),
    "account": lambda value: decode_account_event(value, b"a|1", LIMITS),
    "instrument": lambda value: decode_instrument(value, b"BTCUSDT", LIMITS),
    "asset": lambda value: decode_asset(value, b"USDT", LIMITS),
    "fund": lambda value: decode_insurance_fund(value, b"main", LIMITS),
    "document": lambda value: decode_document(value, LIMITS),
}
GOOD: dict[str, dict[str, Any]] = {
    "prices": PRICE,
    "account": ACCOUNT,
    "instrument": INSTRUMENT,
    "asset": ASSET,
    "fund": FUND,
    "document": DOCUMENT,
}

NOT_JSON = [
    (b"", Code.EMPTY),
    (b"{", Code.MALFORMED_JSON),
    (b"nul", Code.MALFORMED_JSON),
    (b"{} {}", None),
    (b"\xef\xbb\xbf{}", Code.MALFORMED_JSON),
    (b"\xff\xfe\x00", Code.MALFORMED_JSON),
    (b'"\xc3\x28"', None),
    (b"[" * 5000, None),
    (b'{"a":' * 5000, None),
    (b'{"symbol":"\\ud800","mark_price":"1","event_time_ms":1}', None),
    (b'{"account_id":"\xed\xa0\x80"}', None),
    (b"NaN", Code.MALFORMED_JSON),
    (b"1", Code.WRONG_TYPE),
    (b"true", Code.WRONG_TYPE),
    (b'"text"', Code.WRONG_TYPE),
    (b"9" * 5000, None),
]


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(("value", "code"), NOT_JSON)
def test_what_is_no_message_at_all_is_refused(name: str, value: bytes, code: Code | None) -> None:
    """Text that is not JSON, and JSON of another type, is refused by every decoder, never with another exception."""
    found, path = refusal(lambda: DECODERS[name](value))
    assert found is code or (code is None and path.startswith("$"))


@pytest.mark.parametrize("name", DECODERS)
def test_the_samples_are_good(name: str) -> None:
    """Each sample is taken: what the tables below refuse is refused for the one thing that is changed."""
    DECODERS[name](text(GOOD[name]))


@pytest.mark.parametrize("name", DECODERS)
def test_unknown_fields_are_refused_everywhere(name: str) -> None:
    """A field that a message does not have is refused by name."""
    assert refusal(lambda: DECODERS[name](text(GOOD[name] | {"extra": 1}))) == (Code.UNKNOWN_FIELD, "$.extra")


@pytest.mark.parametrize("name", DECODERS)
def test_a_key_stated_twice_is_refused(name: str) -> None:
    """Two readers could take different values from a message that states a key twice."""
    twice = text(GOOD[name])[:-1] + b"," + text(GOOD[name])[1:]
    assert refusal(lambda: DECODERS[name](twice))[0] is Code.DUPLICATE_KEY


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b'{"symbol":"A","mark_price":"1","event_time_ms":1,"mark_price":"2"}', "$.mark_price"),
        (b'{"symbol" : "A", "mark_price"\t:"1","event_time_ms":1,"symbol":"A"}', "$.symbol"),
        (b'{"symbol":"A:\\u003a","mark_price":"1","mark_price":"1","event_time_ms":1}', "$.mark_price"),
        (b'{"symbol":"A","mark_price":"1","mark\\u005fprice":"1","event_time_ms":1}', "$.mark_price"),
    ],
)
def test_duplicates_are_found_however_they_are_written(value: bytes, path: str) -> None:
    """Spaces and escapes do not hide a key that is stated twice."""
    assert refusal(lambda: decode_prices(value, LIMITS)) == (Code.DUPLICATE_KEY, path)


def test_a_duplicate_deep_inside_is_named() -> None:
    """The path leads to the object that states a key twice."""
    value = (
        b'{"account_id":"a|1","version":1,"event_time_ms":1,"positions":[{"symbol":"A"},{"symbol":"A","symbol":"B"}]}'
    )
    assert refusal(lambda: DECODERS["account"](value)) == (Code.DUPLICATE_KEY, "$.positions[1].symbol")


def test_escaped_colons_are_no_duplicates() -> None:
    """A message without duplicates is taken also when its text holds colons and escapes."""
    value = b'{"symbol":"A:\\u003a:\\"","mark_price":"1","event_time_ms":1}'
    assert decode_prices(value, LIMITS).prices[0].symbol == 'A:::"'


REQUIRED = [
    *(("prices", name) for name in PRICE),
    *(("account", name) for name in ("account_id", "version", "event_time_ms")),
    *(("instrument", name) for name in ("symbol", "contract", "settle_asset", "brackets")),
    *(("asset", name) for name in ("asset", "event_time_ms", "index_price")),
    *(("fund", name) for name in ("fund", "asset", "balance", "event_time_ms")),
    ("document", "accounts"),
]


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_required_fields_are_missed(name: str, field: str) -> None:
    """A message without a field it needs is refused, the field named."""
    assert refusal(lambda: DECODERS[name](text(without(GOOD[name], field)))) == (Code.MISSING_FIELD, f"$.{field}")


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, good in GOOD.items() for field in good])
def test_null_is_no_value(name: str, field: str) -> None:
    """A field is stated or left out: null is a wrong type in every message."""
    assert refusal(lambda: DECODERS[name](text(but(GOOD[name], field, None)))) == (Code.WRONG_TYPE, f"$.{field}")


def path_of(field: str) -> str:
    """Return a field of the table as the path of a refusal."""
    steps = "".join(
        f"[{step}]" if step.isdigit() else f".{step}" if step.isidentifier() else f'["{step}"]'
        for step in field.split(".")
    )
    return f"${steps}"


@pytest.mark.parametrize(("name", "field", "value", "code"), TABLE)
def test_bad_values_are_refused_where_they_stand(name: str, field: str, value: object, code: Code) -> None:
    """One bad value makes a refusal with its code, and the path leads to it."""
    assert refusal(lambda: DECODERS[name](text(but(GOOD[name], field, value)))) == (code, path_of(field))


@pytest.mark.parametrize("key", [None, b"", b"A|1", b"a|1 ", b"\xff"])
def test_the_key_is_the_account(key: bytes | None) -> None:
    """An account event under another key, or none, is refused."""
    assert refusal(lambda: decode_account_event(text(ACCOUNT), key, LIMITS)) == (Code.WRONG_KEY, "$.account_id")


def test_a_required_amount_that_is_missing_inside_is_named() -> None:
    """A document's position needs a quantity, an entry price, and a wallet when it is isolated."""
    for field in ("quantity", "entry_price", "isolated_wallet"):
        bad = but(DOCUMENT, "accounts.0.positions", [without(POSITION, field)])
        found = refusal(lambda bad=bad: DECODERS["document"](text(bad)))
        assert found == (Code.MISSING_FIELD, f"$.accounts[0].positions[0].{field}")


def test_facts_that_cannot_be_true_together_are_refused() -> None:
    """A sign against its side, a leg twice, and a side that the position mode does not have are contradictions."""
    for positions, path in (
        ([POSITION | {"side": "short"}], "$.accounts[0].positions[0].quantity"),
        ([POSITION, POSITION | {"margin_type": "cross"}], "$.accounts[0].positions[1]"),
        ([POSITION | {"side": "long"}], "$.accounts[0].positions"),
    ):
        bad = text(but(DOCUMENT, "accounts.0.positions", positions))
        assert refusal(lambda bad=bad: DECODERS["document"](bad)) == (Code.CONTRADICTION, path)


def test_an_account_stands_once_in_a_document() -> None:
    """Two accounts of one id are a contradiction: their reports could not be told apart."""
    bad = text(DOCUMENT | {"accounts": [{"account_id": "a"}, {"account_id": "b"}, {"account_id": "a"}]})
    assert refusal(lambda: DECODERS["document"](bad)) == (Code.CONTRADICTION, "$.accounts[2].account_id")


def test_long_names_make_short_messages() -> None:
    """What goes into headers and on the screen stays short, however long the unknown field is."""
    with pytest.raises(BadMessage) as caught:
        decode_prices(text(PRICE | {"x" * 400_000: 1}), LIMITS)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", DECODERS)
def test_a_refusal_says_little(name: str) -> None:
    """However long what is bent into a message: it is taken, or refused with a code, a short place and few words.

    What is to be refused is known to the oracle in `tests/hostile`.
    """
    random, refusals = Random(1), []
    for _ in range(800):
        try:
            DECODERS[name](bent(random, GOOD[name]))
        except BadMessage as bad:
            refusals.append(bad)
    assert len(refusals) > 400
    assert all(isinstance(bad.code, Code) and bad.path.startswith("$") for bad in refusals)
    assert max(len(bad.path) for bad in refusals) < 1000
    assert all(0 < len(bad.message) <= 300 for bad in refusals)
    with pytest.raises(BadMessage) as caught:
        DECODERS["account"](text(ACCOUNT | {"margin_mode": "k" * 10_000}))
    assert len(caught.value.message) <= 300
