"""Tests of the deployment files: rules and configuration by Prometheus's own checker, the rest by what it must say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.config import load
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
        "subscribers.toml",
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


def service_blocks() -> dict[str, str]:
    """Return the text of each service of the compose file."""
    text = (DEPLOY / "compose.yaml").read_text()
    inside = text[text.index("\nservices:\n") : text.index("\nsecrets:\n")]
    parts = re.split(r"(?m)^  ([a-z]+):\n", inside)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


OURS = ("liqmon", "feed", "replay", "gateway", "webhooks", "topics")


@pytest.mark.parametrize("name", OURS)
def test_services_of_ours_may_do_little(name: str) -> None:
    """Each has the read-only root, no capabilities and no new privileges; long-lived ones restart after the topics."""
    text = (DEPLOY / "compose.yaml").read_text()
    ours, service = (re.search(rf"(?s)x-{word}: &{word}\n(.*?)\n\n", text) for word in ("ours", "service"))
    assert ours is not None
    assert service is not None
    assert all(word in ours[1] for word in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"))
    assert "<<: *ours" in service[1]
    assert "service_completed_successfully" in service[1]
    assert ("<<: *ours" if name == "topics" else "<<: *service") in service_blocks()[name]
    assert "user:" not in service_blocks()[name]


@pytest.mark.parametrize(("name", "key"), [("feed", "feed"), ("gateway", "gateway"), ("webhooks", "webhooks")])
def test_health_and_scrapes_ask_the_port_a_service_has(name: str, key: str) -> None:
    """The health check and Prometheus ask the port that is the default of the process."""
    port = KEYS[f"{key}.http_port"].default
    assert f"http://127.0.0.1:{port}/livez" in service_blocks()[name]
    scraped = (DEPLOY / "prometheus/prometheus.yml").read_text()
    assert f"job_name: liqmon-{name}\n" in scraped
    assert f"names: [{name}], type: A, port: {port} " in scraped


def test_what_subscribers_read_is_a_configuration_whose_secrets_are_mounted() -> None:
    """The file loads, and every secret it names is one that the services that need it are given."""
    settings = load(DEPLOY / "subscribers.toml")
    [target] = settings.webhooks.targets.values()
    blocks, text = service_blocks(), (DEPLOY / "compose.yaml").read_text()
    for name, path in (
        ("gateway", settings.gateway.token_file),
        ("webhooks", target.url_file),
        ("webhooks", target.secret_file),
    ):
        assert path is not None
        assert path.parent == Path("/run/secrets")
        given = re.search(r"secrets: \[(.*)\]", blocks[name])
        assert given is not None
        assert path.name in given[1].split(", ")
        source = re.search(rf"(?m)^  {path.name}: {{ file: \./secrets/(\S+) }}$", text)
        assert source is not None
        assert source[1] in (DEPLOY / "secrets/README").read_text()


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
