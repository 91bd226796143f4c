"""The codec port: messages in, bytes out.

What a decoder promises and how it reports a bad message live here; formats are the wire adapter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from monitor.core.accounts import AccountEvent
from monitor.core.instruments import Asset, Instrument
from monitor.core.prices import PriceUpdate


class BadMessage(ValueError):
    """A message that cannot be taken: `code` is one of a closed set, `path` points into the message."""

    def __init__(self, code: str, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.code = code
        self.path = path
        self.why = why


class BadElement(NamedTuple):
    """Report one element of an array that was refused alone."""

    path: str
    code: str
    why: str


class PriceMessage(NamedTuple):
    """Hold the good prices of a message and what was refused beside them."""

    prices: tuple[PriceUpdate, ...]
    rejected: tuple[BadElement, ...]


class InstrumentMessage(NamedTuple):
    """Hold the terms a message states for a symbol; None deletes them."""

    symbol: str
    instrument: Instrument[Decimal] | None
    confirm: bool = False


class AssetMessage(NamedTuple):
    """Hold the terms a message states for an asset; None deletes them."""

    asset: str
    terms: Asset[Decimal] | None


class Codec(Protocol):
    """Decode inputs, encode outputs and internal records. Every decoder raises `BadMessage` and nothing else."""

    def prices(self, value: bytes | None) -> PriceMessage:
        """Decode a `mark-prices` message."""

    def account_event(self, value: bytes | None, key: bytes | None) -> AccountEvent:
        """Decode an `account-events` message."""

    def instrument(self, value: bytes | None, key: bytes | None) -> InstrumentMessage:
        """Decode an `instruments` message."""

    def asset(self, value: bytes | None, key: bytes | None) -> AssetMessage:
        """Decode an `assets` message."""

    def encode(self, body: Mapping[str, Any]) -> bytes:
        """Encode an output or an internal record."""

    def decode(self, value: bytes) -> Any:
        """Decode an internal record of our own making."""
