"""The wire as the application's codec: every decoder and encoder under one set of limits.

What a message may look like is in the rooms beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from monitor.adapters.wire.accounts import decode_account_event
from monitor.adapters.wire.prices import decode_prices
from monitor.adapters.wire.stating import state_messages
from monitor.adapters.wire.terms import (
    NO_DEFAULTS,
    TermDefaults,
    decode_asset,
    decode_instrument,
    decode_insurance_fund,
)
from monitor.app.codec import AssetMessage, FundMessage, InstrumentMessage, PriceMessage
from monitor.core.accounts import AccountEvent
from monitor.core.encoded import Encoded
from monitor.core.limits import Limits
from monitor.core.stated import Stated


class WireCodec:
    """Decode inputs and encode outputs as JSON."""

    def __init__(self, limits: Limits, defaults: TermDefaults = NO_DEFAULTS) -> None:
        self._limits = limits
        self._defaults = defaults

    def prices(self, value: bytes | None) -> PriceMessage:
        """Decode a `mark-prices` message."""
        return decode_prices(value, self._limits)

    def account_event(self, value: bytes | None, key: bytes | None) -> AccountEvent:
        """Decode an `account-events` message."""
        return decode_account_event(value, key, self._limits)

    def stated(self, values: Sequence[bytes | None], keys: Sequence[bytes | None]) -> Stated | None:
        """State the plain ones of many `account-events` messages."""
        return state_messages(values, keys, self._limits)

    def instrument(self, value: bytes | None, key: bytes | None) -> InstrumentMessage:
        """Decode an `instruments` message."""
        return decode_instrument(value, key, self._limits, self._defaults)

    def asset(self, value: bytes | None, key: bytes | None) -> AssetMessage:
        """Decode an `assets` message."""
        return decode_asset(value, key, self._limits, self._defaults)

    def insurance_fund(self, value: bytes | None, key: bytes | None) -> FundMessage:
        """Decode an `insurance-funds` message."""
        return decode_insurance_fund(value, key, self._limits)

    def encode(self, body: Mapping[str, Any]) -> bytes:
        """Encode an output or an internal record."""
        return body.encoded if isinstance(body, Encoded) else orjson.dumps(body)

    def decode(self, value: bytes) -> Any:
        """Decode an internal record of our own making."""
        return orjson.loads(value)
