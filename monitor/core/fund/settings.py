"""How long a closed claim may wait for the fund's own figure to show it. Only the number and its meaning live here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FundSettings:
    """Hold how claims on insurance funds are settled.

    Attributes:
        settle_ms: a claim whose scope has closed counts until the fund's next figure, at most so long.
    """

    settle_ms: int = field(default=60_000, metadata={"at_least": 0})
