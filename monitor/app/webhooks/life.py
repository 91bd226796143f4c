"""A life: one sender from its fence to its first fault; then everything is forgotten and read from the log again.

The order of things makes the bookkeeping exact. An attempt is counted and committed before it is made, so none is made
that the log does not know; what a target answers is committed with what comes next, so an answer that is lost is one
more attempt of the same message, by the same id. What a transaction holds was true at one moment: how far the topics
were taken in, what waits, what was parked.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Mapping

from monitor.app.ports import LogReader, OutputRecord, ShardWriter, TopicPartition
from monitor.app.webhooks.bodies import body_of
from monitor.app.webhooks.intake import Intake
from monitor.app.webhooks.messages import Message, to_text
from monitor.app.webhooks.observing import Account
from monitor.app.webhooks.queue import Answer, Parked, Queue
from monitor.app.webhooks.restoring import Tools
from monitor.app.webhooks.switchboard import Changes, Switchboard

log = logging.getLogger(__name__)

QUIET_SECONDS = 3.0
"""After so long without a record the log is asked whether it is there: a client of it may wait for ever in silence."""
_POLL_RECORDS = 500
_POLL_MS = 200
_WAITING_POLL_MS = 20
_TICK_SECONDS = 0.5
_POSITIONS_SECONDS = 1.0
"""Positions that moved past what no target asks for are committed this often."""


class Life:
    """Take in, commit, send, until a fault; `stop` lets it end by itself."""

    def __init__(self, tools: Tools, reader: LogReader, writer: ShardWriter, board: Switchboard) -> None:
        self._tools = tools
        self._reader = reader
        self._writer = writer
        self._board = board
        guards = any(target.wanted.accounts is not None for target in tools.targets.values())
        self._intake = Intake(tools.places, tools.codec, tools.observer, guards=guards)
        self._wake = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._flying: set[asyncio.Task[None]] = set()
        self._committed = tools.clock()
        self._stop_at: float | None = None
        self.heard = tools.clock()

    def stop(self) -> None:
        """Begin nothing more, and end once what is under way has ended, or its time has."""
        self._stop_at = self._tools.clock() + self._tools.settings.drain_ms / 1000
        if self._reading is not None:
            self._reading.cancel()
        self._wake.set()

    async def run(self) -> None:
        """Live. Raises, in a group, what reading and writing raise."""
        self._reader.assign(self._positions())
        async with asyncio.TaskGroup() as tasks:
            self._reading = tasks.create_task(self._read(), name="webhooks: events")
            await self._work(tasks)
            for task in (self._reading, *self._flying):
                task.cancel()

    async def _read(self) -> None:
        board, intake, reader, tools = self._board, self._intake, self._reader, self._tools
        while True:
            for record in await reader.poll(_POLL_RECORDS, _WAITING_POLL_MS if intake.is_waiting else _POLL_MS):
                self.heard = tools.clock()
                for event in intake.feed(record):
                    board.take(event, tools.now_ms())
            for event in await intake.settle(reader):
                board.take(event, tools.now_ms())
            for where, position in intake.passed(reader):
                board.reached(where, position)
            if board.is_pressing:
                self._wake.set()
            if tools.clock() - self.heard >= QUIET_SECONDS:
                await reader.end_offsets(tools.places.event_places())
                self.heard = tools.clock()
            await asyncio.sleep(0)

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        board, tools = self._board, self._tools
        while True:
            self._wake.clear()
            begun: dict[str, Message] = {}
            if self._stop_at is None:
                if late := board.escalate(tools.now_ms()):
                    log.warning("%d messages were not acknowledged in time: their second targets are told", late)
                for name in board.queues:
                    if (message := board.begin(name, tools.now_ms())) is not None:
                        begun[name] = message
            if board.is_pressing or (board.has_moved and tools.clock() >= self._committed + _POSITIONS_SECONDS):
                await self._commit()
            for name, message in begun.items():
                task = tasks.create_task(self._send(name, message), name=f"webhooks: {name}")
                self._flying.add(task)
                task.add_done_callback(self._landed)
            is_over = self._stop_at is not None and (not self._flying or tools.clock() >= self._stop_at)
            if is_over and not board.is_pressing:
                return
            await self._sleep()

    async def _sleep(self) -> None:
        """Wait for something to do."""
        now_ms = self._tools.now_ms()
        due = [wake for queue in self._board.queues.values() if (wake := queue.wake_ms()) is not None]
        seconds = min(_TICK_SECONDS, max(0, min(due, default=now_ms + 60_000) - now_ms) / 1000)
        if self._stop_at is not None:  # nothing is begun any more, whatever is due
            seconds = max(0.0, min(_TICK_SECONDS, self._stop_at - self._tools.clock()))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _commit(self) -> None:
        changes, positions = self._board.changes(), self._positions()
        begun = self._tools.clock()
        await self._writer.write(_records(self._tools, changes), positions)
        self._committed = self._tools.clock()
        self._tools.observer.committed(self._committed - begun)
        self._tools.observer.stands(accounts_of(self._board.queues, self._tools.now_ms()))
        given_up: Counter[tuple[str, str]] = Counter()
        for parked in changes.parked:
            given_up[parked.target, parked.reason] += parked.message.events
        for (name, reason), events in given_up.items():
            log.error("%s: %d events are parked: %s", name, events, reason)

    def _positions(self) -> dict[TopicPartition, int]:
        """Return how far the event topics are taken in; the state may know of others, from another configuration."""
        return {where: self._board.positions[where] for where in self._tools.places.event_places()}

    async def _send(self, name: str, message: Message) -> None:
        tools, queue = self._tools, self._board.queues[name]
        begun = tools.clock()
        reply = await tools.delivery.deliver(queue.target, message.id, body_of(message, queue.target.format))
        now_ms = tools.now_ms()
        tools.observer.attempted(name, reply.answer.value, tools.clock() - begun)
        if reply.answer is Answer.TAKEN:
            tools.observer.told(name, max(0, now_ms - message.last_ms) / 1000)
        else:
            most = queue.target.pace.max_attempts
            log.warning("%s: %s (attempt %d of %d)", name, reply.why, message.attempts, most)
        if reply.answer is Answer.GONE:
            log.error("%s wants no more and is told nothing; `liqmon webhooks --enable %s` undoes that", name, name)
        self._board.answered(name, reply.answer, now_ms, why=reply.why, wait_ms=reply.wait_ms)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._wake.set()


def accounts_of(queues: Mapping[str, Queue], now_ms: int) -> dict[str, Account]:
    """Return how targets stand."""
    found = {}
    for name, queue in queues.items():
        waiting = queue.waiting()
        late = [one.first_ms for one in waiting if one.attempts or one.hold_ms <= now_ms]
        found[name] = Account(queue.tally, len(waiting), min(late, default=None), queue.is_gone)
    return found


def _records(tools: Tools, changes: Changes) -> list[OutputRecord]:
    states = [OutputRecord(tools.state, 0, key, value) for key, value in changes.states.items()]
    return states + [OutputRecord(tools.parked, 0, one.target.encode(), _parked(one)) for one in changes.parked]


def _parked(parked: Parked) -> bytes:
    told = {
        "schema": 1,
        "target": parked.target,
        "reason": parked.reason,
        "message": json.loads(to_text(parked.message)),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


async def commit_once(tools: Tools, writer: ShardWriter, board: Switchboard) -> None:
    """Write what changed, for whoever does nothing else. Raises what writing raises."""
    await writer.write(_records(tools, board.changes()), {})
