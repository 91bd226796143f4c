"""Tests of the front door: help, exit codes, and what is said when something goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.app.ports import LogForbidden, LogUnavailable
from monitor.cli import main as front
from monitor.cli.exits import BadInput, OutsideFault
from tests.cli.conftest import Run


def a_command(action: Any) -> SimpleNamespace:
    """Return a command that does this."""

    def add_parser(subparsers: Any) -> None:
        subparsers.add_parser("version")

    return SimpleNamespace(add_parser=add_parser, execute=action)


def raising(fault: BaseException) -> Any:
    """Return an action that raises."""

    def execute(args: Any) -> int:
        raise fault

    return execute


def test_help_names_every_command(liqmon: Run) -> None:
    """`liqmon --help` lists the commands and the exit codes, and ends well."""
    ran = liqmon("--help")
    assert ran.code == 0
    for name in front.COMMANDS:
        assert re.search(rf"\n    {name}\s", ran.out)
    assert "exit codes" in ran.out


@pytest.mark.parametrize("name", front.COMMANDS)
def test_every_command_has_help(liqmon: Run, name: str) -> None:
    """`liqmon COMMAND --help` ends well and says something."""
    ran = liqmon(name, "--help")
    assert ran.code == 0
    assert f"usage: liqmon {name}" in ran.out


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("version", "--nonsense"), ("config",)])
def test_wrong_usage_is_bad_input(liqmon: Run, arguments: tuple[str, ...]) -> None:
    """No command, an unknown one, an unknown flag: exit 2 and the usage on standard error."""
    ran = liqmon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "usage: liqmon" in ran.err


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (BadInput("book.json: accounts[0]: no id"), 2),
        (OutsideFault("the feed ended"), 3),
        (LogUnavailable("no broker"), 3),
        (LogForbidden("wrong password"), 3),
        (PermissionError(13, "Permission denied", "file"), 3),
        (ExceptionGroup("tasks", [LogUnavailable("no broker"), ExceptionGroup("inner", [BadInput("x")])]), 3),
        (ExceptionGroup("tasks", [LogUnavailable("no broker"), KeyError("ours")]), 70),
        (KeyError("ours"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_fault_ends_with_its_code(
    liqmon: Run, monkeypatch: pytest.MonkeyPatch, fault: BaseException, code: int
) -> None:
    """The caller's fault is 2, the world's 3, ours 70; of several the worst; without a traceback unless it is ours."""
    monkeypatch.setattr(front, "_command", lambda name: a_command(raising(fault)))
    ran = liqmon("version")
    assert ran.code == code
    assert ("Traceback" in ran.err) == (code == 70)
    assert ("our own bug: KeyError" in ran.err) == (code == 70)


def test_optimized_python_is_refused() -> None:
    """`python -O` switches assertions off, which the Kafka client needs: nothing is run."""
    command = [sys.executable, "-O", "-m", "monitor.cli.main", "version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "python -O" in done.stderr


def test_a_closed_pipe_is_no_traceback() -> None:
    """Standard output that nobody reads any more ends the command without noise."""
    script = "import sys; from monitor.cli.main import main; sys.exit(main(['config', 'show']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
    assert (process.returncode, complaint) == (3, b"")


def test_only_the_command_asked_for_is_loaded() -> None:
    """`liqmon version` loads neither the kernels nor the Kafka client nor the configuration."""
    script = (
        "import sys; from monitor.cli.main import main; main(['version'])\n"
        "heavy = {'numba', 'numpy', 'aiokafka', 'monitor.config', 'structlog', 'rich'}\n"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
