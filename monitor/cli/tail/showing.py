"""Showing for `tail`: a live table of the newest events, a line for each, or whole records as JSON."""

from __future__ import annotations

import sys
from collections import Counter, deque
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitor.app.ports import Record

_COLOURS = {
    "recovered": "green",
    "closed": "dim",
    "watch": "cyan",
    "warning": "yellow",
    "margin_call": "dark_orange",
    "liquidation": "red",
    "critical": "bold red",
    "takeover": "magenta",
    "bankrupt": "bold magenta",
}
_COLUMNS = ("time (UTC)", "account", "scope", "event", "ratio", "equity", "maintenance", "because of", "no.")
_RIGHT = {"ratio", "equity", "maintenance", "no."}
_MOST_ROWS = 500
_HEAD_LINES = 6


class Row(NamedTuple):
    """Hold one event as it is shown."""

    time: str
    account: str
    scope: str
    event: str
    ratio: str
    equity: str
    maintenance: str
    cause: str
    number: str


def row_of(record: Record) -> Row:
    """Return what is shown of a record; of one that is no event, its place."""
    try:
        event = orjson.loads(record.value or b"null")
    except orjson.JSONDecodeError:
        event = None
    time = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).strftime("%m-%d %H:%M:%S.%f")[:-3]
    if not isinstance(event, dict):
        place = f"{record.topic}[{record.partition}] {record.offset}"
        return Row(time, (record.key or b"").decode("utf-8", "replace"), place, "not an event", "", "", "", "", "")
    cause = event.get("cause") or {}
    return Row(
        time,
        str(event.get("account_id", "")),
        str(event.get("scope") or event.get("symbol") or ""),
        str(event.get("event_type", "")),
        _number(event.get("margin_ratio", event.get("value")), 4),
        _number(event.get("equity"), 2),
        _number(event.get("maintenance_margin"), 2),
        f"{cause.get('symbol') or cause.get('kind', '')}",
        str(event.get("sequence", event.get("rule_sequence", ""))),
    )


def print_records(records: list[Record]) -> None:
    """Print whole records, one JSON object a line."""
    for record in records:
        body: dict[str, Any] = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp_ms,
            "key": (record.key or b"").decode("utf-8", "replace"),
        }
        try:
            body["value"] = orjson.Fragment(record.value or b"null")
            line = orjson.dumps(body)
            orjson.loads(line)
        except orjson.JSONDecodeError:
            line = orjson.dumps(body | {"value": (record.value or b"").decode("utf-8", "replace")})
        sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def print_lines(records: list[Record]) -> None:
    """Print a line for each event, for a pipe or a file."""
    for record in records:
        row = row_of(record)
        figures = " ".join(
            f"{name}={text}" for name, text in zip(_COLUMNS[4:], row[4:], strict=True) if text and name != "no."
        )
        number = f" #{row.number}" if row.number else ""
        sys.stdout.write(f"{row.time} {row.event:<13} {row.account} {row.scope}{number} {figures}".rstrip() + "\n")
    sys.stdout.flush()


class LiveTable:
    """Show the newest events, and how many there were of each kind."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title = title
        self._rows: deque[Row] = deque(maxlen=_MOST_ROWS)
        self._counts: Counter[str] = Counter()
        self._live = Live(console=console or Console(), auto_refresh=False, screen=False)
        self._live.start()
        self.add([])

    def add(self, records: list[Record]) -> None:
        """Show more."""
        if not records and self._counts:
            return
        for record in records:
            row = row_of(record)
            self._rows.append(row)
            self._counts[row.event] += 1
        self._live.update(self._picture(), refresh=True)

    def close(self) -> None:
        """Leave the table as it is."""
        self._live.stop()

    def _picture(self) -> Group:
        room = max(1, self._live.console.height - _HEAD_LINES)
        counts = "  ".join(f"{name} {count}" for name, count in sorted(self._counts.items()))
        table = Table(expand=True, show_edge=False)
        for name in _COLUMNS:
            # numbers and names are cut last: what happened to whom must be readable on a narrow terminal
            table.add_column(name, justify="right" if name in _RIGHT else "left", no_wrap=True, overflow="ellipsis")
        for row in list(self._rows)[-room:]:
            colour = _COLOURS.get(row.event, "")
            table.add_row(*(Text(text, style=colour if index == 3 else "") for index, text in enumerate(row)))
        return Group(Text(self._title, style="dim"), Text(counts or "no event yet", style="bold"), table)


def _number(value: object, places: int) -> str:
    """Return a figure rounded for reading, with thousands apart; empty where there is none."""
    if value is None:
        return ""
    try:
        return f"{Decimal(str(value)):,.{places}f}"
    except InvalidOperation:
        return str(value)
