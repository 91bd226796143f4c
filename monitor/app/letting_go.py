"""Letting go: work that is given up, after a moment, when its shard is asked to let go meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LetGo(Exception):
    """The shard was asked to let go and gave up what it was doing."""


async def unless_let_go(work: Coroutine[Any, Any, T], asked: asyncio.Event, grace_seconds: float) -> T:
    """Return what `work` returns; once `asked` is set give it a moment, then cancel it and raise `LetGo`."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and grace_seconds:
            await asyncio.wait({task}, timeout=grace_seconds)
        if not task.done():
            raise LetGo
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
