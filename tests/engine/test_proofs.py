"""Every event proves itself, any altered field is found, and every event can be explained in words."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

import pytest

from monitor.app.codec import BadMessage
from monitor.core.engine import EngineSettings
from monitor.core.events import digest_of
from monitor.core.explain import explanation
from monitor.core.inputs import Input
from monitor.core.verify import BadEvidence
from tests.engine.driving import Shard
from tests.engine.lives import FRESHNESS, KINDS, LADDERS, USD_ASSETS, Lives
from tests.engine.proving import difference, read
from tests.engine.twin import Twin

Event = dict[str, Any]
FEW = 2
WANTED = (
    "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt", "unknown", "recovered",
    "closed", "adl_watch", "degraded", "banded", "stale", "ended unknown", "labelled", "inverse", "isolated", "pooled",
)  # fmt: skip
"""What the events of the sample must show between them."""

DERIVED = (
    "schema", "event_id", "sequence", "event_type", "account_id", "scope", "previous_status", "status", "last_status",
    "raw_status", "direction", "degraded", "equity", "maintenance_margin", "margin_ratio", "risk_ratio", "threshold",
    "deposit_to_clear", "unknown_because", "price_time_ms", "labels",
)  # fmt: skip
"""The fields that follow from the others: they are found out even under a fresh digest."""


def traits(event: Event) -> Iterator[str]:
    """Say what is special about an event."""
    yield event["event_type"]
    if "sequence" not in event:
        return
    evidence = event["evidence"]
    if event["degraded"]:
        yield "degraded"
    if "bands" in evidence:
        yield "stale" if event["status"] == "unknown" else "banded"
    if event["previous_status"] == "unknown":
        yield "ended unknown"
    if event.get("labels"):
        yield "labelled"
    if event["scope"].startswith("isolated"):
        yield "isolated"
    if event["scope"] == "cross:USD":
        yield "pooled"
    if any(terms["contract"] == "inverse" for terms in evidence["document"].get("instruments", {}).values()):
        yield "inverse"


@cache
def sample() -> tuple[Event, ...]:
    """Return events of random lives, some of every kind."""
    kept: list[Event] = []
    count = dict.fromkeys(WANTED, 0)
    for seed in range(200):
        for event in events_of(seed):
            lacking = [trait for trait in traits(event) if count.get(trait, 9) < FEW]
            if lacking:
                kept.append(event)
                for trait in traits(event):
                    count[trait] = count.get(trait, 0) + 1
        if min(count.values()) >= FEW:
            break
    assert min(count.values()) > 0, count
    return tuple(kept)


def events_of(seed: int) -> Iterator[Event]:
    """Lead one life and return its events as they are read from the topics."""
    random = Random(seed)
    ladders, freshness, usd = random.choice(LADDERS[:3]), random.choice(FRESHNESS[:2]), random.choice(USD_ASSETS)
    twin = Twin(ladders, freshness, usd)
    lives = Lives(twin)
    shard = Shard(EngineSettings(ladders), freshness, usd, use_numba=False)
    inputs: list[Input] = lives.beginning(seed)
    for _ in range(80):
        for item in inputs:
            twin.step(item, lives.now_ms)
        outcome = shard.apply(inputs, lives.now_ms)
        for account in outcome.accounts.values():
            yield from (read(event.body)[0] for event in account.events)
        inputs = [lives.draw(random.choices(tuple(KINDS), tuple(KINDS.values()))[0], random.getrandbits(32))]


def altered(value: Any) -> Iterator[Any]:
    """Return other values of the same kind."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield value + "1"
        if value in ("better", "worse", "healthy", "watch", "warning", "unknown", "liquidation", "bankrupt"):
            yield from {"better", "worse"} - {value} if value in ("better", "worse") else {"watch", "warning"} - {value}
    elif value is None:
        yield "1"
    elif isinstance(value, list):
        yield [*value, "stale_price:X"]
        yield from ([value[1:]] if value else [])
    elif isinstance(value, dict):
        yield {**value, "more": "1"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of everything inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(event: Event, path: tuple[Any, ...], value: Any) -> Event:
    """Return an event with one thing in it altered."""
    forged = deepcopy(event)
    inner: Any = forged
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return forged


def is_found(event: Event) -> bool:
    """Return whether an event is seen not to be what it says."""
    try:
        return difference(event) is not None
    except (BadEvidence, BadMessage):
        return True


def inner(event: Event, path: tuple[Any, ...]) -> Any:
    """Return what stands at a path."""
    value: Any = event
    for key in path:
        value = value[key]
    return value


def test_every_event_proves_itself() -> None:
    """An event of any kind follows from its own evidence: closed, unknown, degraded and banded ones too."""
    assert len(sample()) >= len(WANTED)
    for event in sample():
        assert difference(event) is None, event


def test_any_altered_field_is_found() -> None:
    """Altering anything anywhere in an event, its evidence included, or taking it away, is found."""
    for event in sample():
        for path in places(event):
            for value in altered(inner(event, path)):
                assert is_found(changed(event, path, value)), (path, value, event)
        for name in event:
            less = {key: value for key, value in event.items() if key != name}
            assert is_found(less), (name, event)


@pytest.mark.parametrize("name", DERIVED)
def test_a_forged_field_is_found_under_a_fresh_digest(name: str) -> None:
    """A field that follows from the evidence cannot be altered even by who computes the digest anew."""
    tried = 0
    for event in sample():
        if name not in event or "sequence" not in event:
            continue
        for value in altered(event[name]):
            forged = changed(event, (name,), value)
            forged["digest"] = digest_of(forged)
            if name == "labels" and event["event_type"] == "closed":
                continue
            assert is_found(forged), (name, value, event)
            tried += 1
    assert tried


def test_every_event_is_explained() -> None:
    """An explanation names the scope, the cause and, where figures are known, equity, requirement and every line."""
    for event in sample():
        body, document = read(event)
        lines = explanation(body, document)
        text = "\n".join(lines)
        assert lines[0].startswith(f"{event['account_id']} {event['scope']}: ")
        assert str(event["cause"]["kind"]).replace("_", " ") in lines[1]
        if event.get("equity") is not None:
            assert f"equity = {event['equity']}" in text
            assert f"maintenance margin = {event['maintenance_margin']}" in text
            assert f"status {event['status']}" in text
        for reason in event.get("unknown_because", ()):
            assert reason in text
