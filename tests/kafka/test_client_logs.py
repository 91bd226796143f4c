"""What aiokafka logs reaches ours as warnings, each kind once a minute."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from monitor.adapters.kafka import tame_client_logging


@pytest.fixture
def clock() -> Iterator[list[float]]:
    """Tame the client's loggers under a clock the test moves, and set them free afterwards."""
    client = logging.getLogger("aiokafka")
    level, handlers, propagate = client.level, client.handlers, client.propagate
    now = [0.0]
    tame_client_logging(lambda: now[0])
    yield now
    client.handlers, client.propagate = handlers, propagate
    client.setLevel(level)


def test_repeats_are_counted_not_logged(clock: list[float]) -> None:
    """The same complaint is passed on once a minute, with the number held back in between."""
    source = logging.getLogger("aiokafka.client")
    with structlog.testing.capture_logs() as logged:
        for attempt in range(50):
            source.error("Unable connect to node with id %s: %s", attempt, "refused")
        clock[0] = 61.0
        source.error("Unable connect to node with id %s: %s", 7, "refused")
    assert [entry["held_back"] for entry in logged] == [0, 49]
    assert logged[1]["message"] == "Unable connect to node with id 7: refused"


def test_contents_of_records_stay_out(clock: list[float]) -> None:
    """Debug messages, which print keys and values, and progress reports are not passed on."""
    source = logging.getLogger("aiokafka.producer.producer")
    with structlog.testing.capture_logs() as logged:
        source.debug("Sending (key=%s value=%s) to %s", b"k", b"secret", "t")
        source.info("Discovered coordinator")
    assert logged == []
