"""The codec port: messages in, bytes out.

What a decoder promises and how it reports a bad message live here; formats are the wire adapter's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from monitor.core.accounts import AccountEvent
from monitor.core.funds import InsuranceFund
from monitor.core.instruments import Asset, Instrument
from monitor.core.prices import PriceUpdate
from monitor.core.stated import Stated


class BadMessage(Exception):
    """A message that is refused as a whole: `code` is one of a closed set, the text names the place and the reason."""

    code: str


class WrongPartition(BadMessage):
    """An account event in a partition that its key does not belong to."""

    code = "wrong_partition"


class RejectedElement(NamedTuple):
    """Name one element of an array that is refused alone: `path` begins at the array, like `[3].mark_price`."""

    path: str
    code: str
    message: str


class PriceMessage(NamedTuple):
    """Hold the good prices of one message, which take effect together, and what was refused of it."""

    prices: tuple[PriceUpdate, ...]
    rejected: tuple[RejectedElement, ...] = ()


class InstrumentMessage(NamedTuple):
    """Hold the terms of a contract, None when it is deleted; `confirm`: an earlier doubtful change is meant."""

    symbol: str
    instrument: Instrument[Decimal] | None
    confirm: bool = False


class AssetMessage(NamedTuple):
    """Hold the terms of an asset, None when it is deleted (then its time is None too)."""

    name: str
    asset: Asset[Decimal] | None
    event_time_ms: int | None = None


class FundMessage(NamedTuple):
    """Hold the state of an insurance fund, None when it is deleted."""

    name: str
    fund: InsuranceFund | None


class Codec(Protocol):
    """Decode inputs, encode outputs and internal records. Every decoder raises `BadMessage` and nothing else."""

    def prices(self, value: bytes | None) -> PriceMessage:
        """Decode a `mark-prices` message."""

    def account_event(self, value: bytes | None, key: bytes | None) -> AccountEvent:
        """Decode an `account-events` message."""

    def stated(self, values: Sequence[bytes | None], keys: Sequence[bytes | None]) -> Stated | None:
        """State the plain ones of many `account-events` messages, whose objects would say the same; None: no way to."""

    def instrument(self, value: bytes | None, key: bytes | None) -> InstrumentMessage:
        """Decode an `instruments` message."""

    def asset(self, value: bytes | None, key: bytes | None) -> AssetMessage:
        """Decode an `assets` message."""

    def insurance_fund(self, value: bytes | None, key: bytes | None) -> FundMessage:
        """Decode an `insurance-funds` message."""

    def encode(self, body: Mapping[str, Any]) -> bytes:
        """Encode an output or an internal record."""

    def decode(self, value: bytes) -> Any:
        """Decode an internal record of our own making."""
