"""Metrics of scopes: how many of a shard stand where, and why some are unknown or degraded."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

STATUSES = ("healthy", "watch", "warning", "margin_call", "liquidation", "critical", "takeover", "bankrupt", "unknown")
"""Statuses shown even when nobody has them, so that a graph starts at 0."""


class ScopeMetrics:
    """Show the scopes of shards in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scopes = Gauge("liqmon_scopes", "Scopes by told status", ["shard", "status"], registry=registry)
        self._unknown = Gauge(
            "liqmon_unknown_scopes", "Unknown scopes by reason", ["shard", "reason"], registry=registry
        )
        self._degraded = Gauge(
            "liqmon_degraded_scopes",
            "Scopes that stand on a price in doubt, by why",
            ["shard", "reason"],
            registry=registry,
        )
        self._last_reasons: dict[tuple[int, str], set[str]] = {}

    def show(
        self, shard: int, by_status: Mapping[str, int], unknown: Mapping[str, int], degraded: Mapping[str, int]
    ) -> None:
        """Show the scopes of a shard."""
        for status in {*STATUSES, *by_status}:
            self._scopes.labels(str(shard), status).set(by_status.get(status, 0))
        self._by_reason(self._unknown, "unknown", shard, unknown)
        self._by_reason(self._degraded, "degraded", shard, degraded)

    def forget(self, shard: int) -> None:
        """Show no more of a shard that is not ours any more."""
        for gauge in (self._scopes, self._unknown, self._degraded):
            gauge.remove_by_labels({"shard": str(shard)})
        self._last_reasons = {key: known for key, known in self._last_reasons.items() if key[0] != shard}

    def _by_reason(self, gauge: Gauge, name: str, shard: int, counts: Mapping[str, int]) -> None:
        """Set a gauge by the word before the colon of each reason; what nobody has any more goes to 0."""
        merged = dict.fromkeys(self._last_reasons.get((shard, name), ()), 0)
        for reason, count in counts.items():
            word = reason.partition(":")[0]
            merged[word] = merged.get(word, 0) + count
        self._last_reasons[shard, name] = set(merged)
        for word, count in merged.items():
            gauge.labels(str(shard), word).set(count)
