"""Steps made one ahead: while the records of one are written, the kernel thread makes the next.

The engine may be ahead of the log: whoever cannot write drops it. What a step holds is in `results`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from monitor.app.kernel_thread import KernelThread
from monitor.app.results import Step


async def one_ahead(steps: Iterator[Step], on_kernel_thread: KernelThread) -> AsyncGenerator[Step]:
    """Yield steps up to the first that does not go on; to be closed, so that nobody works on for nobody."""
    ahead = asyncio.ensure_future(on_kernel_thread(lambda: next(steps)))
    try:
        while (step := await ahead).goes_on:
            ahead = asyncio.ensure_future(on_kernel_thread(lambda: next(steps)))
            yield step
        yield step
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
