"""Settings of the whole suite: hypothesis profiles, and the account of the Kafka tests in the last line.

Fixtures live beside the tests that use them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "house")

REQUIRE_KAFKA = os.environ.get("LIQMON_REQUIRE_KAFKA") == "1"
KAFKA_RUNS: pytest.StashKey[Counter[str]] = pytest.StashKey()
KAFKA_SKIPS: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Open the account."""
    config.stash[KAFKA_RUNS] = Counter()
    config.stash[KAFKA_SKIPS] = Counter()


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the Kafka tests; where Kafka is required a skipped one is a failure."""
    report = yield
    if item.get_closest_marker("kafka") is None:
        return report
    if report.skipped and not hasattr(report, "wasxfail"):
        if REQUIRE_KAFKA:
            report.outcome = "failed"
            report.longrepr = f"LIQMON_REQUIRE_KAFKA=1, but the test skipped: {_reason(report)}"
        else:
            item.config.stash[KAFKA_SKIPS][_reason(report)] += 1
    elif call.when == "call":
        item.config.stash[KAFKA_RUNS][report.outcome] += 1
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the very last line how many Kafka tests ran, how many were skipped, and why."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly or hasattr(config, "workerinput"):
        return
    ran, skipped = config.stash[KAFKA_RUNS].total(), config.stash[KAFKA_SKIPS]
    because = "; ".join(f"{count}: {reason}" for reason, count in skipped.most_common())
    reporter.write_line(f"Kafka tests: {ran} run, {skipped.total()} skipped" + (f" ({because})" if because else ""))
