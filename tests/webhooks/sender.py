"""A sender that can die at any moment, a log, and receivers that misbehave: all in memory, with a clock of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from random import Random

from monitor.app.gateway.views import EventView
from monitor.app.webhooks.messages import Event, Message
from monitor.app.webhooks.queue import Answer, Parked
from monitor.app.webhooks.switchboard import Switchboard
from monitor.app.webhooks.targets import Target, check_targets

RANKS = {"healthy": 0, "watch": 1, "warning": 2, "margin_call": 3, "liquidation": 4, "unknown": 8}


def event(number: int, account: str, kind: str = "liquidation", rank: int | None = None, topic: str = "l") -> Event:
    """Return the event at offset `number` of the only partition of a topic."""
    body = {"event_type": kind, "account_id": account, "scope": "x", "sequence": number + 1, "status": kind}
    told = RANKS[kind] if rank is None else rank
    view = EventView(account, "x", number + 1, kind, told, told, "", None, json.dumps(body).encode())
    return Event(topic, 0, number, 1_000 + number, view, view.body)


class Receiver:
    """Keep the first copy of each message, by its id, and hold every later copy against it."""

    def __init__(self) -> None:
        self.taken: dict[str, Message] = {}
        self.tried: dict[str, int] = defaultdict(int)

    def take(self, message: Message) -> None:
        """Take one copy."""
        known = self.taken.setdefault(message.id, message)
        for name in ("events", "kinds", "accounts", "ranges", "shown", "rank"):
            assert getattr(known, name) == getattr(message, name), "one id, two contents"


class World:
    """Run a sender over a log whose records arrive one by one; `random` decides what goes wrong."""

    def __init__(self, targets: list[Target], random: Random, events: list[Event]) -> None:
        self.targets = check_targets(targets)
        self.random = random
        self.events = events
        self.now_ms = 1_000_000
        self.states: dict[bytes, bytes] = {}
        self.parked: list[Parked] = []
        self.receivers = {name: Receiver() for name in self.targets}
        self.gone: set[str] = set()
        self.kills = 0
        self.board = self._started()

    def run(self, steps: int, *, faults: bool = True) -> None:
        """Do what a sender does, again and again, dying in between."""
        for _ in range(steps):
            self.now_ms += self.random.choice((0, 1, 50, 700, 20_000))
            self._take_some()
            self.board.escalate(self.now_ms)
            begun = {name: self.board.begin(name, self.now_ms) for name in self.board.queues}
            if faults and self.random.random() < 0.1:
                self.die()
                continue
            self.commit()
            for name, message in begun.items():
                if message is not None and not self._send(name, message, faults=faults):
                    self.die()
                    break

    def finish(self) -> None:
        """Let everything go well until nothing waits."""
        for _ in range(2_000):
            self.run(1, faults=False)
            self.commit()
            if self._all_taken() and not any(queue.waiting() for queue in self.board.queues.values()):
                return
        raise AssertionError("it never ends")

    def ends(self, target: str) -> list[Message]:
        """Return the messages of a target that were taken or parked; none may be both taken and acknowledged twice."""
        given_up = [one.message for one in self.parked if one.target == target]
        ids = [message.id for message in given_up]
        assert len(ids) == len(set(ids)), "parked twice"
        return [one for one in self.receivers[target].taken.values() if one.id not in ids] + given_up

    def _started(self) -> Switchboard:
        board = Switchboard(self.targets, self.random.random)
        board.restore(list(self.states.items()), self.now_ms)
        return board

    def die(self) -> None:
        """Forget everything that is not in the log, and start again."""
        self.kills += 1
        self.board = self._started()

    def commit(self) -> None:
        """Write what changed, all of it or nothing."""
        changes = self.board.changes()
        for key, value in changes.states.items():
            if value is None:
                self.states.pop(key, None)
            else:
                self.states[key] = value
        self.parked += changes.parked

    def _take_some(self) -> None:
        for one in self.events[self._taken() : self._taken() + self.random.choice((0, 1, 1, 2, 7))]:
            assert self.board.take(one, self.now_ms)
            assert not self.board.take(one, self.now_ms), "taken in twice"

    def _taken(self) -> int:
        """Return how many events of the log are taken in; they are taken in the order they stand in."""
        return sum(self.board.positions.values())

    def _all_taken(self) -> bool:
        return self._taken() == len(self.events)

    def _send(self, name: str, message: Message, *, faults: bool) -> bool:
        """Send; return False where the sender dies over it."""
        self.receivers[name].tried[message.id] += 1
        fate = self.random.choice(("well", "well", "refused", "lost", "killed", "killed late")) if faults else "well"
        if name in self.gone:
            fate = "gone"
        if fate in {"well", "lost", "killed late"}:
            self.receivers[name].take(message)
        if fate.startswith("killed"):
            return False
        answer = {"well": Answer.TAKEN, "gone": Answer.GONE}.get(fate, Answer.FAILED)
        self.board.answered(name, answer, self.now_ms, why=fate)
        if self.random.random() < 0.8:
            self.commit()
        return True
