"""`liqmon feed` in a process of its own, as a user starts it, with a configuration file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
request_timeout_ms = 2000
[topics]
prefix = "{prefix}"
partitions = 2
[venue]
profile = "binance-usdm"
[feed]
websocket_url = "{venue}"
http_port = {port}
terms_interval_ms = 0
backoff_ms = 50
max_backoff_ms = 200
[watchdog]
heartbeat_ms = 200
"""


class FeedProgram:
    """Hold a running `liqmon feed VENUE`."""

    def __init__(self, venue: str, config: Path, port: int) -> None:
        self._port = port
        self._output = config.with_suffix(".log")
        with self._output.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor.cli.main", "feed", venue, "--config", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def is_ready(self) -> bool:
        """Return whether `/readyz` answers 200; fail when the process has ended."""
        assert self.process.poll() is None, self.said()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def said(self) -> str:
        """Return everything it has logged."""
        return self._output.read_text()

    def stop(self) -> int:
        """End it as a supervisor does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def kill(self) -> None:
        """Make sure that nothing is left."""
        self.process.kill()
        self.process.wait(10)
