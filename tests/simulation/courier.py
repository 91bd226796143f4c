"""The courier between producers and topics: messages come late, out of order, twice, spoilt, or not at all.

What it does to a message is drawn from the seed. What stands in a topic is what counts: the oracle reads it there.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

Deliver = Callable[[str, bytes | None, bytes | None, int | None], object]
"""Appends to an input topic: its role, key, value, partition."""
Message = tuple[str, bytes | None, bytes | None, int | None]


@dataclass(slots=True)
class Courier:
    """Carry messages; the rates are chances of each message."""

    chance: random.Random
    deliver: Deliver
    tally: Counter[str]
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    poisoned: float = 0.0
    latest_seconds: float = 1.0
    _waiting: dict[int, tuple[asyncio.TimerHandle, Message]] = field(default_factory=dict)
    _sent: int = 0

    def send(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None) -> None:
        """Take a message on its way."""
        if self._is("message lost", self.lost):
            return
        if value and self._is("message poisoned", self.poisoned):
            value = spoilt(value, self.chance)
        for _ in range(2 if self._is("message doubled", self.doubled) else 1):
            message = (topic, key, value, partition)
            if self._is("message late", self.late):
                self._delay(message)
            else:
                self.deliver(*message)

    def flush(self) -> None:
        """Deliver what is still on its way."""
        for number in list(self._waiting):
            self._arrive(number)

    def _is(self, what: str, rate: float) -> bool:
        happens = rate > 0 and self.chance.random() < rate
        self.tally[what] += happens
        return happens

    def _delay(self, message: Message) -> None:
        self._sent += 1
        delay = self.chance.uniform(0.0, self.latest_seconds)
        handle = asyncio.get_running_loop().call_later(delay, self._arrive, self._sent)
        self._waiting[self._sent] = handle, message

    def _arrive(self, number: int) -> None:
        handle, message = self._waiting.pop(number)
        handle.cancel()
        self.deliver(*message)


def spoilt(value: bytes, chance: random.Random) -> bytes | None:
    """Return a value damaged in some way; now and then it still means something."""
    place = chance.randrange(len(value))
    match chance.randrange(6):
        case 0:
            return value[:place]
        case 1:
            return value[:place] + bytes([chance.randrange(256)]) + value[place + 1 :]
        case 2:
            digits = [index for index, byte in enumerate(value) if chr(byte).isdigit()]
            place = chance.choice(digits or [0])
            return value[:place] + str(chance.randrange(10)).encode() + value[place + 1 :]
        case 3:
            return value[:place] + value
        case 4:
            return b"\xff" + value
        case _:
            return None
