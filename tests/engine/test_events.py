"""Tests of the fields of an event that follow from what was told: line, direction, topic, digest."""

from __future__ import annotations

import hashlib
import json

import pytest

from monitor.core.events import Channel, channel_of, digest_of, direction, threshold
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.told import Told

HEALTHY, WATCH, WARNING = MarginStatus.HEALTHY, MarginStatus.WATCH, MarginStatus.WARNING
CALL, LIQUIDATION = MarginStatus.MARGIN_CALL, MarginStatus.LIQUIDATION
CRITICAL, TAKEOVER = MarginStatus.CRITICAL, MarginStatus.TAKEOVER
BANKRUPT, UNKNOWN = MarginStatus.BANKRUPT, MarginStatus.UNKNOWN
LADDER = Ladder.build()

CHANGES = [
    # told, last known, new status -> direction, line
    (HEALTHY, HEALTHY, WATCH, "worse", "1.5"),
    (HEALTHY, HEALTHY, LIQUIDATION, "worse", "1"),
    (WATCH, WATCH, CRITICAL, "worse", "0.9090909090909090909090909090909090909091"),
    (TAKEOVER, TAKEOVER, BANKRUPT, "worse", "0"),
    (BANKRUPT, BANKRUPT, TAKEOVER, "better", "0"),
    (BANKRUPT, BANKRUPT, HEALTHY, "better", "0"),
    (LIQUIDATION, LIQUIDATION, WARNING, "better", "1"),
    (WATCH, WATCH, HEALTHY, "better", "1.5"),
    (WATCH, WATCH, UNKNOWN, "worse", None),
    (UNKNOWN, WATCH, WATCH, "worse", "1.5"),
    (UNKNOWN, WARNING, WATCH, "better", "1.25"),
    (UNKNOWN, WARNING, CALL, "worse", "1.1"),
    (UNKNOWN, BANKRUPT, HEALTHY, "better", "0"),
]


@pytest.mark.parametrize(("told", "last", "status", "way", "line"), CHANGES)
def test_direction_and_line(
    told: MarginStatus, last: MarginStatus, status: MarginStatus, way: str, line: str | None
) -> None:
    """The line is the new status's when worse and the left one's when better, 0 for bankrupt, null for unknown."""
    before = Told(told, last, 1, 1)
    after = before.after(status)
    assert direction(before, after) == way
    assert threshold(before, after, LADDER) == line


TOPICS = {
    Channel.MARGIN_CALLS: (WATCH, WARNING, CALL),
    Channel.LIQUIDATIONS: (LIQUIDATION, CRITICAL, TAKEOVER),
    Channel.ADL_EVENTS: (BANKRUPT,),
}


@pytest.mark.parametrize("channel", TOPICS)
def test_the_topic_is_that_of_the_worse_status(channel: Channel) -> None:
    """Watch to margin call, liquidation to takeover, and bankrupt have a topic each."""
    assert [channel_of(status) for status in TOPICS[channel]] == [channel] * len(TOPICS[channel])


def test_the_digest() -> None:
    """The digest is sha256 of the canonical JSON, in UTF-8, of everything but itself, in whatever order it stands."""
    body = {"b": [1, None, {"ü": "2"}], "a": "x", "digest": "whatever"}
    text = json.dumps({"a": "x", "b": [1, None, {"ü": "2"}]}, separators=(",", ":"), ensure_ascii=False)
    assert digest_of(body) == hashlib.sha256(text.encode()).hexdigest()
    assert digest_of(dict(reversed(body.items()))) == digest_of(body)
