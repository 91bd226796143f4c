"""The venue feed as a whole: its parts run together, end together, and say together whether all is well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import NativeMessage
from monitor.app.venue_feed.writing import Encode

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 3.0
_STANDS_STILL_SECONDS = 10.0


class Part(Protocol):
    """Describe one part of a feed: public streams, terms, accounts."""

    async def run(self) -> None:
        """Work until cancelled."""

    def why_not_ready(self) -> list[str]:
        """Return what is not as it should be."""

    def seen(self) -> dict[str, dict[str, Any]]:
        """Return what has been seen, by name."""


class VenueFeed:
    """Run the parts of one venue's feed."""

    def __init__(
        self,
        venue: str,
        parts: Sequence[Part],
        outbox: Outbox,
        tools: Tools,
        encode: Encode,
        heartbeats: str,
        writer_id: str,
        heartbeat_ms: int,
    ) -> None:
        self._venue = venue
        self._parts = tuple(parts)
        self._outbox = outbox
        self._tools = tools
        self._encode = encode
        self._heartbeats = heartbeats
        self._writer_id = writer_id
        self._heartbeat_ms = heartbeat_ms
        self._beats = 0
        self._reasons: tuple[str, ...] = ("starting",)
        self._looked = tools.clock()

    async def run(self) -> None:
        """Feed until cancelled; what is still waiting then is written, within a few seconds."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._outbox.run(), name="outbox")
                try:
                    async with asyncio.TaskGroup() as work:
                        for part in self._parts:
                            work.create_task(part.run(), name=type(part).__name__)
                        work.create_task(self._beat(), name="heartbeat")
                finally:
                    if not writing.done() and not await self._outbox.drain(_DRAIN_SECONDS):
                        log.warning("messages are left that the log has not taken")
                    writing.cancel()
        finally:
            self._tools.observer.ready(is_ready=False)

    def why_not_ready(self) -> list[str]:
        """Return what does not flow; empty when everything that should does."""
        reasons = [reason for part in self._parts for reason in part.why_not_ready()]
        if self._outbox.trouble is not None:
            reasons.append(f"the log: {self._outbox.trouble}")
        return reasons

    def last_reasons(self) -> Sequence[str]:
        """Return what did not flow when it was last looked at, a moment ago; may be asked from any thread."""
        late = self._tools.clock() - self._looked
        return (f"the event loop stands still for {late:.0f} s",) if late > _STANDS_STILL_SECONDS else self._reasons

    async def _beat(self) -> None:
        """Say every now and then what flows, into the log and to the observer, and changes of it aloud."""
        seconds = (self._heartbeat_ms or 1000) / 1000
        while True:
            reasons = tuple(self.why_not_ready())
            self._tools.observer.ready(is_ready=not reasons)
            if bool(self._reasons) != bool(reasons):
                level = logging.WARNING if reasons else logging.INFO
                log.log(level, "%s: %s", self._venue, "; ".join(reasons) or "everything flows")
            self._reasons, self._looked = reasons, self._tools.clock()
            if self._heartbeat_ms:
                self._outbox.put([self._heartbeat(reasons)])
            await asyncio.sleep(seconds)

    def _heartbeat(self, reasons: Sequence[str]) -> NativeMessage:
        self._beats += 1
        now_ms = self._tools.now_ms()
        body = {
            "feed": self._venue,
            "state": "waiting" if reasons else "steady",
            "reasons": list(reasons),
            "writer": self._writer_id,
            "turn": self._beats,
            "streams": {name: seen for part in self._parts for name, seen in part.seen().items()},
            "written_at_ms": now_ms,
        }
        key = f"feed/{self._venue}".encode()
        return NativeMessage(self._heartbeats, key, self._encode(body), now_ms + 2 * self._heartbeat_ms)
