"""Recordings: files of frames with the times they were received at, several of them merged in the order of time.

A line is `TIME FRAME`: the time since 1970 as a whole number of nano-, micro- or milliseconds, then the frame. Files
may be packed by gzip. What a frame says is the dialect's business.
"""

from __future__ import annotations

import gzip
import heapq
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.app.venue_feed.replay import Recorded
from monitor.cli.exits import BadInput

_GZIP = b"\x1f\x8b"
_TO_NS = ((10**17, 1), (10**14, 1_000), (10**11, 1_000_000))
"""From which number on a time is in nano-, micro- and milliseconds: each holds for the years 1973 to 5138."""


def recorded(paths: Sequence[str]) -> Iterator[Recorded]:
    """Yield the frames of all files in the order in which they were received. Raises `BadInput` naming the line."""
    return heapq.merge(*(_frames(Path(path)) for path in paths), key=lambda one: one.received_ns)


def _frames(path: Path) -> Iterator[Recorded]:
    try:
        with path.open("rb") as plain:
            is_packed = plain.read(2) == _GZIP
        with gzip.open(path) if is_packed else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parsed(line, f"{path}: line {number}")
    except OSError as fault:
        raise BadInput(f"{path}: {fault.strerror or fault}") from None
    except (EOFError, zlib.error) as fault:
        raise BadInput(f"{path}: is cut off or damaged: {fault}") from None


def _parsed(line: bytes, place: str) -> Recorded:
    time, _, frame = line.strip().partition(b" ")
    if not time.isdigit() or not frame:
        raise BadInput(f"{place}: is not of the form TIME FRAME")
    stated = int(time)
    for least, factor in _TO_NS:
        if stated >= least:
            return Recorded(stated * factor, frame)
    raise BadInput(f"{place}: {stated} is no time since 1970 in nano-, micro- or milliseconds")
