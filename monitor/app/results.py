"""Results of a step: what whole messages want written, and which of it belongs into one transaction.

How results are made is the step's business, how they are written the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.reading import Fault
from monitor.app.records import RecordMaker
from monitor.core.outcome import Outcome


@dataclass(slots=True)
class StepResult:
    """Hold what whole messages want written: what they did to accounts, and what goes with the positions past them.

    `tail` is written with the positions and never without them: a dead letter written before its message counts as read
    would be written again by the next owner. `asked` are the types of the events told because another shard asked for
    them, `fund_windows` the funds' windows as they were after these messages. `groups` are all of it as records that
    belong together, the worst first.
    """

    outcome: Outcome = field(default_factory=Outcome)
    tail: list[OutputRecord] = field(default_factory=list)
    inputs: dict[TopicPartition, int] = field(default_factory=dict)
    dead_letters: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fund_windows: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    event_types: list[str] = field(default_factory=list)
    groups: list[list[OutputRecord]] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether this is a part of one message, of which more is to come: the inputs are not used up with it."""
        return self.outcome.goes_on

    def set_aside(self, faults: Iterable[Fault], maker: RecordMaker) -> None:
        """Have bad messages dead-lettered."""
        for fault in faults:
            self.tail.append(maker.dead_letter(fault))
            self.dead_letters.append((fault.record.topic, fault.code))

    def join(self, later: StepResult) -> None:
        """Add what later messages want written."""
        self.outcome.join(later.outcome)
        self.tail += later.tail
        self.inputs |= later.inputs
        self.dead_letters += later.dead_letters
        self.asked += later.asked
        self.fund_windows |= later.fund_windows


@dataclass(slots=True)
class Step:
    """Hold a step: results in order, and how many of the messages at hand were worked through.

    Each result fits into one transaction, unless a single message did more than that: a crash between two transactions
    then leaves a whole number of messages told, or one message in part, which judging it again completes. Of a message
    that is judged in turns each has a step of its own; only with the last turn other messages may be written.
    """

    results: list[StepResult] = field(default_factory=list)
    entries: int = 0
    records: int = 0
    _last_size: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether the message this ends with is to be judged on: the next step begins with it."""
        return bool(self.results) and self.results[-1].goes_on

    @property
    def is_whole(self) -> bool:
        """Whether one transaction is to hold all of it."""
        return len(self.results) <= 1

    def room(self, most: int) -> int:
        """Return how many records, with `__meta__`, may yet join the last result."""
        return most - self._last_size

    def add(self, result: StepResult, most: int) -> None:
        """Join a result to the last one where one transaction, with its `__meta__`, holds both."""
        size = result.outcome.size + len(result.tail)
        if self.results and not result.goes_on and self._last_size + size < most:
            self.results[-1].join(result)
            self._last_size += size
        else:
            self.results.append(result)
            self._last_size = size
