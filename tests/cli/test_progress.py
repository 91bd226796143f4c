"""Tests of progress bars: on a terminal for what takes long, and nowhere else."""

from __future__ import annotations

import io

import pytest

from monitor.cli import progress
from monitor.cli.progress import watched


class Terminal(io.StringIO):
    """Hold what a terminal was sent."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def terminal_on(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal; called within a test, since pytest puts its own there before each."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    return made


def test_what_takes_long_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the patience every item comes once and in order, under a bar that counts them."""
    terminal = terminal_on(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    assert list(watched(range(3), "accounts")) == [0, 1, 2]
    assert "accounts" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_what_is_quick_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the patience nothing is shown."""
    terminal = terminal_on(monkeypatch)
    assert list(watched(range(3), "accounts")) == [0, 1, 2]
    assert list(watched([], "accounts")) == []
    assert terminal.getvalue() == ""


def test_a_pipe_is_sent_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, items pass and nothing is written."""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    assert list(watched(range(3), "accounts")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
