"""Faults: what the self-audit has found, with its evidence.

Only the shape lives here. What is compared is in `store_audit` and `auditor`, what is said about it the application's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Fault(NamedTuple):
    """Hold one figure that is not what the facts give.

    `scope` and `symbol` are empty where it belongs to none. `is_structure`: it says where something is found (a row, a
    list, a page), so that nothing that hangs on it can be mended in its place; whatever else differs has been mended.
    """

    column: str
    stored: float
    right: float
    scope: str = ""
    symbol: str = ""
    account_id: str = ""
    is_structure: bool = False

    @property
    def difference(self) -> float:
        """How far off it was, as a share of what it should be; infinite where that is 0 or not known."""
        if not self.right or self.right != self.right or self.stored != self.stored:
            return float("inf")
        return abs(self.stored - self.right) / abs(self.right)


@dataclass(slots=True)
class Findings:
    """Hold what one step of the audit did: how many scopes it looked at, what differed, and whether a pass ended."""

    scopes: int = 0
    faults: list[Fault] = field(default_factory=list)
    is_pass_over: bool = False

    @property
    def needs_new_store(self) -> bool:
        """Whether the store cannot be mended in its place: the shard must be taken over anew."""
        return any(fault.is_structure for fault in self.faults)
