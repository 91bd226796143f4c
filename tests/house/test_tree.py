"""Tests of what is kept under version control: no machine's own paths, no name that is gone."""

from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.metrics import FeedMetrics, GatewayMetrics, PrometheusObserver, WebhookMetrics
from monitor.cli.main import COMMANDS
from tests.house.source import PACKAGE, ROOT, kept_files

LOCAL_PATH = re.compile(r"(?<![\w.$}>])/(?:work|root|home/\w+|Users/\w+)/")
METRIC = re.compile(r"\bliqmon_[a-z_]+")
README = ROOT / "README.md"
OBSERVED = ["deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/liqmon.json"]


def test_no_file_knows_a_machine() -> None:
    """No file names a path that exists on one machine only."""
    found = []
    for path in kept_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if LOCAL_PATH.search(line) and path.name != "test_tree.py"
        ]
    assert not found


def known_metrics() -> set[str]:
    """Return every sample name the metrics room can produce."""
    registry = CollectorRegistry()
    PrometheusObserver(registry)
    FeedMetrics(registry)
    GatewayMetrics(registry)
    WebhookMetrics(registry)
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",), "gauge": ("",)}
    return {f"{family.name}{suffix}" for family in registry.collect() for suffix in suffixes[family.type]}


@pytest.mark.parametrize("name", OBSERVED)
def test_every_metric_that_is_watched_exists(name: str) -> None:
    """What the alerts and the dashboard ask for is in the metrics room under that name."""
    text = (ROOT / name).read_text()
    asked = set(METRIC.findall(text))
    assert asked
    assert asked <= known_metrics()


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    """A metric nobody looks at is not worth its label: each is drawn or alerted on."""
    asked = {name for file in OBSERVED for name in METRIC.findall((ROOT / file).read_text())}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known_metrics()}
    assert families <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}


def test_every_command_is_registered() -> None:
    """Each module of the command line that offers a parser is one of the commands, and the other way round."""
    rooms = [*(PACKAGE / "cli").glob("*.py"), *(PACKAGE / "cli").glob("*/__init__.py")]
    offering = [path for path in rooms if "\ndef add_parser(" in path.read_text()]
    names = {path.stem if path.stem != "__init__" else path.parent.name for path in offering}
    assert {name.replace("_", "-") for name in names} == set(COMMANDS)


def test_the_readme_names_commands_that_exist() -> None:
    """Every `liqmon …` and `make …` in the README's code is a command or a verb."""
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", README.read_text() if README.exists() else "", re.DOTALL))
    verbs = set(re.findall(r"(?m)^([a-z0-9-]+):", (ROOT / "Makefile").read_text()))
    commands = set(re.findall(r"(?:^|[\s`/])liqmon ([a-z-]+)", code))
    assert commands <= set(COMMANDS)
    assert set(re.findall(r"(?m)(?:^|[\s`])make ([a-z0-9-]+)", code)) <= verbs
