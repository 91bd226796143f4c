"""Progress: a bar on a terminal for what takes more than a second; nothing anywhere else.

It goes to standard error, so that what a command prints may be piped while it is watched.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 1.0


def watched(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield items; where standard error is a terminal and they take more than a second, show how many are done."""
    if not sys.stderr.isatty():
        yield from items
        return
    began, done = time.monotonic(), 0
    for item in items:
        if time.monotonic() - began > PATIENCE_SECONDS:
            break
        yield item
        done += 1
    if done < len(items):
        yield from _under_a_bar(items, done, what)


def _under_a_bar(items: Sequence[T], done: int, what: str) -> Iterator[T]:
    from rich.console import Console  # noqa: PLC0415  # only needed by people who wait
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=len(items), completed=done)
        for item in items[done:]:
            yield item
            progress.advance(task)
