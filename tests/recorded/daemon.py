"""A daemon as a user starts it: `liqmon run` in a process of its own, with a configuration file."""

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
[topics]
prefix = "{prefix}"
partitions = {partitions}
[prices]
max_age_ms = 0
unknown_after_ms = 0
[http]
port = {port}
"""


def liqmon(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "monitor.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]


class Daemon:
    """Hold a running `liqmon run`."""

    def __init__(self, config: Path, port: int) -> None:
        self._port = port
        self._output = config.with_suffix(".log")
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "monitor.cli.main", "run", "--config", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def is_ready(self) -> bool:
        """Return whether `/readyz` answers 200; fail when the process has ended."""
        assert self._process.poll() is None, self._output.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """End it as a supervisor does; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(15)

    def kill(self) -> None:
        """Make sure that nothing is left."""
        self._process.kill()
        self._process.wait(10)
