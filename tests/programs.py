"""Programs: `liqmon` commands as processes that a test configures, starts, asks, ends, kills and starts again.

What one command's test needs beside that lives with the test.
"""

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
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from monitor.adapters.kafka import KafkaLog
from monitor.app.topics import create_topics
from monitor.config import load
from tests.waiting import holds

READY_SECONDS = 120.0
END_SECONDS = 15.0
_PAUSE_SECONDS = 0.05

Sections = Mapping[str, Mapping[str, object]]


def liqmon(*words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "monitor.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


async def make_topics(config: Path) -> None:
    """Do what `liqmon topics create` does, without the second and more that a process takes to start."""
    settings = load(config)
    log = KafkaLog(settings.kafka)
    try:
        assert await create_topics(await log.admin(), settings.topics) == []
    finally:
        await log.close()


def free_port() -> int:
    """Return a port nobody listens on at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def write_config(path: Path, sections: Sections) -> Path:
    """Write a configuration of tables with texts, numbers, truths and lists of them; return its path."""
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def without_ageing(bootstrap: str, prefix: str, partitions: int, port: int) -> dict[str, Mapping[str, object]]:
    """Return the sections of a daemon that believes prices for ever, whatever their times."""
    return {
        "kafka": {"bootstrap_servers": bootstrap},
        "topics": {"prefix": prefix, "partitions": partitions},
        "prices": {"max_age_ms": 0, "unknown_after_ms": 0},
        "http": {"port": port},
    }


class Program:
    """Hold one command, started as often as it is ended; what it says is kept over its lives."""

    def __init__(self, *words: str, config: Path, health_port: int) -> None:
        self.config = config
        self.words = words
        self._health_port = health_port
        self._path = config.with_name(f"{config.stem}-{words[0]}.log")
        self._output: IO[bytes] = self._path.open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it."""
        assert not self.is_running, f"{self.words[0]} runs already"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli.main", *self.words, "--config", str(self.config)],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.starts += 1

    @property
    def is_running(self) -> bool:
        """Return whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Return the exit code it has ended with; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """Return the process id of the running command."""
        assert self._process is not None, "not started"
        return self._process.pid

    def is_ready(self) -> bool:
        """Return whether `/readyz` answers 200; fail when the process has ended."""
        assert self.is_running, f"{self.words[0]} has ended: {self.said()[-2000:]}"
        return self.ask("/readyz") is not None

    def ask(self, path: str) -> str | None:
        """Return what a path of its health port answers with 200; None for anything else."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}{path}", timeout=2) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return None

    def metric(self, sample: str) -> float:
        """Return the value of one sample, 0 where it does not show."""
        found = re.search(rf"^{re.escape(sample)} (\S+)$", self.ask("/metrics") or "", re.MULTILINE)
        return float(found[1]) if found else 0.0

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when it is ready; raise `TimeoutError` with what it has said after the deadline."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.words[0]} is not ready: {self.said()[-2000:]}")
            time.sleep(_PAUSE_SECONDS)

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Do the same without holding the event loop up."""
        await holds(self.is_ready, seconds)

    def said(self) -> str:
        """Return everything it has printed and logged."""
        return self._path.read_text(encoding="utf-8", errors="replace")

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, by default as a supervisor does; return its exit code, which is 0 or less the signal's number."""
        assert self._process is not None, "not started"
        self._process.send_signal(how)
        return self._process.wait(END_SECONDS)

    def close(self) -> None:
        """Make sure that nothing is left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_SECONDS)
        self._output.close()
