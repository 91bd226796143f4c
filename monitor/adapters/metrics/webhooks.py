"""Metrics of the webhooks' sender: what became of the events of each target, what waits, and how attempts went.

The counts of events are the log's, not this process's: they go on over a restart, and only who sends shows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.app.webhooks.observing import Account

SECONDS_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
AGE_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_FATES: Final = ("received", "acknowledged", "digested", "parked")


class WebhookMetrics:
    """Count what the sender does into a registry."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.time) -> None:
        self._standing = _Standing(clock)
        registry.register(self._standing)
        self._active = Gauge("liqmon_webhooks_active", "Whether this instance is the one that sends", registry=registry)
        self._attempts = Counter(
            "liqmon_webhooks_attempts",
            "Attempts, by what the target answered",
            ["target", "answer"],
            registry=registry,
        )
        self._seconds = Histogram(
            "liqmon_webhooks_attempt_seconds",
            "Duration of an attempt",
            ["target"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._age = Histogram(
            "liqmon_webhooks_age_seconds",
            "Age of the last event of a message when the target acknowledged it",
            ["target"],
            buckets=AGE_BUCKETS,
            registry=registry,
        )
        self._commits = Histogram(
            "liqmon_webhooks_commit_seconds", "Duration of a transaction", buckets=SECONDS_BUCKETS, registry=registry
        )
        self._held = Gauge("liqmon_webhooks_held_events", "Events held back for their predecessor", registry=registry)
        self._unreadable = Counter(
            "liqmon_webhooks_unreadable", "Records on output topics that are not ours", ["topic"], registry=registry
        )
        self._gaps = Counter(
            "liqmon_webhooks_chain_gaps", "Events whose predecessor is nowhere in the log", registry=registry
        )
        self._lost = Counter(
            "liqmon_webhooks_lost_offsets",
            "Offsets that were gone from the log before they were read",
            ["topic"],
            registry=registry,
        )
        self._faults = Counter("liqmon_webhooks_log_faults", "Faults of the log", ["kind"], registry=registry)

    def active(self, *, is_active: bool) -> None:
        """Show it; who does not send knows nothing of the targets."""
        self._active.set(is_active)
        if not is_active:
            self._standing.accounts = {}

    def stands(self, accounts: Mapping[str, Account]) -> None:
        """Show it."""
        self._standing.accounts = dict(accounts)

    def attempted(self, target: str, answer: str, seconds: float) -> None:
        """Count and time it."""
        self._attempts.labels(target, answer).inc()
        self._seconds.labels(target).observe(seconds)

    def told(self, target: str, age_seconds: float) -> None:
        """Time it."""
        self._age.labels(target).observe(age_seconds)

    def committed(self, seconds: float) -> None:
        """Time it."""
        self._commits.observe(seconds)

    def held(self, waiting: int) -> None:
        """Show it."""
        self._held.set(waiting)

    def unreadable(self, topic: str) -> None:
        """Count it."""
        self._unreadable.labels(topic).inc()

    def chain_gap(self) -> None:
        """Count it."""
        self._gaps.inc()

    def lost(self, topic: str, offsets: int) -> None:
        """Count it."""
        self._lost.labels(topic).inc(offsets)

    def log_fault(self, kind: str) -> None:
        """Count it."""
        self._faults.labels(kind).inc()


class _Standing(Collector):
    """Tell how the targets stand, as the log has it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.accounts: dict[str, Account] = {}
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; asked from the thread of the HTTP door."""
        accounts = self.accounts
        events = CounterMetricFamily(
            "liqmon_webhooks_events", "Events of a target since its state began, by fate", labels=["target", "fate"]
        )
        waiting = GaugeMetricFamily("liqmon_webhooks_waiting_messages", "Messages that wait", labels=["target"])
        oldest = GaugeMetricFamily(
            "liqmon_webhooks_oldest_seconds", "Age of the oldest event that waits and may go", labels=["target"]
        )
        gone = GaugeMetricFamily(
            "liqmon_webhooks_gone", "Whether the target answered 410 and is told nothing", labels=["target"]
        )
        for name, account in accounts.items():
            for fate in _FATES:
                events.add_metric([name, fate], getattr(account.tally, fate))
            waiting.add_metric([name], account.waiting)
            age = 0.0 if account.oldest_ms is None else max(0.0, self._clock() - account.oldest_ms / 1000)
            oldest.add_metric([name], age)
            gone.add_metric([name], account.is_gone)
        yield from (events, waiting, oldest, gone)
