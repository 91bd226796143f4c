"""Metrics of the work itself: how long transactions, steps and the engine take, and where processor time goes."""

from __future__ import annotations

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitor.app.observing import Stage

TRANSACTION_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""A commit takes 7 to 30 ms on an idle broker; the longest a transaction may live is 10 s."""

WORK_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Re-margining a million accounts takes 10 to 20 ms; more than a second starves the heartbeats' margin."""

LATE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Where it has a core of its own, the loop is late by less than 10 ms in 99 of 100 looks."""


class WorkMetrics:
    """Time work into a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._transaction = Histogram(
            "liqmon_transaction_seconds", "Begin to commit", buckets=TRANSACTION_BUCKETS, registry=registry
        )
        self._records = Counter("liqmon_records_written", "Records committed", registry=registry)
        self._kernel = Histogram(
            "liqmon_kernel_seconds", "The engine's work on a step", buckets=WORK_BUCKETS, registry=registry
        )
        self._step = Histogram(
            "liqmon_step_seconds", "Records at hand to commit", buckets=TRANSACTION_BUCKETS, registry=registry
        )
        self._stages = Counter(
            "liqmon_stage_cpu_seconds", "Processor time by stage of the work", ["stage"], registry=registry
        )
        for stage in get_args(Stage):
            self._stages.labels(stage)
        self._late = Histogram(
            "liqmon_event_loop_lateness_seconds", "Lateness of each timer", buckets=LATE_BUCKETS, registry=registry
        )
        self._lag = Gauge("liqmon_event_loop_lag_seconds", "Lateness of the last timer", registry=registry)
        self._tasks = Gauge("liqmon_tasks", "Tasks of the event loop that have not ended", registry=registry)

    def transaction(self, seconds: float, records: int) -> None:
        """Time a committed transaction and count its records."""
        self._transaction.observe(seconds)
        self._records.inc(records)

    def kernel(self, seconds: float) -> None:
        """Time the engine's work on one step."""
        self._kernel.observe(seconds)

    def stage(self, stage: Stage, seconds: float) -> None:
        """Count processor time."""
        self._stages.labels(stage).inc(seconds)

    def step(self, seconds: float) -> None:
        """Time one step."""
        self._step.observe(seconds)

    def loop_lag(self, seconds: float) -> None:
        """Show how late a timer was, and count it."""
        self._lag.set(seconds)
        self._late.observe(seconds)

    def tasks(self, running: int) -> None:
        """Show the tasks of the event loop."""
        self._tasks.set(running)
