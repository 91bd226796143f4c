"""Reading lines of `mark-prices`, as `kcat -J` and `liqmon tail --json` write records, for `verify --prices`.

What is made of the messages is the core's business.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from monitor.adapters.wire.prices import decode_prices
from monitor.app.codec import BadMessage
from monitor.cli.exits import BadInput
from monitor.core.limits import Limits
from monitor.core.quality.redoing import PriceMessage


def read_prices(source: str, limits: Limits, max_ahead_ms: int) -> Iterator[PriceMessage]:
    """Yield the messages of a file, `-` for standard input; what the daemon refuses is left out as it leaves it out.

    Raises `BadInput` naming file and line; `OSError`.
    """
    if source == "-":
        yield from _messages("standard input", sys.stdin.buffer, limits, max_ahead_ms)
        return
    with Path(source).open("rb") as file:
        yield from _messages(source, file, limits, max_ahead_ms)


def _messages(name: str, file: BinaryIO, limits: Limits, max_ahead_ms: int) -> Iterator[PriceMessage]:
    last: dict[int, int] = {}
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        partition, offset, log_ms, value = _record(f"{name}: line {number}", line)
        if offset <= last.get(partition, -1):
            raise BadInput(f"{name}: line {number}: offset {offset} of partition {partition} is out of order")
        last[partition] = offset
        try:
            updates = decode_prices(value, limits).prices
        except BadMessage:
            continue
        good = tuple(update for update in updates if update.event_time_ms <= log_ms + max_ahead_ms)
        if good:
            yield PriceMessage(partition, offset, log_ms, good)


def _record(place: str, line: bytes) -> tuple[int, int, int, bytes]:
    try:
        body: Any = orjson.loads(line)
        log_ms = body["ts"] if "ts" in body else body["timestamp_ms"]
        value = body["payload"] if "payload" in body else body["value"]
        where = int(body["partition"]), int(body["offset"]), int(log_ms)
    except (ValueError, TypeError, KeyError) as fault:
        why = "needs partition, offset, ts and payload (kcat -J), or timestamp_ms and value"
        raise BadInput(f"{place}: {why}: {type(fault).__name__} {fault}") from None
    return *where, value.encode() if isinstance(value, str) else json.dumps(value).encode()
