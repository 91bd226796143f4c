"""Metrics: every metric name the monitor has, and the observer that counts into them.

Base units (seconds, bytes), names with the unit last, few labels, never an account. The registry is handed in, so that
two monitors in one process, and every test, have their own. When to alert on which is in `deploy/prometheus/`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Info, generate_latest

from monitor.adapters.metrics.audit import AuditMetrics
from monitor.adapters.metrics.recovery import RecoveryMetrics
from monitor.adapters.metrics.scopes import ScopeMetrics
from monitor.adapters.metrics.work import WorkMetrics
from monitor.app.alarms import Watchdog
from monitor.app.observing import ShardState, Stage
from monitor.app.ports import TopicPartition
from monitor.core.fund.figures import FundFigures
from monitor.core.quality.settings import Reason

_OF_FUNDS = {
    "balance": "What an insurance fund holds, in its asset",
    "left": "Its balance without what it stands for already",
    "drawdown": "Fall of what is left from the peak of the window, as a fraction; NaN without a peak",
    "open_claims": "Claims it stands for",
    "runway_seconds": "How long what is left lasts at the present rate; NaN where figures come too seldom",
}


class PrometheusObserver:
    """Count what the application does into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count_inputs(registry)
        self._count_outputs(registry)
        self._work = WorkMetrics(registry)
        self._gauge_state(registry)
        self._recovery = RecoveryMetrics(registry)
        self._audit = AuditMetrics(registry)

    def _count_inputs(self, registry: CollectorRegistry) -> None:
        self._price_messages = Counter("liqmon_price_messages", "Price messages judged", registry=registry)
        self._prices = Counter("liqmon_prices_applied", "Prices that took effect", registry=registry)
        self._doubted = Counter(
            "liqmon_doubted_prices", "Prices read and doubted, by reason", ["reason"], registry=registry
        )
        for reason in Reason:
            self._doubted.labels(reason.value)
        self._unjudged = Counter(
            "liqmon_unjudged_price_messages", "Price messages too far back to be judged", registry=registry
        )
        self._account_events = Counter("liqmon_account_events", "Account events that took effect", registry=registry)
        self._duplicates = Counter("liqmon_duplicates", "Messages that were no news", ["topic"], registry=registry)
        self._position = Gauge(
            "liqmon_input_position", "Next offset to be read", ["topic", "partition"], registry=registry
        )
        self._lag = Gauge(
            "liqmon_input_lag_records", "Offsets between position and end", ["topic", "partition"], registry=registry
        )
        self._read_time = Gauge(
            "liqmon_input_timestamp_seconds",
            "The log's time of the last record read; its age is time() minus this",
            ["topic", "partition"],
            registry=registry,
        )

    def _count_outputs(self, registry: CollectorRegistry) -> None:
        self._judged = Counter("liqmon_scopes_judged", "Scopes re-margined", registry=registry)
        self._events = Counter("liqmon_events", "Events told", ["event_type"], registry=registry)
        self._dead_letters = Counter(
            "liqmon_dead_letters", "Bad messages set aside", ["topic", "reason"], registry=registry
        )
        self._log_faults = Counter("liqmon_log_faults", "Faults of the log", ["fault"], registry=registry)
        self._takeovers = Counter("liqmon_takeovers", "Shards taken over", registry=registry)

        self._decisions = Counter(
            "liqmon_fund_decisions", "Claims on insurance funds, by what became of them", ["kind"], registry=registry
        )

    def _gauge_state(self, registry: CollectorRegistry) -> None:
        self._scopes = ScopeMetrics(registry)
        self._shards = Gauge(
            "liqmon_shard_state",
            "1 for the stage a shard is in here",
            ["shard", "state"],
            registry=registry,
        )
        self._standby = Gauge(
            "liqmon_standby_lag_records",
            "Records the warm copy of a shard that others own is behind its changelog",
            ["shard"],
            registry=registry,
        )
        self._quarantined = Gauge(
            "liqmon_quarantined_symbols", "Symbols whose last price is not believed", registry=registry
        )
        self._held = Gauge("liqmon_held_instruments", "Instruments waiting for confirmation", registry=registry)
        self._funds = {
            name: Gauge(f"liqmon_fund_{name}", text, ["shard", "fund"], registry=registry)
            for name, text in _OF_FUNDS.items()
        }
        self._raised = Gauge(
            "liqmon_watchdog_raised",
            "1 while a shard or an input has used up the budget of a watchdog",
            ["watchdog", "subject"],
            registry=registry,
        )
        self._alarms = Counter("liqmon_watchdog_alarms", "Budgets used up", ["watchdog"], registry=registry)
        for kind in Watchdog:
            self._alarms.labels(kind.value)
        self._heartbeats = Gauge(
            "liqmon_heartbeat_age_seconds", "Since the last heartbeat of a shard", ["shard"], registry=registry
        )
        self._build = Info("liqmon_build", "Versions", registry=registry)

    def build(self, versions: Mapping[str, str]) -> None:
        """Tell the versions in use."""
        self._build.info(dict(versions))

    def price_message(self, applied: int) -> None:
        """Count a price message and the prices of it that counted."""
        self._price_messages.inc()
        self._prices.inc(applied)

    def judged(self, scopes: int) -> None:
        """Count re-margined scopes."""
        self._judged.inc(scopes)

    def account_events(self, count: int) -> None:
        """Count account events."""
        self._account_events.inc(count)

    def duplicate(self, topic: str) -> None:
        """Count a message that was no news."""
        self._duplicates.labels(topic).inc()

    def event(self, event_type: str) -> None:
        """Count an event."""
        self._events.labels(event_type).inc()

    def dead_letter(self, topic: str, reason: str) -> None:
        """Count a bad message."""
        self._dead_letters.labels(topic, reason).inc()

    def transaction(self, seconds: float, records: int) -> None:
        """Time a committed transaction and count its records."""
        self._work.transaction(seconds, records)

    def kernel(self, seconds: float) -> None:
        """Time the engine's work on one step."""
        self._work.kernel(seconds)

    def stage(self, stage: Stage, seconds: float) -> None:
        """Count processor time."""
        self._work.stage(stage, seconds)

    def step(self, seconds: float) -> None:
        """Time one step."""
        self._work.step(seconds)

    def position(self, where: TopicPartition, offset: int, end: int, timestamp_ms: int | None) -> None:
        """Show how far an input is read."""
        labels = (where.topic, str(where.partition))
        self._position.labels(*labels).set(offset)
        self._lag.labels(*labels).set(max(0, end - offset))
        if timestamp_ms is not None:
            self._read_time.labels(*labels).set(timestamp_ms / 1000)

    def scopes(
        self, shard: int, by_status: Mapping[str, int], unknown: Mapping[str, int], degraded: Mapping[str, int]
    ) -> None:
        """Show the scopes of a shard."""
        self._scopes.show(shard, by_status, unknown, degraded)

    def shard(self, shard: int, state: ShardState | None) -> None:
        """Show the stage of a shard; of one that is not ours any more nothing is shown."""
        if state is None:
            for gauge in (self._shards, *self._funds.values()):
                gauge.remove_by_labels({"shard": str(shard)})
            self._recovery.forget(shard)
            self._audit.forget(shard)
            self._scopes.forget(shard)
            return
        for stage in get_args(ShardState):
            self._shards.labels(str(shard), stage).set(stage == state)

    def standby(self, shard: int, lag: int | None) -> None:
        """Show how far behind a warm copy is, nothing where there is none."""
        if lag is None:
            self._standby.remove_by_labels({"shard": str(shard)})
        else:
            self._standby.labels(str(shard)).set(lag)

    def takeover(self) -> None:
        """Count a takeover."""
        self._takeovers.inc()

    def state_damaged(self, shard: int) -> None:
        """Count a changelog that was refused."""
        self._recovery.damaged(shard)

    def image_read(self, shard: int, source: str, seconds: float) -> None:  # noqa: ARG002 - by source is enough
        """Time the reading of an image."""
        self._recovery.read(source, seconds)

    def snapshot_written(self, shard: int, size: int, seconds: float, created_ms: int) -> None:
        """Show the last snapshot."""
        self._recovery.written(shard, size, seconds, created_ms)

    def snapshot_failed(self, shard: int) -> None:
        """Count a snapshot that was not written."""
        self._recovery.failed(shard)

    def snapshot_ignored(self, shard: int, reason: str) -> None:  # noqa: ARG002 - by reason is enough
        """Count a snapshot that was not used."""
        self._recovery.ignored(reason)

    def held_instruments(self, count: int) -> None:
        """Show the instruments that wait."""
        self._held.set(count)

    def unjudged(self, price_messages: int) -> None:
        """Count price messages that are not judged."""
        self._unjudged.inc(price_messages)

    def doubted_prices(self, reason: str, count: int) -> None:
        """Count doubted prices."""
        self._doubted.labels(reason).inc(count)

    def quarantined(self, symbols: int) -> None:
        """Show how many symbols' prices are not believed."""
        self._quarantined.set(symbols)

    def loop_lag(self, seconds: float) -> None:
        """Show the lateness of the event loop."""
        self._work.loop_lag(seconds)

    def tasks(self, running: int) -> None:
        """Show the tasks of the event loop."""
        self._work.tasks(running)

    def audited(self, scopes: int, seconds: float) -> None:
        """Count what the audit looked at."""
        self._audit.audited(scopes, seconds)

    def audit_fault(self, column: str) -> None:
        """Count what the audit found."""
        self._audit.fault(column)

    def audit_passed(self, shard: int) -> None:
        """Show when a pass of the audit was over."""
        self._audit.passed(shard)

    def funds(self, shard: int, figures: Sequence[FundFigures]) -> None:
        """Show the figures of a shard's funds; a fund that is gone is shown no more."""
        for name, gauge in self._funds.items():
            gauge.remove_by_labels({"shard": str(shard)})
            for each in figures:
                value = getattr(each, name)
                gauge.labels(str(shard), each.fund).set(math.nan if value is None else value)

    def fund_decisions(self, kind: str, count: int) -> None:
        """Count claims by what became of them."""
        self._decisions.labels(kind).inc(count)

    def log_fault(self, kind: str) -> None:
        """Count a fault of the log."""
        self._log_faults.labels(kind).inc()

    def alarm(self, watchdog: str, subject: str) -> None:
        """Show and count an alarm."""
        self._raised.labels(watchdog, subject).set(1)
        self._alarms.labels(watchdog).inc()

    def alarm_over(self, watchdog: str, subject: str) -> None:
        """Show that it is over."""
        self._raised.labels(watchdog, subject).set(0)

    def heartbeat_age(self, shard: int, seconds: float) -> None:
        """Show how long a shard has been silent."""
        self._heartbeats.labels(str(shard)).set(seconds)


def exposition(registry: CollectorRegistry) -> tuple[str, bytes]:
    """Return content type and text of everything in the registry, as Prometheus scrapes it."""
    return CONTENT_TYPE_LATEST, generate_latest(registry)
