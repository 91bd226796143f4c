"""Shapes of the data-quality records: what is wrong with an input, since when, and what it affects.

Declared for the schemas in `docs/schemas`, and for the tests that hold real records against them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from monitor.adapters.wire.plan_shapes import Figure
from monitor.adapters.wire.shapes import Count, Millis
from monitor.core.quality.settings import Reason


class InstrumentHeld(Struct, kw_only=True, tag_field="kind", tag="instrument_held"):
    """State that new terms of a contract are doubted: the old ones stand until they come again with `confirm`."""

    symbol: str
    why: str
    origin: dict[str, str | int]
    since_ms: Millis
    affects: str


class PricesUnjudged(Struct, kw_only=True, tag_field="kind", tag="prices_unjudged"):
    """State which price messages lay too far back to be judged one by one after an outage."""

    shard: Count
    offsets: dict[str, dict[str, int]]
    since_ms: Millis


class AccountEventsLost(Struct, kw_only=True, tag_field="kind", tag="account_events_lost"):
    """State that account messages were gone from the log before they were read."""

    shard: Count
    why: str
    since_ms: Millis


class PriceQuality(Struct, kw_only=True, tag_field="kind", tag="price_quality"):
    """State that a price is doubted for other reasons than the one before it, or that it is good again.

    `quality` is the verdict with all that it was made from, as in the evidence of events; `since_ms` the log's time.
    """

    symbol: str
    verdict: Literal["good", "suspect", "bad"]
    reasons: list[Reason]
    believed: bool
    mark_price: Figure
    origin: dict[str, str | int]
    since_ms: Millis
    affects: str
    quality: dict[str, Any]
    index_price: Figure | UnsetType = UNSET


class AssetQuality(Struct, kw_only=True, tag_field="kind", tag="asset_quality"):
    """State that an asset has left what it is held against, or is back."""

    asset: str
    verdict: Literal["good", "bad"]
    reasons: list[Literal["depeg"]]
    believed: bool
    index_price: Figure
    reference: Figure
    price: Figure
    rate: Figure
    limit: Figure
    origin: dict[str, str | int]
    since_ms: Millis
    affects: str
    symbol: str | UnsetType = UNSET


DataQuality = InstrumentHeld | PricesUnjudged | AccountEventsLost | PriceQuality | AssetQuality
