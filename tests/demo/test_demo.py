"""`liqmon demo` as a user runs it: on a terminal, ended with Ctrl-C, and with options that make no sense."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

COMMAND = [sys.executable, "-m", "monitor.cli.main", "demo"]
SECONDS = 90.0


def until(read: Callable[[], bytes], wanted: str) -> str:
    """Return what is read up to and with some text; fail when it does not come in time."""
    text, deadline = "", time.monotonic() + SECONDS
    while wanted not in text:
        assert time.monotonic() < deadline, f"{wanted!r} did not come: {text[-2000:]}"
        text += read().decode(errors="replace")
    return text


def rest(read: Callable[[], bytes], process: subprocess.Popen[bytes]) -> str:
    """Return what is read until the process has ended."""
    text, deadline = "", time.monotonic() + SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline, f"it does not end: {text[-2000:]}"
        text += read().decode(errors="replace")
    return text + read().decode(errors="replace")


def reader_of(handle: int) -> Callable[[], bytes]:
    """Return how to read what is there, waiting a moment for it."""

    def read() -> bytes:
        if not select.select([handle], [], [], 0.1)[0]:
            return b""
        try:
            return os.read(handle, 65536)
        except OSError:  # the other end of a terminal is gone
            return b""

    return read


@pytest.mark.timeout(240)
def test_ctrl_c_on_a_terminal_ends_the_live_picture_with_the_summary() -> None:
    """The live picture shows statuses and times; Ctrl-C ends it with 0 and the summary, without a traceback."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--accounts", "60", "--seconds", "600"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
    )
    os.close(theirs)
    with process:
        try:
            read = reader_of(mine)
            shown = until(read, "nearest to liquidation")
            process.send_signal(signal.SIGINT)
            ended = rest(read, process)
        finally:
            process.kill()
            os.close(mine)
    assert "mids of a recording" in shown
    assert "60 accounts judged" in shown
    assert "dead letters: 0" in ended
    assert "Traceback" not in shown + ended
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--shock", "-100%"),
        ("--shock", "nan"),
        ("--shock", "much"),
        ("--accounts", "0"),
        ("--accounts", "many"),
        ("--speed", "0"),
        ("--seconds", "-1"),
        ("--seconds", "inf"),
    ],
)
def test_options_that_make_no_sense_are_refused(option: str, value: str) -> None:
    """The command ends with 2 and names the option."""
    done = subprocess.run([*COMMAND, option, value], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr
