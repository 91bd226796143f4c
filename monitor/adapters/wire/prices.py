"""Price messages: one object, or an array whose bad elements are refused alone.

What a price may be on its own is checked here; whether it is late, ahead of time or an outlier is not.
"""

from __future__ import annotations

from collections.abc import Sized

import msgspec
from msgspec import UNSET

from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.shapes import PriceBody
from monitor.adapters.wire.values import amount, check_name
from monitor.app.codec import PriceMessage, RejectedElement
from monitor.core.amounts import BadAmount
from monitor.core.limits import Limits
from monitor.core.prices import PriceUpdate

_whole: Reader[PriceBody | list[PriceBody]] = Reader(PriceBody | list[PriceBody])
_one: Reader[PriceBody] = Reader(PriceBody)
_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_prices(value: bytes | None, limits: Limits) -> PriceMessage:
    """Return what a price message states.

    Raises `BadMessage` for one bad object, for text that is not JSON, and for an empty array (it states nothing). In an
    array only the bad elements are refused; all of them may be.
    """
    try:
        body = _whole.read(value, limits.max_message_bytes)
        if isinstance(body, PriceBody):
            return PriceMessage((_update(body, limits),))
        _check_count(body, limits)
        if body:
            return PriceMessage(tuple([_update(element, limits) for element in body]))
    except BadMessage as bad:
        if value is None or bad.code in _OF_THE_WHOLE or value.lstrip()[:1] != b"[":
            raise
        return _one_by_one(value, limits)
    raise BadMessage(Code.EMPTY, "", "an empty array states nothing")


_OF_THE_WHOLE = (Code.EMPTY, Code.TOO_LARGE, Code.TOO_MANY)


def _check_count(elements: Sized, limits: Limits) -> None:
    if len(elements) > limits.max_prices:
        raise BadMessage(Code.TOO_MANY, "", f"{len(elements)} prices are more than {limits.max_prices}")


def _one_by_one(value: bytes, limits: Limits) -> PriceMessage:
    """Return the good elements of an array that holds a bad one."""
    prices: list[PriceUpdate] = []
    rejected: list[RejectedElement] = []
    elements = _split(value)
    _check_count(elements, limits)
    for index, element in enumerate(elements):
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
    """Return what one object states; the happy path calls as little as it can, for a message holds hundreds."""
    digits = limits.max_digits
    check_name("symbol", body.symbol, limits.max_id_bytes)
    index, funding, funding_time = body.index_price, body.funding_rate, body.next_funding_time_ms
    try:
        mark_price = amount(body.mark_price, digits)
        index_price = None if index is UNSET else amount(index, digits)
        funding_rate = None if funding is UNSET else amount(funding, digits)
    except BadAmount as bad:
        raise _bad_amount(body, digits, bad) from None
    if mark_price <= 0:
        raise BadMessage(Code.OUT_OF_RANGE, "mark_price", "must be above 0")
    if index_price is not None and index_price <= 0:
        raise BadMessage(Code.OUT_OF_RANGE, "index_price", "must be above 0")
    return PriceUpdate(
        body.symbol,
        mark_price,
        index_price,
        funding_rate,
        None if funding_time is UNSET else funding_time,
        body.event_time_ms,
    )


def _bad_amount(body: PriceBody, digits: int, bad: BadAmount) -> BadMessage:
    """Return the refusal that names the first bad amount of an object."""
    for name in ("mark_price", "index_price", "funding_rate"):
        given = getattr(body, name)
        try:
            if given is not UNSET:
                amount(given, digits)
        except BadAmount as same:
            return BadMessage(Code.BAD_AMOUNT, name, str(same))
    return BadMessage(Code.BAD_AMOUNT, "", str(bad))
