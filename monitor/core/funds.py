"""Insurance funds: what a fund holds and which contracts it stands behind.

Only the facts live here; what a fund pays for does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class InsuranceFund:
    """Hold the state of one fund; without `symbols` it stands behind every contract settled in its asset."""

    fund: str
    asset: str
    balance: Decimal
    event_time_ms: int
    symbols: frozenset[str] | None = None
