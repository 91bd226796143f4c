"""Tests of the metrics room: what each verb of the observer changes in a registry of its own."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import PrometheusObserver, exposition
from monitor.app.observing import Observer, SilentObserver
from monitor.app.ports import TopicPartition
from monitor.core.fund.figures import FundFigures

VERBS = [name for name, _ in inspect.getmembers(Observer, inspect.isfunction) if not name.startswith("_")]


class Seen:
    """An observer with its registry and a short way to a value."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        """Return a sample, None when it is not there."""
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def seen() -> Seen:
    """Return a fresh one."""
    return Seen()


def test_both_observers_keep_the_port() -> None:
    """The metrics and the silent observer can stand wherever the port is asked for."""
    observers: list[Observer] = [SilentObserver(), PrometheusObserver(CollectorRegistry())]
    for observer in observers:
        for verb in VERBS:
            expected = inspect.signature(getattr(Observer, verb)).parameters.keys() - {"self"}
            assert inspect.signature(getattr(observer, verb)).parameters.keys() == expected


def test_the_silent_observer_takes_everything() -> None:
    """Every verb can be called on the observer that listens to nobody."""
    for verb in VERBS:
        method = getattr(SilentObserver(), verb)
        assert method(*[None] * len(inspect.signature(method).parameters)) is None


@pytest.mark.parametrize(
    ("verb", "arguments", "name", "labels", "expected"),
    [
        ("price_message", (3,), "liqmon_price_messages_total", {}, 1),
        ("price_message", (3,), "liqmon_prices_applied_total", {}, 3),
        ("judged", (400,), "liqmon_scopes_judged_total", {}, 400),
        ("tasks", (17,), "liqmon_tasks", {}, 17),
        ("audited", (9, 0.5), "liqmon_audited_scopes_total", {}, 9),
        ("audited", (9, 0.5), "liqmon_audit_seconds_total", {}, 0.5),
        ("audit_fault", ("sizes",), "liqmon_audit_faults_total", {"column": "sizes"}, 1),
        ("account_events", (3,), "liqmon_account_events_total", {}, 3),
        ("duplicate", ("mark-prices",), "liqmon_duplicates_total", {"topic": "mark-prices"}, 1),
        ("event", ("liquidation",), "liqmon_events_total", {"event_type": "liquidation"}, 1),
        (
            "dead_letter",
            ("account-events", "bad_key"),
            "liqmon_dead_letters_total",
            {"topic": "account-events", "reason": "bad_key"},
            1,
        ),
        ("transaction", (0.02, 7), "liqmon_transaction_seconds_count", {}, 1),
        ("transaction", (0.02, 7), "liqmon_records_written_total", {}, 7),
        ("kernel", (0.25,), "liqmon_kernel_seconds_sum", {}, 0.25),
        ("stage", ("judge", 0.25), "liqmon_stage_cpu_seconds_total", {"stage": "judge"}, 0.25),
        ("step", (0.25,), "liqmon_step_seconds_bucket", {"le": "0.25"}, 1),
        ("takeover", (), "liqmon_takeovers_total", {}, 1),
        ("held_instruments", (2,), "liqmon_held_instruments", {}, 2),
        ("unjudged", (9,), "liqmon_unjudged_price_messages_total", {}, 9),
        ("loop_lag", (0.5,), "liqmon_event_loop_lag_seconds", {}, 0.5),
        ("loop_lag", (0.005,), "liqmon_event_loop_lateness_seconds_bucket", {"le": "0.005"}, 1),
        ("fund_decisions", ("covered", 2), "liqmon_fund_decisions_total", {"kind": "covered"}, 2),
        ("log_fault", ("WriterFenced",), "liqmon_log_faults_total", {"fault": "WriterFenced"}, 1),
        ("build", ({"python": "3.11"},), "liqmon_build_info", {"python": "3.11"}, 1),
    ],
)
def test_a_verb_counts_into_its_metric(
    seen: Seen, verb: str, arguments: tuple[Any, ...], name: str, labels: dict[str, str], expected: float
) -> None:
    """Each verb changes exactly the metric named after it."""
    getattr(seen.observer, verb)(*arguments)
    assert seen.value(name, **labels) == expected


def test_an_input_shows_position_lag_and_time(seen: Seen) -> None:
    """Position, offsets to the end, and the log's time in seconds; an input without a record has no time."""
    where = TopicPartition("mark-prices", 0)
    seen.observer.position(where, 5, 9, None)
    labels = {"topic": "mark-prices", "partition": "0"}
    assert seen.value("liqmon_input_position", **labels) == 5
    assert seen.value("liqmon_input_lag_records", **labels) == 4
    assert seen.value("liqmon_input_timestamp_seconds", **labels) is None
    seen.observer.position(where, 10, 9, 1_700_000_000_500)
    assert seen.value("liqmon_input_lag_records", **labels) == 0
    assert seen.value("liqmon_input_timestamp_seconds", **labels) == 1_700_000_000.5


def test_scopes_are_shown_by_status_and_by_kind_of_reason(seen: Seen) -> None:
    """Reasons are counted by their first word, so that a symbol never becomes a label; what ends goes to 0."""
    unknown = {"missing_asset:BTC": 1, "missing_asset:ETH": 2, "no_snapshot": 4}
    seen.observer.scopes(1, {"healthy": 5}, unknown, {"stale_price:BTCUSDT": 1})
    assert seen.value("liqmon_scopes", shard="1", status="healthy") == 5
    assert seen.value("liqmon_scopes", shard="1", status="bankrupt") == 0
    assert seen.value("liqmon_unknown_scopes", shard="1", reason="missing_asset") == 3
    assert seen.value("liqmon_degraded_scopes", shard="1", reason="stale_price") == 1
    seen.observer.scopes(1, {}, {}, {})
    assert seen.value("liqmon_unknown_scopes", shard="1", reason="no_snapshot") == 0
    assert seen.value("liqmon_scopes", shard="1", status="healthy") == 0


def test_funds_are_shown_as_long_as_they_are_kept(seen: Seen) -> None:
    """Each figure of a fund has its gauge; one that cannot be told is NaN; a fund that is gone is not shown."""
    seen.observer.funds(1, [FundFigures("main", 100.0, 20.0, 0.8, 1, None)])
    labels = {"shard": "1", "fund": "main"}
    names = ("balance", "left", "drawdown", "open_claims")
    assert [seen.value(f"liqmon_fund_{name}", **labels) for name in names] == [100, 20, 0.8, 1]
    assert math.isnan(seen.value("liqmon_fund_runway_seconds", **labels) or 0)
    seen.observer.funds(1, [])
    assert seen.value("liqmon_fund_balance", **labels) is None


def test_a_shard_that_leaves_takes_its_figures_along(seen: Seen) -> None:
    """One stage is 1 at a time; when the shard is not ours nothing of it is shown any more."""
    for shard in (1, 2):
        seen.observer.shard(shard, "restoring")
        seen.observer.scopes(shard, {"watch": 1}, {"no_snapshot": 1}, {})
    seen.observer.shard(1, "steady")
    assert seen.value("liqmon_shard_state", shard="1", state="steady") == 1
    assert seen.value("liqmon_shard_state", shard="1", state="restoring") == 0
    seen.observer.shard(1, None)
    for name, labels in (("shard_state", {"state": "steady"}), ("scopes", {"status": "watch"})):
        assert seen.value(f"liqmon_{name}", shard="1", **labels) is None
    assert seen.value("liqmon_unknown_scopes", shard="2", reason="no_snapshot") == 1
    seen.observer.scopes(1, {}, {}, {})
    assert seen.value("liqmon_unknown_scopes", shard="1", reason="no_snapshot") is None


def test_the_exposition_is_what_a_scraper_reads(seen: Seen) -> None:
    """The text carries the metrics and says its type."""
    content_type, text = exposition(seen.registry)
    assert content_type.startswith("text/plain")
    assert b"liqmon_price_messages_total 0.0" in text
