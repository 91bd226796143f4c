"""Metrics of the self-audit: how much was compared with the exact path, what differed, and when a pass was over."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class AuditMetrics:
    """Count what the audit does into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scopes = Counter(
            "liqmon_audited_scopes", "Scopes whose store was compared with the exact path", registry=registry
        )
        self._seconds = Counter("liqmon_audit_seconds", "Kernel time the audit took", registry=registry)
        self._faults = Counter(
            "liqmon_audit_faults",
            "Figures of the store that were not what the facts give",
            ["column"],
            registry=registry,
        )
        self._passed = Gauge(
            "liqmon_audit_pass_timestamp_seconds",
            "When a shard was last looked over whole",
            ["shard"],
            registry=registry,
        )

    def audited(self, scopes: int, seconds: float) -> None:
        """Count scopes and time."""
        self._scopes.inc(scopes)
        self._seconds.inc(seconds)

    def fault(self, column: str) -> None:
        """Count a fault."""
        self._faults.labels(column).inc()

    def passed(self, shard: int) -> None:
        """Show when a pass was over."""
        self._passed.labels(str(shard)).set_to_current_time()

    def forget(self, shard: int) -> None:
        """Show no more of a shard that is not ours any more."""
        self._passed.remove_by_labels({"shard": str(shard)})
