"""Tests of what no decoder may ever do: raise anything but a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.wire.samples import ACCOUNT, ASSET, DOCUMENT, FUND, INSTRUMENT, LIMITS, PRICE

Decode = Callable[[bytes, bytes], object]

DECODERS: dict[str, tuple[Decode, object, bytes]] = {
    "prices": (lambda value, _: decode_prices(value, LIMITS), [PRICE, PRICE | {"index_price": "1"}], b""),
    "account": (lambda value, key: decode_account_event(value, key, LIMITS), ACCOUNT, b"a|1"),
    "instrument": (lambda value, key: decode_instrument(value, key, LIMITS), INSTRUMENT, b"BTCUSDT"),
    "asset": (lambda value, key: decode_asset(value, key, LIMITS), ASSET, b"USDT"),
    "fund": (lambda value, key: decode_insurance_fund(value, key, LIMITS), FUND, b"main"),
    "document": (lambda value, _: decode_document(value, LIMITS), DOCUMENT, b""),
}

LEAVES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["", "0", "-0", "1e5", "NaN", "-1", "9" * 70, "1/0", "2/3", "long", "cross:A", "isolated:A:both"])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


def holds(name: str, value: bytes, key: bytes | None = None) -> None:
    """Require that a decoder takes a value or refuses it with code, path and message."""
    bad = refused(name, value, key)
    if bad is not None:
        assert isinstance(bad.code, Code)
        assert bad.path.startswith("$")
        assert 0 < len(bad.message) <= 300
        assert len(bad.path) < 1000


def refused(name: str, value: bytes, key: bytes | None) -> BadMessage | None:
    """Return the refusal of a value, None when it is taken."""
    decode, _, own_key = DECODERS[name]
    try:
        decode(value, own_key if key is None else key)
    except BadMessage as bad:
        return bad
    return None


def changed(data: st.DataObject, node: Any) -> Any:
    """Return a message with one thing changed anywhere inside: a value, a name, something lost or added."""
    deeper = isinstance(node, (dict, list)) and bool(node) and data.draw(st.integers(0, 4)) > 0
    if not deeper:
        return data.draw(VALUES)
    copy = node.copy()
    place: Any = (
        data.draw(st.sampled_from(sorted(copy))) if isinstance(copy, dict) else data.draw(st.integers(0, len(copy) - 1))
    )
    what = data.draw(st.sampled_from(["inside", "inside", "inside", "lose", "add"]))
    if what == "inside":
        copy[place] = changed(data, copy[place])
    elif what == "lose":
        del copy[place]
    elif isinstance(copy, dict):
        copy[data.draw(st.text(max_size=8))] = data.draw(VALUES)
    else:
        copy.append(data.draw(VALUES))
    return copy


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=150)
@given(value=st.binary(max_size=200), key=st.binary(max_size=5))
def test_random_bytes(name: str, value: bytes, key: bytes) -> None:
    """Random bytes are refused, never anything else."""
    holds(name, value, key)


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=150)
@given(data=st.data())
def test_damaged_messages(name: str, data: st.DataObject) -> None:
    """A good message with bytes cut out, doubled or replaced is taken or refused."""
    value = json.dumps(DECODERS[name][1]).encode()
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, min(len(value), start + 30)))
    put = data.draw(
        st.binary(max_size=6) | st.sampled_from([value[start:end] * 2, b"\\ud800", b"[" * 3000, b'"', b","])
    )
    holds(name, value[:start] + put + value[end:])


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=250)
@given(data=st.data())
def test_changed_messages(name: str, data: st.DataObject) -> None:
    """A good message with one value, name or part changed is taken or refused, NaN and huge numbers included."""
    message = changed(data, DECODERS[name][1])
    holds(name, json.dumps(message, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(value=VALUES)
def test_any_json_is_no_surprise(value: Any) -> None:
    """Any JSON value at all is taken or refused by every decoder."""
    for name in DECODERS:
        holds(name, json.dumps(value).encode())
