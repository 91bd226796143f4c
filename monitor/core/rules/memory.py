"""What is remembered of an account's rules: its high, the levels that have fired, and how many events there were.

The memory and its packed form live here; how it changes is decided in `watch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from monitor.core.amounts import Number, fraction_of

_FORMAT = "1"
_SECTION = "\x1e"
_FIELD = "\x1f"

Target = tuple[str, str]
"""A rule and what it was measured on: a scope, a sector, a pair of sectors, "" for the account as a whole."""


@dataclass(slots=True)
class RuleMemory:
    """Remember the rules of one account.

    `sequence` counts the events of all rules of the account and is never set back. `high` is the highest total equity
    since the drawdown rule began, in `unit`; None: it has not begun. `disarmed` holds the levels that have fired and
    not been armed again.
    """

    sequence: int = 0
    high: Number | None = None
    unit: str = ""
    disarmed: dict[Target, frozenset[Number]] = field(default_factory=dict)

    def levels_of(self, target: Target) -> frozenset[Number]:
        """Return the disarmed levels of a target."""
        return self.disarmed.get(target, frozenset())

    def set_levels(self, target: Target, levels: frozenset[Number]) -> bool:
        """Set the disarmed levels of a target; return whether that changed anything."""
        if levels == self.levels_of(target):
            return False
        if levels:
            self.disarmed[target] = levels
        else:
            del self.disarmed[target]
        return True

    def forget(self) -> bool:
        """Forget all but the count of events; return whether there was anything else."""
        was_blank = self.high is None and not self.disarmed
        self.high, self.unit, self.disarmed = None, "", {}
        return not was_blank


def pack_rules(memory: RuleMemory) -> bytes:
    """Return the memory as compact bytes."""
    head = _FIELD.join((_FORMAT, str(memory.sequence), _text(memory.high), memory.unit))
    lines = (
        _FIELD.join((rule, target, *(str(level) for level in sorted(levels, key=fraction_of))))
        for (rule, target), levels in sorted(memory.disarmed.items())
    )
    return _SECTION.join((head, *lines)).encode()


def unpack_rules(record: bytes) -> RuleMemory:
    """Return the memory a record holds. Raises ValueError for bytes this version cannot read."""
    head, *lines = record.decode().split(_SECTION)
    form, sequence, high, unit = head.split(_FIELD)
    if form != _FORMAT:
        raise ValueError(f"rules in format {form!r}, this version reads {_FORMAT!r}")
    disarmed: dict[Target, frozenset[Number]] = {}
    for line in lines:
        rule, target, *levels = line.split(_FIELD)
        disarmed[rule, target] = frozenset(map(exact_number, levels))
    return RuleMemory(int(sequence), number_of(high), unit, disarmed)


def _text(number: Number | None) -> str:
    return "" if number is None else str(number)


def number_of(text: str) -> Number | None:
    """Return the number a text states; None for no text."""
    return exact_number(text) if text else None


def exact_number(text: str) -> Number:
    """Return the number a text states exactly: a decimal, or numerator/denominator."""
    return Fraction(text) if "/" in text else Decimal(text)
