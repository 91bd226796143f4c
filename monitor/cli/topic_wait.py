"""Waiting for the log and for the topics that somebody beside the daemon reads; what is read there is its business."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from monitor.cli.exits import OutsideFault

if TYPE_CHECKING:
    from monitor.app.gateway.places import Places
    from monitor.app.ports import Log
    from monitor.app.topics import TopicNames

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class TopicWait:
    """Wait for topics; `reason` says what is missing, for whoever asks whether the process is ready."""

    def __init__(self, names: TopicNames, *, statuses: bool = False, single: Sequence[str] = ()) -> None:
        """`statuses`: account-status is read too; `single`: topics that must have one partition each."""
        self.reason = "starting"
        self._events = (names.margin_calls, names.liquidations, names.adl_events)
        self._statuses = names.account_status
        self._alike = (*self._events, names.account_status) if statuses else self._events
        self._single = single

    async def places(self, source: Log, note_fault: Callable[[str], None], *, patient: bool = True) -> Places:
        """Return the partitions to read once they are there; without patience they must be. Raises `OutsideFault`."""
        from monitor.app.gateway.places import Places  # noqa: PLC0415  # `--help` needs none of it
        from monitor.app.ports import LogUnavailable  # noqa: PLC0415

        while True:
            reader = source.reader()
            try:
                await reader.start()
                counts = {name: await reader.partition_count(name) for name in (*self._alike, *self._single)}
                same = {counts[name] for name in self._alike}
                if len(same) == 1 and 0 not in same and all(counts[name] == 1 for name in self._single):
                    return Places(self._events, self._statuses, same.pop())
                self._wait(f"the topics are not as they should be ({counts}); `liqmon topics create` makes them")
            except LogUnavailable as fault:
                note_fault(type(fault).__name__)
                self._wait(f"the log does not answer: {fault}")
            finally:
                await reader.stop()
            if not patient:
                raise OutsideFault(self.reason)
            await asyncio.sleep(_RETRY_SECONDS)

    def _wait(self, reason: str) -> None:
        if reason != self.reason:
            log.warning("waiting: %s", reason)
        self.reason = reason
