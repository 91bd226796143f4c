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
    assert orjson.loads(liqmon("config", "check", "--json").out) == {"good": True, "errors": [], "warnings": []}


ODD = """
[[brackets.ODDUSDT]]
floor = "0"
rate = "0.01"
[[brackets.ODDUSDT]]
floor = "1000"
rate = "0.02"
deduction = "12"
"""


def test_a_warning_is_said_and_changes_nothing(liqmon: Run, tmp_path: Path) -> None:
    """A published deduction off the chain is a warning on standard error and in JSON; the check is still good."""
    path = tmp_path / "monitor.toml"
    path.write_text(ODD)
    ran = liqmon("config", "check", "--config", str(path))
    assert ran.code == 0
    assert ran.out.startswith("the configuration is good")
    reason = "12 is published, the chain gives 10; the published figure stands"
    assert ran.err == f"liqmon: warning: {path}: brackets.ODDUSDT[1].deduction: {reason}\n"
    told = orjson.loads(liqmon("config", "check", "--json", "--config", str(path)).out)
    warning = {"path": "brackets.ODDUSDT[1].deduction", "source": str(path), "reason": reason}
    assert told == {"good": True, "errors": [], "warnings": [warning]}


def test_one_profile_or_every_one_can_be_checked(liqmon: Run, tmp_path: Path) -> None:
    """`--profile` stands above the configured one; `--every-profile` also checks those beside the file."""
    assert "profile aster" in liqmon("config", "check", "--profile", "aster").out
    assert liqmon("config", "check", "--profile", "nowhere").code == 2
    (tmp_path / "venues").mkdir()
    (tmp_path / "venues" / "mine.toml").write_text(ODD.replace("0.02", "0.005").replace("12", "1"))
    path = tmp_path / "monitor.toml"
    path.write_text("")
    ran = liqmon("config", "check", "--every-profile", "--config", str(path))
    assert ran.code == 2
    assert "profile mine: brackets.ODDUSDT[1].rate: must not fall: 0.01 stands before it" in ran.err
    assert {"aster", "generic"} <= {line.rpartition(" ")[2] for line in ran.out.splitlines()}
    assert "mine" not in ran.out
    assert liqmon("config", "check", "--every-profile", "--config", "-").code == 2


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
