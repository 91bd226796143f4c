"""Metrics of a venue feed: what came, what became of it, and how its connections and the log do."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Info

from monitor.app.venue_feed.ports import Ending


class FeedMetrics:
    """Count what a feed does into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._of_streams(registry)
        self._of_lines(registry)
        self._of_the_log(registry)
        self._of_terms(registry)
        self._of_accounts(registry)

    def _of_streams(self, registry: CollectorRegistry) -> None:
        self._frames = Counter("liqmon_feed_frames", "Frames with news", ["stream"], registry=registry)
        self._received = Gauge(
            "liqmon_feed_received_timestamp_seconds",
            "When the last news of a stream came; its age is time() minus this",
            ["stream"],
            registry=registry,
        )
        self._lag = Gauge(
            "liqmon_feed_event_lag_seconds", "How far event times are behind our clock", ["stream"], registry=registry
        )
        self._rows = Counter("liqmon_feed_rows", "Rows by what became of them", ["fate"], registry=registry)
        self._bad_frames = Counter("liqmon_feed_bad_frames", "Frames of no known shape", registry=registry)
        self._gaps = Counter("liqmon_feed_gaps", "Times a stream left out what it should say", registry=registry)

    def _of_lines(self, registry: CollectorRegistry) -> None:
        self._connected = Gauge("liqmon_feed_connections", "Connections that work", ["group"], registry=registry)
        self._ended = Counter("liqmon_feed_connections_ended", "Ends of connections", ["ending"], registry=registry)
        for ending in Ending:
            self._ended.labels(ending.value)
        self._ready = Gauge("liqmon_feed_ready", "1 while everything flows that should", registry=registry)
        self._build = Info("liqmon_feed_build", "The venue and the versions", registry=registry)

    def _of_the_log(self, registry: CollectorRegistry) -> None:
        self._written = Counter("liqmon_feed_messages", "Messages the log has kept", ["topic"], registry=registry)
        self._dropped = Counter(
            "liqmon_feed_dropped", "Messages that are not written", ["topic", "reason"], registry=registry
        )
        self._waiting = Gauge("liqmon_feed_waiting_messages", "Messages waiting for the log", registry=registry)
        self._log_faults = Counter("liqmon_feed_log_faults", "Faults of the log", ["fault"], registry=registry)

    def _of_terms(self, registry: CollectorRegistry) -> None:
        self._changes = Counter("liqmon_feed_terms_changes", "Terms new or changed", ["topic"], registry=registry)
        self._terms_failed = Counter("liqmon_feed_terms_failures", "Attempts to learn terms", registry=registry)
        self._brackets = Gauge(
            "liqmon_feed_contracts", "Contracts by where their brackets come from", ["brackets"], registry=registry
        )

    def _of_accounts(self, registry: CollectorRegistry) -> None:
        self._account_events = Counter(
            "liqmon_feed_account_events", "Account events by what they were made of", ["kind"], registry=registry
        )
        self._account_signals = Counter(
            "liqmon_feed_account_signals", "What venues say they do to accounts", ["kind"], registry=registry
        )
        self._snapshots_failed = Counter(
            "liqmon_feed_snapshot_failures", "Attempts to take snapshots of accounts", registry=registry
        )

    def build(self, venue: str, version: str) -> None:
        """Tell the venue and our version."""
        self._build.info({"venue": venue, "version": version})

    def frame(self, stream: str, received_ms: int, lag_ms: int) -> None:
        """Count a frame and show its times."""
        self._frames.labels(stream).inc()
        self._received.labels(stream).set(received_ms / 1000)
        self._lag.labels(stream).set(lag_ms / 1000)

    def rows(self, fate: str, count: int) -> None:
        """Count rows."""
        self._rows.labels(fate).inc(count)

    def bad_frame(self) -> None:
        """Count a frame."""
        self._bad_frames.inc()

    def gap(self) -> None:
        """Count a gap."""
        self._gaps.inc()

    def connected(self, group: str, count: int) -> None:
        """Show connections."""
        self._connected.labels(group).set(count)

    def ended(self, ending: Ending) -> None:
        """Count an end."""
        self._ended.labels(ending.value).inc()

    def written(self, topic: str) -> None:
        """Count a message."""
        self._written.labels(topic).inc()

    def dropped(self, topic: str, why: str) -> None:
        """Count a message."""
        self._dropped.labels(topic, why).inc()

    def waiting(self, count: int) -> None:
        """Show the messages that wait."""
        self._waiting.set(count)

    def terms_changed(self, role: str) -> None:
        """Count a change."""
        self._changes.labels(role).inc()

    def terms_failed(self) -> None:
        """Count a failure."""
        self._terms_failed.inc()

    def brackets(self, by_source: Mapping[str, int]) -> None:
        """Show where brackets come from."""
        for source, count in by_source.items():
            self._brackets.labels(source).set(count)

    def account_event(self, kind: str) -> None:
        """Count an event."""
        self._account_events.labels(kind).inc()

    def account_signal(self, kind: str) -> None:
        """Count a signal."""
        self._account_signals.labels(kind).inc()

    def snapshot_failed(self) -> None:
        """Count a failure."""
        self._snapshots_failed.inc()

    def log_fault(self, kind: str) -> None:
        """Count a fault."""
        self._log_faults.labels(kind).inc()

    def ready(self, *, is_ready: bool) -> None:
        """Show readiness."""
        self._ready.set(is_ready)
