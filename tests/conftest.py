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

_REFUSED = "LIQMON_REQUIRE_KAFKA=1, but the test skipped"
REQUIRE_KAFKA = os.environ.get("LIQMON_REQUIRE_KAFKA") == "1"


class KafkaAccount:
    """Count the Kafka tests of the whole run, whichever process they ran in."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.skips: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of one report."""
        if "kafka" not in report.keywords:
            return
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skips[_reason(report)] += 1
        elif report.when == "call" and not str(report.longrepr).startswith(_REFUSED):
            self.runs[report.outcome] += 1


def pytest_configure(config: pytest.Config) -> None:
    """Open the account."""
    config.pluginmanager.register(KafkaAccount(), "kafka account")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the Kafka tests: they wait more than they work, and where processes share a suite the others go on.

    Then come those that are allowed to take long: none of them shall be the last, with one process waiting for it.
    """
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("kafka", "timeout")])


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skipped Kafka test a failure where Kafka is required."""
    report = yield
    is_kafka = item.get_closest_marker("kafka") is not None
    if is_kafka and REQUIRE_KAFKA and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{_REFUSED}: {_reason(report)}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the very last line how many Kafka tests ran, how many were skipped, and why."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly or hasattr(config, "workerinput"):
        return
    account: KafkaAccount = config.pluginmanager.get_plugin("kafka account")
    ran, skipped = account.runs.total(), account.skips
    because = "; ".join(f"{count}: {reason}" for reason, count in skipped.most_common())
    reporter.write_line(f"Kafka tests: {ran} run, {skipped.total()} skipped" + (f" ({because})" if because else ""))
