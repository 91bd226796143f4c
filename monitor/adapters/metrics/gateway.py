"""Metrics of the gateway: its clients, what it passed on and how late, and what it keeps."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

AGE_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class GatewayMetrics:
    """Count what the gateway does into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clients = Gauge("liqmon_gateway_clients", "Clients connected", registry=registry)
        self._refused = Counter(
            "liqmon_gateway_refused", "Clients that were not let in, by reason", ["reason"], registry=registry
        )
        self._dropped = Counter(
            "liqmon_gateway_dropped", "Clients that were disconnected, by reason", ["reason"], registry=registry
        )
        self._subscribed = Counter(
            "liqmon_gateway_subscriptions",
            "Subscriptions begun: snapshot, resumed, or why a token was refused",
            ["outcome"],
            registry=registry,
        )
        self._records = Counter("liqmon_gateway_records", "Records passed on, by kind", ["kind"], registry=registry)
        self._messages = Counter(
            "liqmon_gateway_messages", "Messages they became, one for each subscription", ["kind"], registry=registry
        )
        self._age = Histogram(
            "liqmon_gateway_age_seconds",
            "Age of an event's record when the last client's socket had it",
            buckets=AGE_BUCKETS,
            registry=registry,
        )
        self._scopes = Gauge("liqmon_gateway_scopes", "Scopes kept for snapshots", registry=registry)
        self._backlog = Gauge(
            "liqmon_gateway_backlog_bytes", "Memory of the events kept for resuming", registry=registry
        )
        self._waiting = Gauge(
            "liqmon_gateway_waiting_records", "Records held back for their predecessor", registry=registry
        )
        self._unreadable = Counter(
            "liqmon_gateway_unreadable", "Records on output topics that are not ours", ["topic"], registry=registry
        )
        self._gaps = Counter(
            "liqmon_gateway_chain_gaps", "Events whose predecessor is nowhere in the log", registry=registry
        )
        self._faults = Counter("liqmon_gateway_log_faults", "Faults of the log", ["kind"], registry=registry)

    def clients(self, now: int) -> None:
        """Show how many."""
        self._clients.set(now)

    def refused(self, reason: str) -> None:
        """Count it."""
        self._refused.labels(reason).inc()

    def dropped(self, reason: str) -> None:
        """Count it."""
        self._dropped.labels(reason).inc()

    def subscribed(self, outcome: str) -> None:
        """Count it."""
        self._subscribed.labels(outcome).inc()

    def passed_on(self, kind: str, clients: int, age_seconds: float) -> None:
        """Count a record and the messages it became; time events that somebody got."""
        self._records.labels(kind).inc()
        self._messages.labels(kind).inc(clients)
        if clients and kind == "event":
            self._age.observe(age_seconds)

    def held(self, scopes: int, backlog_bytes: int, waiting: int) -> None:
        """Show it."""
        self._scopes.set(scopes)
        self._backlog.set(backlog_bytes)
        self._waiting.set(waiting)

    def unreadable(self, topic: str) -> None:
        """Count it."""
        self._unreadable.labels(topic).inc()

    def chain_gap(self) -> None:
        """Count it."""
        self._gaps.inc()

    def log_fault(self, kind: str) -> None:
        """Count it."""
        self._faults.labels(kind).inc()
