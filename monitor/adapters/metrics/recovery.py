"""Metrics of recovery: from where shards were restored, and what became of their snapshots."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

RESTORE_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)
"""A million accounts take seconds from a snapshot and tens of seconds from the changelog."""


class RecoveryMetrics:
    """Count what restoring does into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._damaged = Counter(
            "liqmon_state_damaged",
            "Restores refused because the changelog has not the hash it states",
            ["shard"],
            registry=registry,
        )
        self._seconds = Histogram(
            "liqmon_restore_seconds",
            "Time until the image of a shard was read",
            ["source"],
            buckets=RESTORE_BUCKETS,
            registry=registry,
        )
        self._taken = Gauge(
            "liqmon_snapshot_timestamp_seconds",
            "When the last snapshot of a shard was taken; its age is time() minus this",
            ["shard"],
            registry=registry,
        )
        self._bytes = Gauge("liqmon_snapshot_bytes", "Size of the last snapshot", ["shard"], registry=registry)
        self._writing = Gauge("liqmon_snapshot_write_seconds", "Writing it took", ["shard"], registry=registry)
        self._failed = Counter("liqmon_snapshot_failures", "Snapshots not written", ["shard"], registry=registry)
        self._ignored = Counter(
            "liqmon_snapshots_ignored", "Snapshots not used, by reason", ["reason"], registry=registry
        )

    def damaged(self, shard: int) -> None:
        """Count a changelog that was refused."""
        self._damaged.labels(str(shard)).inc()

    def read(self, source: str, seconds: float) -> None:
        """Time the reading of an image."""
        self._seconds.labels(source).observe(seconds)

    def written(self, shard: int, size: int, seconds: float, created_ms: int) -> None:
        """Show a snapshot."""
        self._bytes.labels(str(shard)).set(size)
        self._writing.labels(str(shard)).set(seconds)
        self._taken.labels(str(shard)).set(created_ms / 1000)

    def failed(self, shard: int) -> None:
        """Count a snapshot that was not written."""
        self._failed.labels(str(shard)).inc()

    def ignored(self, reason: str) -> None:
        """Count a snapshot that was not used."""
        self._ignored.labels(reason).inc()

    def forget(self, shard: int) -> None:
        """Show no more of the snapshots of a shard that is not ours any more."""
        for gauge in (self._bytes, self._writing, self._taken):
            gauge.remove_by_labels({"shard": str(shard)})
