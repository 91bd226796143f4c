"""Outages of the log: reading goes on after one, and ends where the log refuses us for good.

Which positions are read, and from where after they were lost, is the business of who reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from monitor.app.observing import Observer
from monitor.app.ports import LogFault, LogForbidden, LogReader, PositionLost, TopicPartition

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""How long a log that is away, or a topic that does not exist, is left alone before it is tried again."""


async def outlast(
    what: str,
    reader: LogReader,
    observer: Observer,
    follow: Callable[[], Awaitable[None]],
    find_again: Callable[[TopicPartition], Awaitable[None]],
) -> None:
    """Start the reader and `follow` for ever, anew after each outage; `find_again` is told of a position that is lost.

    However this ends, the reader is stopped.

    Raises LogForbidden where the log refuses us for good. `what` names what is read.
    """
    while True:
        try:
            await reader.start()
            await follow()
        except LogForbidden:
            raise
        except LogFault as fault:
            observer.log_fault(type(fault).__name__)
            log.warning("%s cannot be read for now: %s", what, fault)
            if isinstance(fault, PositionLost):
                await find_again(fault.where)
        finally:
            await reader.stop()
        await asyncio.sleep(RETRY_SECONDS)
