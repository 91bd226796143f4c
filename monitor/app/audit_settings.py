"""The settings of the self-audit: how fast the store is compared with the facts.

Only the keys and their meaning live here.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Hold how fast a deployment looks itself over.

    Attributes:
        rate: scopes a second that are worked out anew, all shards together; 0 switches the audit off.
        full_pass_ms: within what time every shard has been looked at whole, faster than the rate if need be; 0: as the
            rate has it.
    """

    rate: int = field(default=200, metadata={"at_least": 0, "at_most": 100_000})
    full_pass_ms: int = field(default=3_600_000, metadata={"at_least": 0})
