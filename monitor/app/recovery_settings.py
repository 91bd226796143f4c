"""The settings of recovery: what this instance keeps beside the log so that taking over is fast.

Only the keys and their meaning live here; nothing of it is needed for being right, the log alone is.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """Hold what makes a restart fast.

    Attributes:
        snapshot_dir: folder for snapshots of the shards' committed state; "" for none. Account data lie in it.
        snapshot_interval_ms: each shard of this instance is written this often, and at a clean stop.
        standby: keep warm copies of the shards that other instances own.
        standby_shards: of so many of them at most, for the sake of memory; 0: of all.
    """

    snapshot_dir: str = ""
    snapshot_interval_ms: int = field(default=300_000, metadata={"at_least": 1_000})
    standby: bool = False
    standby_shards: int = field(default=0, metadata={"at_least": 0})
