"""Stating verdicts on prices: what evidence and data-quality records say of one, and the verdict read from it again.

Doubles are stated as decimals of exactly their value when read as a double again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from monitor.core.amounts import format_amount
from monitor.core.quality.judging import Doubt, Observation, Quality, Venue, judged, weighted_median
from monitor.core.quality.quarantine import Doubted, Quarantine
from monitor.core.quality.settings import Limits, QualitySettings, Source, settings_of


def quality_object(quality: Quality) -> dict[str, Any]:
    """Return a verdict with all it was made from."""
    out: dict[str, Any] = {
        "verdict": quality.verdict,
        "reasons": list(quality.reasons),
        "believed": quality.is_believed,
        "observed": _object(quality.observed),
        "limits": _limits_object(quality.limits),
    }
    if quality.until_ms is not None:
        out["until_ms"] = quality.until_ms
    if quality.released_ms is not None:
        out["released_ms"] = quality.released_ms
    return out


def qualities_of(symbol: str, quarantine: Quarantine) -> dict[str, Any]:
    """Return what evidence states of a price beside its origin: its verdict, and the later one not believed."""
    quality, doubted = quarantine.qualities.get(symbol), quarantine.doubted.get(symbol)
    out: dict[str, Any] = {} if quality is None else {"quality": quality_object(quality)}
    return out if doubted is None else out | {"quarantined": _doubted_object(doubted)}


def _doubted_object(doubted: Doubted) -> dict[str, Any]:
    """Return a quarantined price with its origin and verdict."""
    return {
        "mark_price": format_amount(doubted.update.mark_price),
        "event_time_ms": doubted.update.event_time_ms,
        "partition": doubted.partition,
        "offset": doubted.offset,
        "quality": quality_object(doubted.quality),
    }


def quality_of(body: Mapping[str, Any]) -> Quality:
    """Return the verdict that follows from what one states it was made from."""
    observed = body["observed"]
    doubts = tuple(Doubt(*doubt) for doubt in observed["doubts"])
    nested = {"doubts": doubts, "venues": _venues(observed)}
    return judged(
        Observation(**{name: _read(observed.get(name)) for name in Observation._fields} | nested), _limits(body)
    )


def settings_in(body: Mapping[str, Any]) -> QualitySettings:
    """Return the settings that a stated verdict was made by."""
    return settings_of(_limits(body))


def sources_in(body: Mapping[str, Any]) -> list[Source]:
    """Return the other venues that a stated verdict was made by."""
    return [Source(one.symbol, Decimal(one.weight)) for one in _venues(body["observed"]) or ()]


def quality_terms(place: str, body: Mapping[str, Any], mark_price: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield what a stated verdict must agree with: itself made again, and the price it is about."""
    again = quality_of(body)
    yield f"{place}.observed.mark_price", float(mark_price), again.observed.mark_price
    venues = again.observed.venues
    if venues is not None:
        fresh = [(one.mark_price, one.weight) for one in venues if one.mark_price is not None]
        yield f"{place}.observed.sources", again.observed.sources, len(fresh)
        yield f"{place}.observed.sources_mark", again.observed.sources_mark, weighted_median(fresh)
    yield f"{place}.reasons", body["reasons"], list(again.reasons)
    yield f"{place}.verdict", body["verdict"], again.verdict
    yield f"{place}.until_ms", body.get("until_ms"), again.until_ms
    released_ms = body.get("released_ms")
    is_over = released_ms is not None and again.until_ms is not None and again.until_ms <= released_ms
    yield f"{place}.believed", body["believed"], again.is_believed or is_over


def _limits(body: Mapping[str, Any]) -> Limits:
    return Limits(**{name: _read(body["limits"][name]) for name in Limits._fields})


def _venues(observed: Mapping[str, Any]) -> tuple[Venue, ...] | None:
    stated = observed.get("venues")
    if stated is None:
        return None
    return tuple(Venue(name, float(weight), _read(mark)) for name, weight, mark in stated)


def _object(fields: Observation | Limits) -> dict[str, Any]:
    return {name: _plain(value) for name, value in fields._asdict().items() if value is not None}


@lru_cache(maxsize=4)
def _limits_object(limits: Limits) -> dict[str, Any]:
    return _object(limits)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return float(value) if isinstance(value, str) else value
