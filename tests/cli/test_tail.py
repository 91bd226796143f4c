"""`liqmon tail`: where it begins, what it chooses and how it shows it, on the embedded log."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from monitor.app.ports import Record, TopicPartition
from monitor.cli.exits import BadInput
from monitor.cli.tail.choosing import Choice
from monitor.cli.tail.reading import Reading
from monitor.cli.tail.showing import LiveTable, print_lines, print_records, row_of
from monitor.cli.tail.starting import Ago, At, Edge, Start, read_offset, read_start
from tests.gateway.house import EVENTS, House, house

NOW_MS = 1_700_000_000_000


def test_where_it_begins_is_read_or_refused() -> None:
    """An edge, a time (UTC where it says no zone), a span; anything else names what it should have been."""
    assert read_start("end") == Edge(is_end=True)
    assert read_start("15m") == Ago(900_000)
    assert read_start("1970-01-01T00:01:00") == read_start("1970-01-01T01:01:00+01:00") == At(60_000)
    assert read_offset("liquidations:3:47") == (TopicPartition("liquidations", 3), 47)
    for text in ("yesterday", "15", "-5m", ""):
        with pytest.raises(BadInput, match="--from"):
            read_start(text)
    for text in ("liquidations:3", "liquidations:x:1", ":1:1", "liquidations:1:-1"):
        with pytest.raises(BadInput, match="--offset"):
            read_offset(text)


async def read(home: House, start: Start, topics: tuple[str, ...] = EVENTS) -> list[Record]:
    """Return what stands there from a start on."""
    reading = Reading(home.log, topics, "", start, lambda: NOW_MS)
    return [record async for batch in reading.batches(follow=False) for record in batch]


async def test_it_reads_from_where_it_was_told_to_the_end() -> None:
    """From the beginning, a time, a span ago, offsets of single partitions; at the end there is nothing."""
    async with house() as home:
        for number in range(6):
            one = home.event("a1", ("watch", "critical")[number % 2])
            home.log.produce(one.topic, one.key, one.value, one.partition, timestamp_ms=NOW_MS - 6_000 + number * 1_000)
        place = TopicPartition("liquidations", one.partition)

        def numbers(records: list[Record]) -> list[int]:
            return [json.loads(record.value or b"")["sequence"] for record in records]

        assert numbers(await read(home, Start(Edge(is_end=False)))) == [1, 2, 3, 4, 5, 6]
        assert numbers(await read(home, Start(Ago(2_000)))) == [5, 6]
        assert numbers(await read(home, Start(At(NOW_MS - 1_000)))) == [6]
        assert numbers(await read(home, Start(Edge(is_end=True)))) == []
        assert numbers(await read(home, Start(Edge(is_end=True), ((place, 3),)))) == [5, 6]
        assert numbers(await read(home, Start(Edge(is_end=True), ((place, 99),)))) == []
        with pytest.raises(BadInput, match="has no partition 7"):
            await read(home, Start(Edge(is_end=True), ((TopicPartition("liquidations", 7), 0),)))
        with pytest.raises(BadInput, match="no such topic"):
            await read(home, Start(Edge(is_end=True)), ("liquidation",))


def record(body: Any, topic: str = "margin-calls") -> Record:
    """Return a record with a body."""
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Record(topic, 1, 7, NOW_MS, b"a1", value)


EVENT = {
    "event_type": "margin_call",
    "account_id": "a1",
    "scope": "cross:USDT",
    "sequence": 7,
    "previous_status": "watch",
    "status": "margin_call",
    "margin_ratio": "1.09876",
    "equity": "1234567.891",
    "maintenance_margin": None,
    "cause": {"kind": "mark_price", "symbol": "BTCUSDT"},
}


def test_it_chooses_as_the_gateway_does() -> None:
    """Filters are and-ed, severity looks at the worse end; what is no event shows only where all is asked for."""
    for severity, taken in (("watch", True), ("margin_call", True), ("liquidation", False), (None, True)):
        assert Choice.of(["a1"], ["cross"], None, None, severity).takes(record(EVENT)) is taken
    assert not Choice.of(["a2"], None, None, None, None).takes(record(EVENT))
    assert Choice.of(None, None, None, None, None).takes(record(b"\xff"))
    assert not Choice.of(["a1"], None, None, None, None).takes(record(b"\xff"))


def test_a_row_is_readable_and_garbage_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures are rounded with thousands apart, unknown ones empty; a pipe gets a line each without padding."""
    row = row_of(record(EVENT))
    assert row[1:] == ("a1", "cross:USDT", "margin_call", "1.0988", "1,234,567.89", "", "BTCUSDT", "7")
    assert row_of(record(b"\xff")).event == "not an event"
    print_lines([record(EVENT), record([1])])
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("margin_call   a1 cross:USDT #7 ratio=1.0988 equity=1,234,567.89 because of=BTCUSDT")
    assert "not an event" in second


def test_json_carries_whole_records(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has the place and the value as it stands; a value that is no JSON is text."""
    print_records([record(EVENT), record(b"\xff{")])
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["value"] == EVENT
    assert (first["topic"], first["partition"], first["offset"], first["key"]) == ("margin-calls", 1, 7, "a1")
    assert second["value"] == "\ufffd{"


def test_the_table_shows_the_newest_that_fit() -> None:
    """On a terminal of ten lines the newest rows are shown, with the count of all of them."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=150, height=10, color_system=None)
    table = LiveTable("three topics", console)
    table.add([record(EVENT | {"sequence": number}) for number in range(100, 150)])
    table.close()
    last = out.getvalue().rpartition("three topics")[2]
    assert "margin_call 50" in last
    assert [number for number in range(100, 150) if f" {number}" in last] == [146, 147, 148, 149]
