"""Telling: what the readings of one account cross, as events and as memory.

What crossing means is in `crossing`, the shape of an event in `event`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from monitor.core.accounts import EMPTY
from monitor.core.amounts import Number, format_amount
from monitor.core.board import MarketBoard
from monitor.core.events import Moment
from monitor.core.outcome import Outcome
from monitor.core.rules.crossing import crossed
from monitor.core.rules.doubts import Doubts
from monitor.core.rules.event import rule_event
from monitor.core.rules.evidence import rule_evidence
from monitor.core.rules.memory import RuleMemory
from monitor.core.rules.parameters import Rule
from monitor.core.rules.readings import Reading
from monitor.core.rules.registry import Watched
from monitor.core.verdict import Ladders

Doubted = tuple[Reading, Doubts]


class Telling(NamedTuple):
    """Tell what the readings of one account cross."""

    watched: Watched
    board: MarketBoard
    ladders: Ladders
    memory: RuleMemory
    moment: Moment
    outcome: Outcome
    to_remember: set[str]

    def tell(self, rule: Rule, levels: Sequence[Number], readings: Sequence[Doubted]) -> None:
        """Tell every level that a reading has crossed, arm what has come back, forget targets that are gone."""
        for doubted in readings:
            self.tell_one(rule, levels, doubted)
        self.forget_others(rule, [reading.target for reading, _ in readings])

    def tell_one(
        self,
        rule: Rule,
        levels: Sequence[Number],
        doubted: Doubted,
        *,
        strict: bool = False,
        remembered: Mapping[str, Any] = EMPTY,
    ) -> None:
        """Tell every level that one reading has crossed, and arm what has come back; nothing where it is not known.

        `remembered` goes into the evidence: what does not follow from the present market.
        """
        reading, doubts = doubted
        if reading.measure is None or doubts.stale:
            return
        target = (str(rule), reading.target)
        result = crossed(rule, reading.measure, levels, self.memory.levels_of(target), strict=strict)
        if self.memory.set_levels(target, result.disarmed):
            self.to_remember.add(self.watched.account.account_id)
        for level in result.fired:
            known = {"levels": [format_amount(one) for one in levels], **remembered}
            self._tell(rule, known, doubted, level)

    def forget_others(self, rule: Rule, present: Collection[str]) -> None:
        """Forget what has fired on targets of a rule that are there no more: should they come back, they are armed."""
        for target in [one for one in self.memory.disarmed if one[0] == rule and one[1] not in present]:
            self.memory.set_levels(target, frozenset())
            self.to_remember.add(self.watched.account.account_id)

    def _tell(self, rule: Rule, remembered: dict[str, Any], doubted: Doubted, level: Number) -> None:
        account, (reading, doubts) = self.watched.account, doubted
        self.memory.sequence += 1
        evidence = rule_evidence(account, self.board, self.ladders, remembered)
        event = rule_event(account, rule, reading, level, self.memory.sequence, doubts.degraded, self.moment, evidence)
        self.outcome.of(account.account_id).events.append(event)
