"""Price messages: one object, or an array whose bad elements are refused alone.

What a price may be on its own is checked here; whether it is late, ahead of time or an outlier is not.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import UNSET

from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.shapes import PriceBody
from monitor.adapters.wire.values import amount_at, check_name, positive_at
from monitor.core.limits import Limits
from monitor.core.prices import PriceUpdate

_whole: Reader[PriceBody | list[PriceBody]] = Reader(PriceBody | list[PriceBody])
_one: Reader[PriceBody] = Reader(PriceBody)
_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode


class RejectedElement(NamedTuple):
    """Name one element of an array that is refused alone: `path` begins at the array, like `[3].mark_price`."""

    path: str
    code: Code
    message: str


class PriceMessage(NamedTuple):
    """Hold the good prices of one message, which take effect together, and what was refused of it."""

    prices: tuple[PriceUpdate, ...]
    rejected: tuple[RejectedElement, ...] = ()


def decode_prices(value: bytes | None, limits: Limits) -> PriceMessage:
    """Return what a price message states.

    Raises `BadMessage` for one bad object, for text that is not JSON, and for an empty array (it states nothing). In an
    array only the bad elements are refused; all of them may be.
    """
    try:
        body = _whole.read(value, limits.max_message_bytes)
        if isinstance(body, PriceBody):
            return PriceMessage((_update(body, limits),))
        if body:
            return PriceMessage(tuple([_update(element, limits) for element in body]))
    except BadMessage as bad:
        if value is None or bad.code in _OF_THE_WHOLE or value.lstrip()[:1] != b"[":
            raise
        return _one_by_one(value, limits)
    raise BadMessage(Code.EMPTY, "", "an empty array states nothing")


_OF_THE_WHOLE = (Code.EMPTY, Code.TOO_LARGE)


def _one_by_one(value: bytes, limits: Limits) -> PriceMessage:
    """Return the good elements of an array that holds a bad one."""
    prices: list[PriceUpdate] = []
    rejected: list[RejectedElement] = []
    for index, element in enumerate(_split(value)):
        try:
            prices.append(_update(_one.read(element), limits))
        except BadMessage as bad:
            outer = bad.under(f"[{index}]")
            rejected.append(RejectedElement(outer.inside, outer.code, outer.message))
    return PriceMessage(tuple(prices), tuple(rejected))


def _split(value: bytes) -> list[bytes]:
    """Return the elements of an array, unread. The whole must be UTF-8 and JSON, or it is refused as a whole."""
    try:
        value.decode()
        return [bytes(element) for element in _raw(value)]
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadMessage(Code.MALFORMED_JSON, "", str(fault)) from None
    except RecursionError:
        raise BadMessage(Code.MALFORMED_JSON, "", "is nested without end") from None


def _update(body: PriceBody, limits: Limits) -> PriceUpdate:
    digits = limits.max_digits
    check_name("symbol", body.symbol, limits.max_id_bytes)
    index_price, funding_rate, funding_time = body.index_price, body.funding_rate, body.next_funding_time_ms
    return PriceUpdate(
        body.symbol,
        positive_at("mark_price", body.mark_price, digits),
        None if index_price is UNSET else positive_at("index_price", index_price, digits),
        None if funding_rate is UNSET else amount_at("funding_rate", funding_rate, digits),
        None if funding_time is UNSET else funding_time,
        body.event_time_ms,
    )
