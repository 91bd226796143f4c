"""The gateway and the example client as a user starts them: processes of their own that can be killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from monitor.app.gateway.access import hash_of
from tests.gateway.house import DESK

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "subscriber.py"
CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
[topics]
prefix = "{prefix}"
[gateway]
port = {port}
http_port = {http_port}
token_file = "{tokens}"
heartbeat_ms = 500
page = true
origins = ["http://127.0.0.1:{port}"]
"""


class GatewayProcess:
    """Hold one `liqmon gateway`, started as often as it is killed."""

    def __init__(self, config: Path, http_port: int) -> None:
        self.config = config
        self._http_port = http_port
        self._output = config.with_suffix(".log").open("a")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "monitor.cli.main", "gateway", "--config", str(self.config)]
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT)

    def is_ready(self) -> bool:
        """Return whether it serves clients; fail when it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.config.with_suffix(".log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def snapshots(self) -> int:
        """Return how many snapshots it has sent whole."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/metrics", timeout=2) as answer:
            found = re.search(rb'liqmon_gateway_subscriptions_total{outcome="snapshot"} ([0-9]+)', answer.read())
        return int(found[1]) if found else 0

    def strike_tokens(self) -> None:
        """Put another token into the place of the one there is, and say so."""
        assert self._process is not None
        tokens = self.config.with_name("tokens.toml")
        tokens.write_text(tokens.read_text().replace(hash_of(DESK), hash_of("another")))
        self._process.send_signal(signal.SIGHUP)

    def end(self, how: signal.Signals) -> int:
        """End it; return its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(15)

    def close(self) -> None:
        """Make sure that nothing is left."""
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGKILL)
        self._output.close()


class ExampleClient:
    """Hold the example client, and what it has printed."""

    def __init__(self, port: int, output: Path, severity: str = "healthy") -> None:
        self._path = output
        with output.open("w") as out:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(EXAMPLE),
                    f"ws://127.0.0.1:{port}/v1",
                    DESK,
                    json.dumps({"min_severity": severity}),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def lines(self) -> list[str]:
        """Return the lines that are whole."""
        return self._path.read_text().splitlines(keepends=True)

    def events(self) -> list[dict[str, Any]]:
        """Return the events printed."""
        found = [json.loads(line) for line in self.lines() if line.startswith("{") and line.endswith("\n")]
        return [event for event in found if "event_id" in event]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
