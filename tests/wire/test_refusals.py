"""Tests of what is refused: every kind of bad message with its code and place."""

from __future__ import annotations

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
    *(("instrument", name) for name in ("symbol", "status", "contract", "settle_asset", "brackets")),
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


TABLE = [
    ("prices", "mark_price", "0", Code.OUT_OF_RANGE),
    ("prices", "mark_price", "-5", Code.OUT_OF_RANGE),
    ("prices", "mark_price", "nan", Code.BAD_AMOUNT),
    ("prices", "mark_price", 61000.5, Code.WRONG_TYPE),
    ("prices", "mark_price", True, Code.WRONG_TYPE),
    ("prices", "mark_price", "1e5", Code.BAD_AMOUNT),
    ("prices", "mark_price", 10**31, Code.BAD_AMOUNT),
    ("prices", "index_price", "0", Code.OUT_OF_RANGE),
    ("prices", "index_price", "x", Code.BAD_AMOUNT),
    ("prices", "funding_rate", "x", Code.BAD_AMOUNT),
    ("prices", "funding_rate", 0.1, Code.WRONG_TYPE),
    ("prices", "next_funding_time_ms", -1, Code.OUT_OF_RANGE),
    ("prices", "event_time_ms", -1, Code.OUT_OF_RANGE),
    ("prices", "event_time_ms", 2**63, Code.OUT_OF_RANGE),
    ("prices", "event_time_ms", 2**64, Code.OUT_OF_RANGE),
    ("prices", "event_time_ms", 10**40, Code.OUT_OF_RANGE),
    ("prices", "event_time_ms", "1", Code.WRONG_TYPE),
    ("prices", "event_time_ms", 1.0, Code.WRONG_TYPE),
    ("prices", "event_time_ms", True, Code.WRONG_TYPE),
    ("prices", "symbol", "", Code.BAD_ID),
    ("prices", "symbol", "A|B", Code.BAD_ID),
    ("prices", "symbol", "A\n", Code.BAD_ID),
    ("prices", "symbol", 5, Code.WRONG_TYPE),
    ("account", "account_id", "other", Code.WRONG_KEY),
    ("account", "account_id", 5, Code.WRONG_TYPE),
    ("account", "account_id", "", Code.BAD_ID),
    ("account", "version", -1, Code.OUT_OF_RANGE),
    ("account", "version", "x", Code.WRONG_TYPE),
    ("account", "version", False, Code.WRONG_TYPE),
    ("account", "epoch", 2**63, Code.OUT_OF_RANGE),
    ("account", "snapshot", 1, Code.WRONG_TYPE),
    ("account", "deleted", "true", Code.WRONG_TYPE),
    ("account", "margin_mode", "crossed", Code.BAD_VALUE),
    ("account", "position_mode", "both", Code.BAD_VALUE),
    ("account", "balances", [], Code.WRONG_TYPE),
    ("account", "balances.USDT", 1.5, Code.WRONG_TYPE),
    ("account", "balances.USDT", "1e999999", Code.BAD_AMOUNT),
    ("account", "balances.USDT", None, Code.WRONG_TYPE),
    ("account", "balances.A|B", "1", Code.BAD_ID),
    ("account", "net_transfers.USDT", "--1", Code.BAD_AMOUNT),
    ("account", "open_order_initial_margin.USDT", "1", Code.BAD_ID),
    ("account", "open_order_initial_margin.portfolio", 0.5, Code.WRONG_TYPE),
    ("account", "positions", {}, Code.WRONG_TYPE),
    ("account", "positions.0", "x", Code.WRONG_TYPE),
    ("account", "positions.0.symbol", "", Code.BAD_ID),
    ("account", "positions.0.side", "buy", Code.BAD_VALUE),
    ("account", "positions.0.side", None, Code.WRONG_TYPE),
    ("account", "positions.0.quantity", "NaN", Code.BAD_AMOUNT),
    ("account", "positions.0.quantity", 0.5, Code.WRONG_TYPE),
    ("account", "positions.0.entry_price", "Infinity", Code.BAD_AMOUNT),
    ("account", "positions.0.margin_type", "crossed", Code.BAD_VALUE),
    ("account", "positions.0.isolated_wallet", "", Code.BAD_AMOUNT),
    ("account", "positions.0.leverage", "0", Code.OUT_OF_RANGE),
    ("account", "positions.0.leverage", None, Code.WRONG_TYPE),
    ("account", "positions.0.unrealized_pnl", "0", Code.UNKNOWN_FIELD),
    ("account", "settings.unheard_of", "0", Code.UNKNOWN_FIELD),
    ("account", "settings.vip_level", "2", Code.WRONG_TYPE),
    ("account", "settings.vip_level", -1, Code.OUT_OF_RANGE),
    ("account", "settings.portfolio_enabled", "yes", Code.WRONG_TYPE),
    ("account", "settings.bracket_multiplier.BTCUSDT", "0", Code.OUT_OF_RANGE),
    ("account", "settings.bracket_multiplier.BTCUSDT", 1.5, Code.WRONG_TYPE),
    ("account", "settings.leverage.BTCUSDT", "-1", Code.OUT_OF_RANGE),
    ("account", "settings.drawdown_profile", "wild", Code.BAD_VALUE),
    ("account", "settings.drawdown_stops", [], Code.OUT_OF_RANGE),
    ("account", "settings.drawdown_stops.1", "x", Code.BAD_AMOUNT),
    ("account", "settings.reference_equity", "0", Code.OUT_OF_RANGE),
    ("account", "settings.account_limit", 0.8, Code.WRONG_TYPE),
    ("account", "settings.concentration_limit", 0.8, Code.WRONG_TYPE),
    ("account", "settings.concentration_limit.layer1", 0.8, Code.WRONG_TYPE),
    ("account", "settings.concentration_limit.layer1", "x", Code.BAD_AMOUNT),
    ("account", "settings.correlation_spike.levels.0", "x", Code.BAD_AMOUNT),
    ("account", "settings.correlation_spike.window_ms", "x", Code.WRONG_TYPE),
    ("account", "settings.volume_30d", "-1", Code.OUT_OF_RANGE),
    ("account", "settings.labels.desk", 7, Code.WRONG_TYPE),
    ("account", "settings.labels", "desk", Code.WRONG_TYPE),
    ("instrument", "symbol", "ETHUSDT", Code.WRONG_KEY),
    ("instrument", "contract", "quanto", Code.BAD_VALUE),
    ("instrument", "status", "halted", Code.BAD_VALUE),
    ("instrument", "maintenance_basis", "last", Code.BAD_VALUE),
    ("instrument", "settle_asset", "A|B", Code.BAD_ID),
    ("instrument", "base_asset", "", Code.BAD_ID),
    ("instrument", "contract_size", "0", Code.OUT_OF_RANGE),
    ("instrument", "tick_size", "-1", Code.OUT_OF_RANGE),
    ("instrument", "closing_fee_rate", "1.01", Code.OUT_OF_RANGE),
    ("instrument", "liquidation_fee_rate", "x", Code.BAD_AMOUNT),
    ("instrument", "confirm", "true", Code.WRONG_TYPE),
    ("instrument", "brackets", [], Code.BAD_BRACKETS),
    ("instrument", "brackets.0.floor", "1", Code.BAD_BRACKETS),
    ("instrument", "brackets.1.floor", "0", Code.BAD_BRACKETS),
    ("instrument", "brackets.1.rate", "1.1", Code.BAD_BRACKETS),
    ("instrument", "brackets.1.rate", "-0.1", Code.BAD_BRACKETS),
    ("instrument", "brackets.1.rate", 0.005, Code.WRONG_TYPE),
    ("instrument", "brackets.1.deduction", "250.01", Code.BAD_BRACKETS),
    ("instrument", "brackets.1.max_leverage", "0", Code.BAD_BRACKETS),
    ("instrument", "brackets.0.floor", "x", Code.BAD_AMOUNT),
    ("instrument", "brackets.0.cap", "1", Code.UNKNOWN_FIELD),
    ("asset", "asset", "USDC", Code.WRONG_KEY),
    ("asset", "index_price", "0", Code.OUT_OF_RANGE),
    ("asset", "bid_buffer", "1.01", Code.OUT_OF_RANGE),
    ("asset", "ask_buffer", "-0.1", Code.OUT_OF_RANGE),
    ("asset", "collateral_ratio", "2", Code.OUT_OF_RANGE),
    ("asset", "index_symbol", "", Code.BAD_ID),
    ("asset", "margin_available", "no", Code.WRONG_TYPE),
    ("asset", "event_time_ms", -1, Code.OUT_OF_RANGE),
    ("fund", "fund", "other", Code.WRONG_KEY),
    ("fund", "asset", "", Code.BAD_ID),
    ("fund", "balance", 1.5, Code.WRONG_TYPE),
    ("fund", "symbols.0", "", Code.BAD_ID),
    ("document", "ladder.liquidation", None, Code.WRONG_TYPE),
    ("document", "ladder.watch", 1.5, Code.WRONG_TYPE),
    ("document", "ladder.liquidation", "1.2", Code.BAD_LADDER),
    ("document", "ladder.watch", "0", Code.OUT_OF_RANGE),
    ("document", "ladder.hysteresis", "1/0", Code.BAD_AMOUNT),
    ("document", "ladder.hysteresis", "0.2", Code.BAD_LADDER),
    ("document", "ladder.isolated.critical", "1.2", Code.BAD_LADDER),
    ("document", "ladder.convention", "equity", Code.BAD_VALUE),
    ("document", "ladder.watchful", "1", Code.UNKNOWN_FIELD),
    ("document", "instruments.BTCUSDT.brackets.0.rate", 0.1, Code.WRONG_TYPE),
    ("document", "assets.USDT.index_price", "0", Code.OUT_OF_RANGE),
    ("document", "usd_assets.0", "", Code.BAD_ID),
    ("document", "prices.BTCUSDT.mark_price", "0", Code.OUT_OF_RANGE),
    ("document", "accounts.0.version", 1, Code.UNKNOWN_FIELD),
    ("document", "accounts.0.positions.0.entry_price", "0", Code.CONTRADICTION),
    ("document", "accounts.0.positions.0.quantity", -0.5, Code.WRONG_TYPE),
]


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
