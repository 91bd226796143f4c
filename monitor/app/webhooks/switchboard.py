"""The switchboard: gives every event to the targets that ask for it, and escalates what nobody acknowledges.

Its records say all there is to know: how far every partition of the log was taken in, the tally of each target, and
each message that waits. They are states, one for each key, so a compacted topic keeps them; written in one transaction
with what is parked, they make the bookkeeping exact however often the sender dies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from monitor.app.ports import TopicPartition
from monitor.app.webhooks.messages import Event, Message, escalation_of, from_text, message_of, to_text
from monitor.app.webhooks.queue import Answer, Parked, Queue, Tally
from monitor.app.webhooks.targets import Target

_POSITION, _TALLY, _MESSAGE = "position", "target", "message"


class BadState(Exception):
    """A record of the state that nobody of ours has written; the text names it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Hold what one transaction writes: states by key (None: gone), and what was parked."""

    states: Mapping[bytes, bytes | None]
    parked: tuple[Parked, ...]


class Switchboard:
    """Hold the queues of all targets, and how far the log was taken in."""

    def __init__(self, targets: Mapping[str, Target], chance: Callable[[], float]) -> None:
        self.queues = {name: Queue(target, chance) for name, target in targets.items()}
        self.positions: dict[TopicPartition, int] = {}
        self._moved: dict[TopicPartition, None] = {}
        self._parked: list[Parked] = []
        self._states: dict[bytes, bytes | None] = {}

    def restore(self, records: Iterable[tuple[bytes, bytes | None]], now_ms: int) -> None:
        """Go on from the records of the state, in the order they were written. Raises `BadState`.

        What waited for a target that is not configured any more is parked.
        """
        tallies: dict[str, Tally] = {}
        messages: dict[tuple[str, str], Message] = {}
        for key, value in records:
            try:
                kind, name, rest = _parts(key)
                if kind == _POSITION:
                    if value is not None:
                        self.positions[TopicPartition(name, int(rest))] = int(value)
                elif kind == _TALLY and value is not None:
                    tallies[name] = Tally(**json.loads(value))
                elif kind == _MESSAGE and value is not None:
                    messages[name, rest] = from_text(value)
                elif kind == _MESSAGE:
                    messages.pop((name, rest), None)
                else:
                    raise BadState(f"{key!r}: no kind of state")
            except (ValueError, TypeError, KeyError) as fault:
                raise BadState(f"{key!r}: {fault}") from None
        for name, queue in self.queues.items():
            of_target = [message for (target, _), message in messages.items() if target == name]
            queue.restore(tallies.get(name, Tally()), of_target, now_ms)
        for name in sorted({name for name, _ in messages} - self.queues.keys()):
            left = [message for (target, _), message in messages.items() if target == name]
            self._strike(name, tallies.get(name, Tally()), sorted(left, key=lambda one: one.order))
        self._pass_on(now_ms)

    def take(self, event: Event, now_ms: int) -> bool:
        """Give an event to every target that asks for it; return False where it was taken in before."""
        where = TopicPartition(event.topic, event.partition)
        if event.offset < self.positions.get(where, 0):
            return False
        self.reached(where, event.offset + 1)
        for name, queue in self.queues.items():
            wanted = queue.target.wanted
            if wanted.covers(event.view) and event.view.rank >= wanted.min_rank:
                shown = event if wanted.accounts is None else event._replace(body=event.guarded)
                queue.offer(message_of(shown, name, now_ms), now_ms)
        self._pass_on(now_ms)
        return True

    def start_at(self, where: TopicPartition, position: int) -> None:
        """State where a partition is taken in from, whatever was known of it: it is new to us, or was made anew."""
        self.positions[where] = position
        self._moved[where] = None

    def reached(self, where: TopicPartition, position: int) -> None:
        """Note that everything before a position was taken in, or is none of ours; never goes back."""
        if position > self.positions.get(where, 0):
            self.positions[where] = position
            self._moved[where] = None

    @property
    def is_pressing(self) -> bool:
        """Whether more has changed than how far the log was taken in: that alone can wait for what comes with it."""
        return bool(self._parked or self._states) or any(queue.has_changed for queue in self.queues.values())

    @property
    def has_moved(self) -> bool:
        """Whether there is a position that is not in the log."""
        return bool(self._moved)

    def begin(self, target: str, now_ms: int) -> Message | None:
        """Return what is to be sent to a target now, None for nothing; `changes` must be in the log before it is."""
        message = self.queues[target].begin(now_ms)
        self._pass_on(now_ms)
        return message

    def answered(self, target: str, answer: Answer, now_ms: int, *, why: str = "", wait_ms: int = 0) -> None:
        """Take what a target said to what was begun."""
        self.queues[target].answered(answer, now_ms, why=why, wait_ms=wait_ms)
        self._pass_on(now_ms)

    def escalate(self, now_ms: int) -> int:
        """Tell second targets of what is not acknowledged in time; return how many messages that were."""
        found = 0
        for queue in self.queues.values():
            if queue.target.escalate_to is not None:
                late = queue.overdue(now_ms)
                found += len(late)
                for message in late:
                    self._tell_second(queue, message, now_ms)
        self._pass_on(now_ms)
        return found

    def changes(self) -> Changes:
        """Return, once, what must be in the log before anything that was begun is sent."""
        states, self._states = self._states, {}
        parked, self._parked = self._parked, []
        for where in self._moved:
            states[_key(_POSITION, where.topic, str(where.partition))] = str(self.positions[where]).encode()
        self._moved = {}
        for name, queue in self.queues.items():
            assert not queue.take_parked(), "what is parked leaves with the message that it was"
            messages, tally = queue.changes()
            for message_id, message in messages.items():
                states[_key(_MESSAGE, name, message_id)] = None if message is None else to_text(message)
            if tally is not None:
                states[_key(_TALLY, name, "")] = json.dumps(tally).encode()
        return Changes(states, tuple(parked))

    def _pass_on(self, now_ms: int) -> None:
        """Collect what was parked, and tell second targets of it that have not been told."""
        for queue in self.queues.values():
            for parked in queue.take_parked():
                self._parked.append(parked)
                if queue.target.escalate_to is not None and not parked.message.escalated:
                    self._tell_second(queue, parked.message, now_ms)
        for queue in self.queues.values():  # second targets do not escalate: what they park goes no further
            self._parked.extend(queue.take_parked())

    def _tell_second(self, queue: Queue, message: Message, now_ms: int) -> None:
        name = queue.target.escalate_to
        assert name is not None, "asked of targets that escalate"
        self.queues[name].offer(escalation_of(message, name, now_ms), now_ms, may_gather=False)

    def _strike(self, name: str, tally: Tally, messages: Iterable[Message]) -> None:
        for message in messages:
            self._parked.append(Parked(name, message, "the target is not configured any more"))
            self._states[_key(_MESSAGE, name, message.id)] = None
            tally.parked += message.events
        self._states[_key(_TALLY, name, "")] = json.dumps(asdict(tally)).encode()


def _key(kind: str, name: str, rest: str) -> bytes:
    return f"{kind}|{name}|{rest}".encode()


def _parts(key: bytes) -> tuple[str, str, str]:
    kind, name, rest = key.decode().split("|")
    return kind, name, rest
