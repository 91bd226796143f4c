"""Tests of `liqmon config` and `liqmon version`."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine's is a setting of the test."""
    monkeypatch.setattr("os.environ", {"PATH": "/usr/bin"})


def test_a_good_configuration_is_said_to_be_good(liqmon: Run, tmp_path: Path) -> None:
    """`config check` says that it is good, and with which profile."""
    path = tmp_path / "monitor.toml"
    path.write_text('[venue]\nprofile = "aster"')
    ran = liqmon("config", "check", "--config", str(path))
    assert (ran.code, ran.err) == (0, "")
    assert "profile aster" in ran.out
    assert orjson.loads(liqmon("config", "check", "--json").out) == {"good": True, "errors": []}


def test_every_error_is_a_line_with_its_path(liqmon: Run, tmp_path: Path) -> None:
    """`config check` ends with 2 and names file, path and reason of each error; as JSON the same."""
    path = tmp_path / "monitor.toml"
    path.write_text("[http]\nport = -1\nprot = 1")
    ran = liqmon("config", "check", "--config", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert f"liqmon: {path}: http.port: must be at least 0, not -1" in ran.err
    assert f"liqmon: {path}: http.prot: unknown key" in ran.err
    ran = liqmon("config", "check", "--json", "--config", str(path))
    assert ran.code == 2
    assert {error["path"] for error in orjson.loads(ran.out)["errors"]} == {"http.port", "http.prot"}


def test_a_configuration_may_come_from_standard_input(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config -` reads standard input, and complaints call it that."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"[http]\nport = 1")))
    assert "port = 1  # standard input" in liqmon("config", "show", "--config", "-").out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"[http")))
    assert "standard input: is not TOML" in liqmon("config", "check", "--config", "-").err


def test_what_is_in_force_is_shown_with_secrets_masked(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`config show` prints values and origins; a value named like a secret is masked, a path to one is not."""
    variables = {"LIQMON_KAFKA__CLIENT__MY_SECRET": "hush", "LIQMON_KAFKA__SASL_PASSWORD_FILE": "/run/password"}
    monkeypatch.setattr("os.environ", variables)
    ran = liqmon("config", "show")
    assert "hush" not in ran.out
    assert 'my_secret = "***"' in ran.out
    assert 'sasl_password_file = "/run/password"' in ran.out
    shown = orjson.loads(liqmon("config", "show", "--json").out)
    assert shown["http.port"] == {"value": 8700, "origin": "default"}
    assert shown["kafka.client.my_secret"]["value"] == "***"


def test_the_versions_are_told(liqmon: Run) -> None:
    """`version` names liqmon, Python and the three libraries that decide how a fault looks."""
    told = orjson.loads(liqmon("version", "--json").out)
    assert list(told) == ["liqmon", "python", "numba", "numpy", "aiokafka"]
    assert "missing" not in told.values()
    assert liqmon("version").out.startswith("liqmon ")
