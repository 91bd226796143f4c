"""Processes of a chaos run: programs, and what the nursery has forked; both look the same to the fleet."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
FORK_SECONDS = 180.0
"""How long the first fork may take: the nursery loads everything before, and compiles it on a machine that is new."""
_WAIT_SECONDS = 20.0


class Process(Protocol):
    """Describe what the fleet does with a process."""

    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs; a signal that ended it is negative."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code."""

    def kill(self) -> None:
        """Kill it."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal; nothing happens where it has ended."""


def run_program(module: str, arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a module as a program that writes to a log."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


class Forked:
    """Hold a process the nursery has forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def end(self, code: int) -> None:
        """Note its end."""
        self.returncode = code
        self._ended.set()

    def poll(self) -> int | None:
        """Return the exit code."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""
        if not self._ended.wait(_WAIT_SECONDS if timeout is None else timeout):
            raise TimeoutError(f"process {self.pid} does not end")
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)


class Nursery:
    """Ask the nursery for processes, and learn from it of their end."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "nursery.log"
        with self._log.open("ab") as file:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.nursery"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )
        self._born: queue.Queue[Forked] = queue.Queue()
        self._children: dict[int, Forked] = {}
        self._reader = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._reader.start()

    def fork(self, number: int, arguments: Sequence[str], log: Path, *, test_build: bool) -> Forked:
        """Return a new process."""
        order: dict[str, Any] = {
            "number": number,
            "arguments": list(arguments),
            "log": str(log),
            "test_build": test_build,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + FORK_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(queue.Empty):
                return self._born.get(timeout=0.5)
        raise RuntimeError(f"the nursery does not answer:\n{self._log.read_text(errors='replace')[-2000:]}")

    def close(self) -> None:
        """End the nursery; its processes are the fleet's to end."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            body = json.loads(line)
            if "code" in body:
                self._children[body["pid"]].end(body["code"])
            else:
                child = self._children[body["pid"]] = Forked(body["pid"])
                self._born.put(child)
