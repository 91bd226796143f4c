"""What a judge has to say: complaints by kind, and the figures of a run; finding them is the judge's business."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

DUPLICATE = "duplicates"
LOSS = "losses"
CHAIN = "broken chains"
LETTER = "dead letters"
STATUS = "statuses"
STATE = "states never entered"
POSITION = "positions"
PROOF = "proofs"
PROCESS = "processes"
KINDS = (DUPLICATE, LOSS, CHAIN, LETTER, STATUS, STATE, POSITION, PROOF, PROCESS)


@dataclass
class Verdict:
    """Collect complaints and figures."""

    complaints: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    figures: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def complain(self, kind: str, text: str) -> None:
        """Add one complaint."""
        self.complaints[kind].append(text)

    def expect(self, holds: object, kind: str, text: str) -> None:
        """Complain unless something holds."""
        if not holds:
            self.complain(kind, text)

    @property
    def is_good(self) -> bool:
        """Whether nobody has complained."""
        return not any(self.complaints.values())

    def body(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "verdict": "good" if self.is_good else "bad",
            "complaints": {kind: self.complaints.get(kind, [])[:50] for kind in KINDS},
            "counts": {kind: len(self.complaints.get(kind, ())) for kind in KINDS},
            "figures": dict(self.figures),
            "notes": self.notes,
        }
