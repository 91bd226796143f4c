"""The parts of the chain: their configuration, and each as a process that can be killed and started again."""

from __future__ import annotations

import hashlib
import secrets
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from tests.programs import END_SECONDS, Program, free_port, write_config

PREFIX = "chain."
SHARDS = 3
ROOT = Path(__file__).parents[2]


class Part(Protocol):
    """Describe what can be killed."""

    starts: int

    @property
    def is_running(self) -> bool:
        """Return whether it runs."""

    @property
    def code(self) -> int | None:
        """Return the exit code it has ended with; None while it runs."""

    def start(self) -> None:
        """Start it."""

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""

    def said(self) -> str:
        """Return what it has said."""

    def close(self) -> None:
        """Make sure that nothing is left."""


class Subscriber:
    """Hold the subscriber's process, which writes what it hears to a journal."""

    def __init__(self, port: int, token: str, folder: Path) -> None:
        self.journal = folder / "subscriber.jsonl"
        self._words = [f"ws://127.0.0.1:{port}/v1", token, str(self.journal)]
        self._path = folder / "subscriber.log"
        self._output: IO[bytes] = self._path.open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Return the exit code it has ended with; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "tests.chain.subscriber", *self._words]
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT, cwd=ROOT)
        self.starts += 1

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        assert self._process is not None, "not started"
        self._process.send_signal(how)
        return self._process.wait(END_SECONDS)

    def said(self) -> str:
        """Return what it has complained of."""
        return self._path.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Make sure that nothing is left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_SECONDS)
        self._output.close()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Hold what the parts know each other by."""

    token: str
    signing: str

    @classmethod
    def new(cls) -> Secrets:
        """Make some that nobody else has."""
        return cls(secrets.token_urlsafe(24), "whsec_" + b64encode(secrets.token_bytes(24)).decode())

    def write(self, folder: Path) -> None:
        """Write the files that the parts read them from, for our user alone."""
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        entry = f'[[token]]\nname = "chain"\nsha256 = "{digest}"\naccounts = ["*"]\n'
        for name, text in (("tokens.toml", entry), ("signing", self.signing)):
            path = folder / name
            path.touch(0o600)
            path.write_text(text)


def configuration(folder: Path, bootstrap: str, receiver_port: int) -> tuple[Path, dict[str, int]]:
    """Write the one configuration file of all parts; return its path, and the ports by their names."""
    ports = {name: free_port() for name in ("run", "gateway", "websocket", "webhooks")}
    sections: dict[str, Mapping[str, object]] = {
        "kafka": {"bootstrap_servers": bootstrap, "session_timeout_ms": 2_000, "heartbeat_interval_ms": 300},
        "topics": {"prefix": PREFIX, "partitions": SHARDS},
        "prices": {"max_age_ms": 0, "unknown_after_ms": 0},
        "http": {"port": ports["run"]},
        "gateway": {
            "port": ports["websocket"],
            "http_port": ports["gateway"],
            "token_file": str(folder / "tokens.toml"),
            "heartbeat_ms": 500,
        },
        "webhooks": {"http_port": ports["webhooks"]},
        "webhooks.targets.desk": {
            "url": f"http://127.0.0.1:{receiver_port}/alarms",
            "allow_private": True,
            "secret_file": str(folder / "signing"),
            "interval_ms": 0,
            "backoff_ms": 50,
            "max_backoff_ms": 200,
            "max_attempts": 1_000,
            "digest_after": 1_000_000,
            "max_waiting": 100_000,
        },
    }
    return write_config(folder / "monitor.toml", sections), ports


def replay(config: Path, recording: Path, speed: float) -> Program:
    """Return the feed: the recording, its times moved to now."""
    words = ("feed", "replay", str(recording), "--speed", str(speed), "--rebase")
    return Program(*words, config=config, health_port=0)
