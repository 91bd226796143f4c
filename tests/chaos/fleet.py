"""The daemons of a chaos run as processes: started, killed, frozen, stopped, and watched for deaths nobody ordered.

Which of this happens when is the business of `faults`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.points import MARK
from tests.chaos.processes import Nursery, Process, run_program
from tests.chaos.verdict import PROCESS, Verdict

STOP_SECONDS = 10.0
GRACE_SECONDS = 5.0
"""What a busy machine may add to the ten seconds a stop may take, before it counts as a hang."""
_TAIL = 15


@dataclass(frozen=True)
class Point:
    """Say where a daemon of the test build ends itself, and how."""

    name: str
    action: str
    passing: int

    def __str__(self) -> str:
        return f"{self.action} at {self.name}, passing {self.passing}"


class Worker:
    """Hold one process."""

    def __init__(self, number: int, process: Process, log: Path, point: Point | None) -> None:
        self.number = number
        self.process = process
        self.log = log
        self.point = point
        self.frozen_until: float | None = None
        self.asked_at: float | None = None
        self.killed = False
        self.stops_itself = point is not None and point.action == "stop"
        self._has_worked = False

    @property
    def is_alive(self) -> bool:
        """Whether the process runs, frozen or not."""
        return self.process.poll() is None

    @property
    def is_free(self) -> bool:
        """Whether it runs and nothing is being done to it."""
        return self.is_alive and self.frozen_until is None and self.asked_at is None and not self.killed

    def has_worked(self) -> bool:
        """Return whether the process has come to own a shard."""
        self._has_worked = self._has_worked or b" is steady" in self.log.read_bytes()
        return self._has_worked

    def has_begun(self) -> bool:
        """Return whether the process has come so far that it hears signals."""
        return b"listening on" in self.log.read_bytes()

    def has_reached_its_point(self) -> bool:
        """Return whether the process has said that it has."""
        return self.point is not None and f"{MARK} {self.point.name}".encode() in self.log.read_bytes()

    def tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])


class Fleet:
    """Hold all processes of a run."""

    def __init__(self, config: Path, folder: Path, nursery: Nursery, broken: str | None = None) -> None:
        self.workers: list[Worker] = []
        self.counts: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.verdict = Verdict()
        self._config = config
        self._folder = folder
        self._nursery = nursery
        self._broken = broken

    def start(self, point: Point | None = None, *, cold: bool = False) -> Worker:
        """Start a daemon: the product itself, or the test build where a point (or a defect) is asked for.

        `cold`: as a program of its own from its first instruction, not forked from the nursery.
        """
        number = len(self.workers)
        log = self._folder / f"worker-{number:03}.log"
        test_build = point is not None or self._broken is not None
        arguments = ["--config", str(self._config)] if test_build else ["run", "--config", str(self._config)]
        arguments += ["--broken", self._broken] if self._broken else []
        if point is not None:
            arguments += ["--point", point.name, "--action", point.action, "--passing", str(point.passing)]
        log.touch()
        process: Process
        if cold:
            process = run_program("tests.chaos.worker" if test_build else "monitor.cli.main", arguments, log)
            self.counts["started cold"] += 1
        else:
            process = self._nursery.fork(number, arguments, log, test_build=test_build)
        self.workers.append(Worker(number, process, log, point))
        self.counts["started"] += 1
        return self.workers[-1]

    def alive(self) -> list[Worker]:
        """Return the processes that run."""
        return [worker for worker in self.workers if worker.is_alive]

    def free(self) -> list[Worker]:
        """Return the processes that run undisturbed."""
        return [worker for worker in self.workers if worker.is_free]

    def kill(self, worker: Worker) -> None:
        """Kill a process."""
        worker.killed = True
        worker.process.kill()
        worker.process.wait()
        self.counts["kill -9"] += 1

    def freeze(self, worker: Worker, seconds: float) -> None:
        """Freeze a process for a while."""
        worker.process.send_signal(signal.SIGSTOP)
        worker.frozen_until = time.monotonic() + seconds
        self.counts["freeze"] += 1

    def thaw(self, worker: Worker) -> None:
        """Let a frozen process go on."""
        worker.process.send_signal(signal.SIGCONT)
        worker.frozen_until = None

    def ask_to_stop(self, worker: Worker) -> None:
        """Ask a process to stop; `look` sees to it that it does."""
        worker.process.send_signal(signal.SIGTERM)
        worker.asked_at = time.monotonic()
        self.counts["SIGTERM"] += 1

    def look(self, session_seconds: float) -> list[str]:
        """Look after every process; return what has happened, in words."""
        said = []
        for worker in [one for one in self.workers if one.process.returncode is None or not one.killed]:
            if worker.stops_itself and worker.is_alive and worker.has_reached_its_point():
                worker.stops_itself, worker.frozen_until = False, time.monotonic() + session_seconds + 1
                self.points[f"{worker.point}".split(",")[0]] += 1
                said.append(f"worker {worker.number} froze itself: {worker.point}")
            if worker.is_alive and worker.frozen_until is not None and time.monotonic() > worker.frozen_until:
                self.thaw(worker)
                said.append(f"worker {worker.number} goes on")
            if worker.is_alive and worker.asked_at is not None:
                self._hurry(worker)
            if not worker.is_alive and not worker.killed:
                worker.killed = True
                said.append(self._account_for(worker))
        return said

    async def stop_all(self) -> None:
        """Ask every process to stop and see that it does."""
        for worker in self.alive():
            if worker.asked_at is None:
                self.ask_to_stop(worker)
                self.counts["SIGTERM"] -= 1
        deadline = time.monotonic() + STOP_SECONDS + GRACE_SECONDS + 5
        while self.alive() and time.monotonic() < deadline:
            self.look(0)
            await asyncio.sleep(0.05)
        self.look(0)

    def close(self) -> None:
        """End every process there still is."""
        for worker in self.alive():
            worker.process.kill()
            worker.process.wait()

    def read_logs(self) -> Counter[str]:
        """Return what the processes' logs count: takeovers, changes of assignment, transactions in doubt, bugs."""
        wanted = {
            "takeovers": b" is steady",
            "assignments": b"shards_assigned",
            "transactions in doubt": b"a transaction failed",
            "shards lost": b" lost: ",
            "tracebacks": b"Traceback (most recent call last)",
        }
        found: Counter[str] = Counter()
        for worker in self.workers:
            text = worker.log.read_bytes()
            found.update({name: text.count(mark) for name, mark in wanted.items()})
        return found

    def _hurry(self, worker: Worker) -> None:
        """Kill a process that was asked to stop and does not, and complain."""
        assert worker.asked_at is not None
        if time.monotonic() - worker.asked_at > STOP_SECONDS + GRACE_SECONDS:
            worker.killed = True
            worker.process.kill()
            worker.process.wait()
            self.verdict.complain(PROCESS, f"worker {worker.number} did not stop in time:\n{worker.tail()}")

    def _account_for(self, worker: Worker) -> str:
        """Say how a process that nobody has killed came to its end; complain where it should not have."""
        code = worker.process.returncode
        if code == -signal.SIGKILL and worker.has_reached_its_point():  # also while it is being stopped
            self.points[f"{worker.point}".split(",")[0]] += 1
            return f"worker {worker.number} killed itself: {worker.point}"
        if worker.asked_at is not None:
            took = time.monotonic() - worker.asked_at
            is_good = code == 0 or (code == -signal.SIGTERM and not worker.has_begun())
            self.verdict.expect(is_good, PROCESS, f"worker {worker.number} stopped with {code}:\n{worker.tail()}")
            return f"worker {worker.number} has stopped after {took:.1f} s"
        self.verdict.complain(PROCESS, f"worker {worker.number} ended by itself with {code}:\n{worker.tail()}")
        return f"worker {worker.number} ended by itself with {code}"
