"""The private part of a feed, one account each: its stream, its snapshots, and the key of the stream.

How both become events is decided by the stitcher; what a venue's frames and answers mean, by its dialect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from monitor.app.venue_feed.account_facts import AccountChange, AccountSignal, AccountSnapshot, StreamOver
from monitor.app.venue_feed.line_group import LineGroup, Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import (
    AccountAccess,
    AccountDialect,
    Ending,
    LineFault,
    NativeMessage,
    Rest,
    RestFault,
)
from monitor.app.venue_feed.readings import Answer, BadFrame, NotSupported, Stream
from monitor.app.venue_feed.stitching import Body, Stitcher
from monitor.app.venue_feed.writing import Encode

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_PAUSE_SECONDS = 5.0
"""Between snapshots of an account: each weighs 70 of the 2400 a minute that venues of one family grant an address."""


class AccountWatch:
    """Keep one account's events flowing."""

    def __init__(
        self,
        account_id: str,
        access: AccountAccess,
        dialect: AccountDialect,
        base: str,
        rest: Rest,
        stitcher: Stitcher,
        tools: Tools,
        outbox: Outbox,
        topic: str,
        encode: Encode,
    ) -> None:
        self._account_id = account_id
        self._access = access
        self._dialect = dialect
        self._base = base
        self._rest = rest
        self._stitcher = stitcher
        self._tools = tools
        self._outbox = outbox
        self._topic = topic
        self._encode = encode
        self._group = LineGroup(f"account {account_id}", [Stream("account", None)], tools, self)
        self._wanted = asyncio.Event()
        self._is_open = False
        self._refused: str | None = None
        """Why nothing may be told of the account, whatever its stream says."""
        self._trouble: str | None = None
        self._seen = {"events": 0, "snapshots": 0, "snapshot_at_ms": 0}

    @property
    def keepalive(self) -> tuple[bytes, float] | None:
        """That of the venue."""
        return self._dialect.keepalive

    async def run(self) -> None:
        """Follow the account until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._group.run(), name=self._group.name)
            tasks.create_task(self._take_snapshots(), name=f"snapshots of {self._account_id}")
            tasks.create_task(self._keep_stream(), name=f"stream key of {self._account_id}")

    def why_not_ready(self) -> list[str]:
        """Return what is missing of the account."""
        reasons = self._group.why_not_ready()
        if self._refused is not None:
            return [*reasons, f"account {self._account_id}: not supported: {self._refused}"]
        if not self._stitcher.is_whole:
            why = "" if self._trouble is None else f" ({self._trouble})"
            reasons.append(f"account {self._account_id}: no snapshot since its stream began{why}")
        return reasons

    def seen(self) -> dict[str, dict[str, Any]]:
        """Return how much has been told of the account, nothing of what it holds."""
        return {f"account {self._account_id}": {"is_whole": self._stitcher.is_whole, **self._seen}}

    async def address(self) -> str:
        """Return the address of the private stream, with a key asked for anew. Raises `LineFault`."""
        request = self._dialect.open_stream(self._access)
        if request is None:
            return self._dialect.address(self._base, "")
        try:
            return self._dialect.address(self._base, self._dialect.stream_key(await self._rest.ask(request)))
        except RestFault as fault:
            ending = Ending.UNREACHABLE if fault.retry_after is None else Ending.RATE_LIMITED
            raise LineFault(ending, str(fault), fault.retry_after) from None
        except BadFrame as fault:
            self._doubt(fault)
            raise LineFault(Ending.UNREACHABLE, f"before the stream: {fault}") from None

    def subscriptions(self) -> Sequence[tuple[str, bytes]]:
        """Return what has to be asked for on the stream."""
        return self._dialect.subscriptions(self._access)

    def take(self, frame: bytes, received_ms: int) -> Answer | str | None:
        """Take a frame of the stream. Raises `BadFrame`, and `LineFault` where the venue says that it is the last."""
        reading = self._dialect.read(frame, received_ms)
        if self._refused is not None and isinstance(reading, AccountChange | AccountSnapshot):
            return None
        if isinstance(reading, AccountChange):
            self._tell(self._stitcher.change(reading))
            if reading.transferred:
                self._note_transfer(reading)
        elif isinstance(reading, AccountSnapshot):
            self._tell(self._stitcher.snapshot(reading))
        elif isinstance(reading, AccountSignal):
            self._hear(reading)
        elif isinstance(reading, StreamOver):
            raise LineFault(Ending.CLOSED, "the venue says that the stream is over")
        elif isinstance(reading, Answer):
            return reading
        return None

    def begun(self, *, is_first: bool) -> None:
        """Begin anew where no other connection has listened; else compare: the other may have been dead unnoticed."""
        self._is_open = True
        if is_first:
            self._stitcher.lost()
        self._wanted.set()

    def _hear(self, signal: AccountSignal) -> None:
        """Say aloud what the venue does to the account, and look at the account anew."""
        log.warning("account %s: the venue says %s: %s", self._account_id, signal.kind, signal.about)
        self._tools.observer.account_signal(signal.kind)
        self._stitcher.wants_snapshot = True
        self._wanted.set()

    def _note_transfer(self, change: AccountChange) -> None:
        """Say aloud that the monitor takes a transfer for a gain or a loss: the sum of all is nowhere to be had."""
        self._tools.observer.account_signal("transfer")
        log.warning(
            "account %s: %s came in or left: balances tell it, net_transfers do not; drawdown rules count it as equity "
            "gained or lost until settings.reference_equity is set anew",
            self._account_id,
            ", ".join(change.transferred),
        )

    def _tell(self, bodies: Iterable[Body]) -> None:
        for body in bodies:
            self._seen["events"] += 1
            self._tools.observer.account_event("snapshot" if body.get("snapshot") else "change")
            value = self._encode(body)
            self._outbox.put([NativeMessage(self._topic, self._account_id.encode(), value, lost=self._lost)])
        if self._stitcher.wants_snapshot:
            self._wanted.set()

    def _lost(self) -> None:
        """Begin anew where an event could not be written."""
        log.error("account %s: an event could not be written; it is begun anew", self._account_id)
        self._stitcher.lost()
        self._wanted.set()

    async def _take_snapshots(self) -> None:
        """Take a snapshot whenever one is wanted, and every now and then to compare."""
        settings = self._tools.settings
        in_a_row = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.accounts_interval_ms / 1000):
                    await self._wanted.wait()
            self._wanted.clear()
            if not self._is_open:
                continue
            try:
                await self._take_snapshot()
            except (RestFault, BadFrame) as fault:
                self._trouble = str(fault)
                self._doubt(fault)
                self._tools.observer.snapshot_failed()
                log.warning("account %s: no snapshot: %s", self._account_id, fault)
                wished = fault.retry_after if isinstance(fault, RestFault) else None
                await asyncio.sleep(max(settings.max_backoff_ms / 1000, wished or 0))
                self._wanted.set()
            else:
                self._trouble = None
                in_a_row = in_a_row + 1 if self._stitcher.wants_snapshot else 0
                least = _PAUSE_SECONDS if self._stitcher.is_whole else _FIRST_PAUSE_SECONDS
                await asyncio.sleep(min(settings.max_backoff_ms / 1000, least * 2.0 ** min(in_a_row, 10)))

    async def _take_snapshot(self) -> None:
        self._stitcher.asked()
        asked_ms = self._tools.now_ms()
        requests = self._dialect.snapshot_requests(self._access, asked_ms)
        answers = [await self._rest.ask(request) for request in requests]
        snapshot = self._dialect.read_snapshot(answers, asked_ms)
        self._refused = None
        was_whole = self._stitcher.is_whole
        bodies = self._stitcher.snapshot(snapshot)
        self._seen["snapshots"] += 1
        self._seen["snapshot_at_ms"] = asked_ms
        if was_whole and bodies:
            log.warning("account %s: a snapshot differs from what its stream has told", self._account_id)
        if not was_whole and self._stitcher.is_whole:
            log.info("account %s: told whole", self._account_id)
        self._tell(bodies)

    def _doubt(self, fault: Exception) -> None:
        """Tell no more of an account that is not supported, and begin it anew should it be again."""
        if isinstance(fault, NotSupported):
            self._refused = str(fault)
            self._stitcher.lost()

    async def _keep_stream(self) -> None:
        """Keep the key of the stream alive; where the venue knows it no more the stream is replaced."""
        keeping = self._dialect.keep_stream(self._access)
        if keeping is None:
            return
        request, every_seconds = keeping
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self._rest.ask(request)
            except RestFault as fault:
                log.warning("account %s: the key of its stream: %s", self._account_id, fault)
                if self._dialect.knows_no_key(fault):
                    self._group.retire()
