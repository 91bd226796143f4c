"""Where processor time went between two moments, and how late the daemon's event loop was, as figures."""

from __future__ import annotations

from typing import Final

from bench.e2e.latency import quantile_of
from bench.e2e.process import Cpu
from bench.e2e.result import Figure
from bench.e2e.stage import Moment
from bench.measures import Goal

STAGES: Final = (
    ("decode", "messages decoded and validated"),
    ("apply", "account messages applied, their accounts judged"),
    ("judge", "prices and the clock: everybody judged, what changed proved"),
    ("encode", "records made"),
    ("rank", "holders ranked for the ADL queue"),
)
_LATE: Final = "liqmon_event_loop_lateness_seconds_bucket"


def cores(before: Moment, after: Moment) -> list[Figure]:
    """Return shares of a core: the daemon's with its split, the broker's, the bench's own."""
    seconds = after.at - before.at
    figures = []
    whole, loop = _between(before.daemon, after.daemon)
    if whole is not None and loop is not None:
        figures.append(Figure("daemon, of one core", whole / seconds, "cores", Goal(1.0, is_least=False)))
    staged = 0.0
    for stage, what in STAGES:
        spent = counted(before, after, "liqmon_stage_cpu_seconds_total", stage=stage)
        staged += spent
        figures.append(Figure(f"of that: {stage}", spent / seconds, "cores", note=what))
    audited = counted(before, after, "liqmon_audit_seconds_total")
    staged += audited
    figures.append(Figure("of that: audit", audited / seconds, "cores", note="scopes compared with the exact path"))
    if whole is not None and loop is not None:
        rest = whole - staged
        figures.append(Figure("of that: client", rest / seconds, "cores", note="client of the log, event loop, hash"))
        figures.append(Figure("of all: the event loop's thread", loop / seconds, "cores"))
    for name, one, other in (("broker", before.broker, after.broker),):
        spent_whole, _ = _between(one, other)
        if spent_whole is not None:
            figures.append(Figure(name, spent_whole / seconds, "cores"))
    figures.append(Figure("the bench itself", (after.bench - before.bench) / seconds, "cores"))
    return figures


def cpu_seconds(before: Moment, after: Moment) -> list[Figure]:
    """Return what the daemon spent, by stage, in seconds of a core."""
    stages = [(stage, counted(before, after, "liqmon_stage_cpu_seconds_total", stage=stage)) for stage, _ in STAGES]
    whole, _ = _between(before.daemon, after.daemon)
    if whole is not None:
        stages += [("client", whole - sum(spent for _, spent in stages))]
    return [Figure(f"processor time: {stage}", spent, "s") for stage, spent in stages]


def lateness(before: Moment, after: Moment, goal_ms: float | None = 10.0) -> list[Figure]:
    """Return how late the event loop was: the edge of the bucket that 99 of 100 timers, or all, are not above."""
    earlier = dict(before.metrics.buckets(_LATE))
    buckets = [(edge, count - earlier.get(edge, 0.0)) for edge, count in after.metrics.buckets(_LATE)]
    timers = buckets[-1][1] if buckets else 0
    goal = None if goal_ms is None else Goal(goal_ms, is_least=False)
    note = f"the bucket's edge; {timers:,.0f} timers"
    return [
        Figure("event loop late, p99, at most", quantile_of(buckets, 0.99) * 1000, "ms", goal, note),
        Figure("event loop late, max, at most", quantile_of(buckets, 1.0) * 1000, "ms"),
    ]


def transactions(before: Moment, after: Moment) -> list[Figure]:
    """Return how many transactions there were, how long one took and how much was in it."""
    count = counted(before, after, "liqmon_transaction_seconds_count")
    spent = counted(before, after, "liqmon_transaction_seconds_sum")
    records = counted(before, after, "liqmon_records_written_total")
    seconds = after.at - before.at
    return [
        Figure("transactions", count / seconds, "/s"),
        Figure(
            "one transaction, mean", 1000 * spent / max(count, 1), "ms", note=f"{records / max(count, 1):.0f} records"
        ),
    ]


def counted(before: Moment, after: Moment, name: str, **labels: str) -> float:
    """Return by how much a counter has risen."""
    return after.metrics.value(name, **labels) - before.metrics.value(name, **labels)


def _between(before: Cpu | None, after: Cpu | None) -> tuple[float | None, float | None]:
    if before is None or after is None:
        return None, None
    return after.whole - before.whole, after.loop - before.loop
