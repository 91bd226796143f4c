"""Tests of the deployment files: rules and configuration by Prometheus's own checker, the rest by what it must say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.config.loading import KEYS
from tests.house.source import ROOT

DEPLOY = ROOT / "deploy"


def promtool(*arguments: str) -> None:
    """Run the checker; skip where it is not installed."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run([found, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_good() -> None:
    """Promtool accepts every alert rule."""
    promtool("check", "rules", "alerts.yml")


def test_the_rules_fire_when_they_should() -> None:
    """Promtool runs the rules over series that should and should not alarm."""
    promtool("test", "rules", "alerts_test.yml")


def test_the_scrape_configuration_is_good() -> None:
    """Promtool accepts the configuration that the compose file mounts."""
    promtool("check", "config", "prometheus.yml")


def test_the_dashboard_can_be_drawn() -> None:
    """Every panel has a query on the provisioned data source, and no two panels have one id."""
    board = json.loads((DEPLOY / "grafana/dashboards/liqmon.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    provisioned = (DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["targets"], panel["title"]
        assert f"uid: {panel['datasource']['uid']}\n" in provisioned


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "compose.yaml",
        "systemd/liqmon.service",
        "systemd/liqmon-gateway.service",
        "systemd/liqmon-webhooks.service",
        "systemd/liqmon-feed@.service",
    ],
)
def test_every_variable_is_a_key(name: str) -> None:
    """Each LIQMON_ variable in a deployment file is a key of the configuration."""
    variables = re.findall(r"\bLIQMON_(\w+__\w+)", (DEPLOY / name).read_text())
    assert {variable.lower().replace("__", ".") for variable in variables} <= KEYS.keys()


def test_what_the_compose_file_mounts_exists() -> None:
    """Every file or folder of ours that a service mounts or builds from is in the repository."""
    text = (DEPLOY / "compose.yaml").read_text()
    mounted = re.findall(r"(?m)^\s+- (\./[^:\s]+):", text)
    assert mounted
    assert all((DEPLOY / path).exists() for path in mounted)
    assert (DEPLOY.parent / re.search(r"dockerfile: (\S+)", text)[1]).is_file()  # type: ignore[index]


def test_the_image_has_what_it_copies_and_no_root() -> None:
    """What the Dockerfile copies exists and is let through by its ignore file; it runs as a user of its own."""
    text = (DEPLOY / "Dockerfile").read_text()
    let_through = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"}
    copied = {name for line in re.findall(r"(?m)^COPY ([^-].*)$", text) for name in line.split()[:-1]}
    assert copied <= let_through
    assert all((ROOT / name).exists() for name in copied)
    assert re.search(r"(?m)^USER liqmon$", text)


def test_the_unit_is_good(tmp_path: Path) -> None:
    """Systemd's own checker accepts the unit, but for the program that is not installed here."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "liqmon.service"
    unit.write_text((DEPLOY / "systemd/liqmon.service").read_text().replace("/opt/liqmon/bin/liqmon", "/bin/true"))
    done = subprocess.run([found, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert "liqmon.service" not in done.stderr, done.stderr
