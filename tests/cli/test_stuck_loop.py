"""A daemon whose event loop stands still, as a supervisor and Prometheus see it from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

STANDSTILL_SECONDS = 5.0
BUDGETS = {
    "LIQMON_WATCHDOG__INTERVAL_MS": "100",
    "LIQMON_WATCHDOG__LOOP_LATE_MS": "1500",
    "LIQMON_WATCHDOG__LOOP_LOST_MS": "2500",
    "LIQMON_WATCHDOG__HOLD_MS": "2000",
    "LIQMON_TOPICS__PARTITIONS": "2",
    "LIQMON_LOG__FORMAT": "human",
}


class Probed:
    """Hold a running daemon and ask it what a supervisor asks."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.folder = folder
        self.log = folder / "daemon.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.stuck_daemon", str(folder)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | BUDGETS | {"LIQMON_HTTP__PORT": str(self._port)},
            )

    def ask(self, path: str) -> tuple[int, str]:
        """Return status and text of one answer; 0 when there is none within a second."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=1) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""

    def metric(self, sample: str) -> float:
        """Return the value of one sample, 0 when it is not there."""
        found = re.search(rf"^{re.escape(sample)} (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0

    def until(self, condition: Callable[[], bool], seconds: float) -> float:
        """Wait until a condition holds; return how long it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds, self.log.read_text()[-2000:]
            time.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Probed]:
    """Return a daemon that is ready."""
    probed = Probed(tmp_path)
    try:
        probed.until(lambda: probed.ask("/readyz")[0] == 200, 150)
        yield probed
    finally:
        probed.process.kill()
        probed.process.wait(10)


@pytest.mark.timeout(240)
def test_a_loop_that_stands_still_is_answered_for_truthfully(daemon: Probed) -> None:
    """While it stands still `/livez` fails within its budget, and for a while after it; then all is taken anew."""
    takeovers = daemon.metric("liqmon_takeovers_total")
    assert daemon.ask("/livez")[0] == 200
    order = daemon.folder / "stand-still"
    order.write_text(str(STANDSTILL_SECONDS))
    daemon.until(lambda: not order.exists(), 10)
    began = time.monotonic()
    daemon.until(lambda: daemon.ask("/livez")[0] == 503, STANDSTILL_SECONDS)
    assert time.monotonic() - began < STANDSTILL_SECONDS, "said while it lasts, not afterwards"
    status, text = daemon.ask("/livez")
    assert (status, daemon.ask("/readyz")[0]) == (503, 503)
    assert "the event loop has stood still" in json.loads(text)["reasons"][0]
    assert daemon.metric('liqmon_watchdog_raised{subject="",watchdog="event_loop"}') == 1
    assert daemon.metric('liqmon_watchdog_alarms_total{watchdog="event_loop"}') == 1
    daemon.until(lambda: daemon.metric('liqmon_watchdog_raised{subject="",watchdog="event_loop"}') == 0, 20)
    status, text = daemon.ask("/livez")
    assert status == 503, "a loop that has just come back does not answer as if nothing had been"
    assert json.loads(text)["reasons"][0].startswith("until ")
    daemon.until(lambda: daemon.ask("/livez")[0] == 200 and daemon.ask("/readyz")[0] == 200, 20)
    assert daemon.metric("liqmon_takeovers_total") == takeovers + 2, "both shards were fenced and restored anew"
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(15) == 0
    lines = [line for line in daemon.log.read_text().splitlines() if "watchdog event_loop:" in line]
    assert ["over after" in line for line in lines] == [False, True]
