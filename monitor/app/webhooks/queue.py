"""The queue of one target: what waits, what is tried next, and what becomes of it; a state machine without a clock.

Messages leave in order and one at a time: while one fails, those behind it wait. What is held (a digest that is open,
quiet hours) is passed by what is not, except by events of its own accounts, which join it: so no account is ever told
something old after something new. Every event taken in ends in exactly one of three ways, and is counted once:
acknowledged by itself, told in a digest that was acknowledged, or parked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum

from monitor.app.webhooks.messages import Message, joined
from monitor.app.webhooks.targets import Target


class Answer(Enum):
    """Name what a target may say."""

    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"


@dataclass(slots=True)
class Tally:
    """Count the events of a target: `received` = `acknowledged` + `digested` + `parked` + those that wait.

    `gone` is the mark of the address that said it wants no more, empty where none did.
    """

    received: int = 0
    acknowledged: int = 0
    digested: int = 0
    parked: int = 0
    attempts: int = 0
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Parked:
    """Hold a message that is given up, and why."""

    target: str
    message: Message
    reason: str


class Queue:
    """Hold what waits for one target. `chance` returns a number from 0 to 1 and spreads what is tried again.

    What changes is collected until `changes` is asked: it must be in the log before anything is done on its strength.
    """

    def __init__(self, target: Target, chance: Callable[[], float]) -> None:
        self.target = target
        self.tally = Tally()
        self.flying: str | None = None
        self._chance = chance
        self._waiting: dict[str, Message] = {}
        self._gathering: dict[str, Message] = {}  # of those: a storm asks for them with every event
        self._orders = 0
        self._free_ms = 0
        self._recent: dict[str, deque[int]] = {}
        self._changed: dict[str, None] = {}
        self._parked: list[Parked] = []

    def restore(self, tally: Tally, messages: Iterable[Message], now_ms: int) -> None:
        """Go on from what the log says, with the address and the quiet hours of now.

        A target that was gone is back when its address is another one; nothing is held for a night that is none now.
        """
        self.tally = tally
        if tally.gone != self.target.mark:
            tally.gone = ""
        self._waiting = {one.id: self._as_of(one, now_ms) for one in sorted(messages, key=lambda one: one.order)}
        self._gathering = {one.id: one for one in self._waiting.values() if one.gathers}
        self._orders = max((message.order for message in self._waiting.values()), default=0)

    @property
    def is_gone(self) -> bool:
        """Whether the target wants no more."""
        return self.tally.gone == self.target.mark

    def waiting(self) -> list[Message]:
        """Return what waits, in order."""
        return sorted(self._waiting.values(), key=lambda one: one.order)

    def offer(self, message: Message, now_ms: int, *, may_gather: bool = True) -> None:
        """Take a message in; `may_gather` is False where it must be told now, not in a digest of what is alike."""
        self.tally.received += message.events
        if self.is_gone:
            self._park(message, "the target is gone (410)")
            return
        crowded = len(self._waiting) >= self.target.pace.max_waiting
        many = may_gather and self._is_many(message, now_ms)
        quiet = None if self.target.quiet is None or not may_gather else self.target.quiet.end_ms(now_ms, message.rank)
        if quiet is not None:
            message = replace(message, hold_ms=quiet)
        elif many:
            message = replace(message, hold_ms=now_ms + self.target.pace.digest_ms)
        gathering = sorted(self._gathering.values(), key=lambda one: one.order)
        found = [one for one in gathering if not one.accounts.isdisjoint(message.accounts)]
        if not found and (many or crowded or quiet is not None):
            found = self._open(gathering, message, now_ms, crowded=crowded)
        self._orders += 1
        self._put(self._gather(found, replace(message, order=self._orders)))

    def begin(self, now_ms: int) -> Message | None:
        """Return what is to be sent now, None for nothing; its attempt is counted, and must be in the log first."""
        while self.flying is None and now_ms >= self._free_ms and (message := self._next(now_ms)) is not None:
            if message.attempts >= self.target.pace.max_attempts:
                self._park(message, "the outcome of the last attempt is not known")
                continue
            message = replace(message, attempts=message.attempts + 1)
            self._put(message)
            self.tally.attempts += 1
            self.flying = message.id
            self._free_ms = now_ms + self.target.pace.interval_ms
            return message
        return None

    def answered(self, answer: Answer, now_ms: int, *, why: str = "", wait_ms: int = 0) -> None:
        """Take what the target said to what was begun; `wait_ms` is how long it wishes to be left alone."""
        assert self.flying is not None, "only what was begun is answered"
        message, self.flying = self._waiting[self.flying], None
        if answer is Answer.TAKEN:
            self._leave(message)
            if message.is_digest:
                self.tally.digested += message.events
            else:
                self.tally.acknowledged += 1
        elif answer is Answer.GONE:
            self.tally.gone = self.target.mark
            for one in self.waiting():
                self._park(one, "the target is gone (410)")
        elif message.attempts >= self.target.pace.max_attempts:
            self._park(message, why or "failed")
        else:
            pace = self.target.pace
            wait = max(pace.backoff(message.attempts, self._chance()), min(wait_ms, pace.max_backoff_ms))
            self._put(replace(message, due_ms=now_ms + wait))

    def wake_ms(self) -> int | None:
        """Return when `begin` may have something, None where nothing waits or something is on its way."""
        if self.flying is not None or not self._waiting:
            return None
        tried = next((one for one in self._waiting.values() if one.attempts), None)
        due = tried.due_ms if tried is not None else min(one.hold_ms for one in self._waiting.values())
        return max(due, self._free_ms)

    def overdue(self, now_ms: int) -> list[Message]:
        """Return what nobody has acknowledged in time, and note that the second target is told of it.

        What is held by quiet hours or for its digest is not late; its time begins when it may go.
        """
        late_ms = now_ms - self.target.escalate_ms
        found = [one for one in self.waiting() if not one.escalated and max(one.made_ms, one.hold_ms) <= late_ms]
        for one in found:
            self._put(replace(one, escalated=True))
        return found

    def enable(self) -> None:
        """Send to a target that was gone again."""
        self.tally.gone = ""
        self._changed.setdefault("", None)

    @property
    def has_changed(self) -> bool:
        """Whether `changes` would return anything."""
        return bool(self._changed)

    def take_parked(self) -> list[Parked]:
        """Return, once, what was parked."""
        parked, self._parked = self._parked, []
        return parked

    def changes(self) -> tuple[dict[str, Message | None], dict[str, int | str] | None]:
        """Return, once, the messages that changed (None: has left), and the tally if anything did."""
        changed, self._changed = self._changed, {}
        messages = {name: self._waiting.get(name) for name in changed if name}
        return messages, asdict(self.tally) if changed else None

    def _next(self, now_ms: int) -> Message | None:
        for message in self.waiting():
            if message.attempts:
                return message if message.due_ms <= now_ms else None
        return next((one for one in self.waiting() if one.hold_ms <= now_ms), None)

    def _as_of(self, message: Message, now_ms: int) -> Message:
        if message.attempts or message.hold_ms <= now_ms + self.target.pace.digest_ms:
            return message
        quiet = None if self.target.quiet is None else self.target.quiet.end_ms(now_ms, message.rank)
        return replace(message, hold_ms=min(message.hold_ms, now_ms if quiet is None else quiet))

    def _is_many(self, message: Message, now_ms: int) -> bool:
        """Tell whether this is one more than may be told by itself. After a restart the count begins anew."""
        pace = self.target.pace
        alike = f"{message.rank}|{'|'.join(sorted(message.kinds))}"
        recent = self._recent.setdefault(alike, deque(maxlen=pace.digest_after))
        is_many = len(recent) == pace.digest_after and recent[0] > now_ms - pace.digest_ms
        if not is_many:
            recent.append(now_ms)
        return is_many

    def _open(self, gathering: list[Message], message: Message, now_ms: int, *, crowded: bool) -> list[Message]:
        """Return the digest that takes in what is alike, or anything where too much waits."""
        for one in reversed(gathering):
            if (crowded or self._suits(one, message, now_ms)) and len(one.accounts) < self.target.pace.max_accounts:
                return [one]
        if crowded and not (
            (last := max(self._waiting.values(), key=lambda one: one.order)).attempts or last.escalated
        ):
            return [last]
        return []

    def _suits(self, one: Message, message: Message, now_ms: int) -> bool:
        """Tell whether a digest is of what is alike; or, in a storm, already tells of its like among worse things.

        What waits for the morning is alike only what does: neither is told early, nor anything late.
        """
        if one.hold_ms <= now_ms:
            return False
        if one.rank == message.rank and one.kinds.keys() == message.kinds.keys():
            return True
        soon_ms = now_ms + self.target.pace.digest_ms
        is_storm = one.hold_ms <= soon_ms and message.hold_ms <= soon_ms
        return is_storm and one.rank >= message.rank and message.kinds.keys() <= one.kinds.keys()

    def _gather(self, found: list[Message], message: Message) -> Message:
        """Return one message for those found and this one.

        What gathers has everything later of its accounts in it, so it may move back in the queue, and must where it
        takes in an account that may wait in between.
        """
        if not found:
            return message
        together = found[0]
        for one in found[1:]:
            self._leave(together)
            together = replace(joined(together, one), id=one.id, order=one.order)
        knows = message.accounts <= together.accounts
        together = joined(together, message)
        return together if knows else replace(together, order=message.order)

    def _put(self, message: Message) -> None:
        self._waiting[message.id] = message
        if message.gathers:
            self._gathering[message.id] = message
        else:
            self._gathering.pop(message.id, None)
        self._changed[message.id] = None

    def _leave(self, message: Message) -> None:
        self._waiting.pop(message.id, None)
        self._gathering.pop(message.id, None)
        self._changed[message.id] = None

    def _park(self, message: Message, reason: str) -> None:
        self._leave(message)
        self.tally.parked += message.events
        self._parked.append(Parked(self.target.name, message, reason))
