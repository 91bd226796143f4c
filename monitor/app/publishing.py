"""Publishing of statuses: how soon a change is written to `account-status`, and how small a change is worth a record.

The settings live here; what a status says and how it is encoded do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

AT_LEAST_ONE = {"at_least": 1}


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Hold the intervals.

    Attributes:
        publish_interval_ms: a change of status, and at watch or worse a moved ratio, is written within this.
        healthy_interval_ms: the figures of a healthy scope are written within this after an account event.
        min_change: how far the margin ratio must have moved since it was last written (absolute: 0.01 is one percent
            of the requirement).
    """

    publish_interval_ms: int = field(default=1_000, metadata=AT_LEAST_ONE)
    healthy_interval_ms: int = field(default=60_000, metadata=AT_LEAST_ONE)
    min_change: Decimal = field(default=Decimal("0.01"), metadata={"at_least": 0})
