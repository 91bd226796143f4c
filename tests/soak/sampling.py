"""What is measured of every daemon each second: from /proc what it has of the system, from its metrics how it works."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError

from tests.chaos.fleet import Fleet, Worker
from tests.soak.slopes import Sample

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
_PORT = re.compile(rb"listening on http://[^:]+:(\d+)")
_LINE = re.compile(r"^(liqmon_[a-z_]+)(?:\{[^}]*\})? ([-+0-9.eEinfNa]+)$", re.MULTILINE)


@dataclass
class Life:
    """Hold the samples of one process, by what they are of."""

    number: int
    began: float
    series: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    audit_faults: float = 0.0
    audited: float = 0.0
    asked: int = 0
    ready: int = 0
    _before: Mapping[str, float] = field(default_factory=dict)

    def note(self, at: float, name: str, value: float) -> None:
        """Add a sample."""
        self.series[name].append(Sample(at, value))

    def metrics(self, at: float, totals: Mapping[str, float]) -> None:
        """Add what metrics say; rates and times come from what has been added since the last time."""
        self.note(at, "tasks", totals.get("liqmon_tasks", 0.0))
        self.note(at, "loop lag ms", 1000 * totals.get("liqmon_event_loop_lag_seconds", 0.0))
        self.audit_faults = totals.get("liqmon_audit_faults_total", 0.0)
        self.audited = totals.get("liqmon_audited_scopes_total", 0.0)
        before, self._before = self._before, {**totals, "at": at}
        if not before:
            return
        seconds = at - before["at"]
        steps = _added("liqmon_kernel_seconds_count", before, totals)
        if steps > 0:
            self.note(at, "kernel ms a step", 1000 * _added("liqmon_kernel_seconds_sum", before, totals) / steps)
        self.note(at, "commits a second", _added("liqmon_transaction_seconds_count", before, totals) / seconds)


class Sampler:
    """Sample every daemon of a fleet until told to stop."""

    def __init__(self) -> None:
        self.fleet: Fleet | None = None
        self.lives: dict[int, Life] = {}
        self.until = 0.0

    async def run(self, stop: asyncio.Event, say: Callable[[str], None]) -> None:
        """Sample each second; a daemon that is frozen is left out, one that does not answer is asked again."""
        assert self.fleet is not None, "a sampler is given its fleet first"
        due = time.monotonic()
        while not stop.is_set():
            await asyncio.gather(*[self._sample(worker) for worker in self.fleet.free()])
            self.until = time.monotonic()
            due = max(due + EVERY_SECONDS, time.monotonic() + 0.05)
            await asyncio.sleep(due - time.monotonic())

    async def _sample(self, worker: Worker) -> None:
        life = self.lives.setdefault(worker.number, Life(worker.number, time.monotonic()))
        system = _of_the_system(worker.process.pid)
        port = _PORT.search(worker.log.read_bytes()[:65536])
        if system is None or port is None:
            return
        at = time.monotonic()
        for name, value in system.items():
            life.note(at, name, value)
        life.asked += 1
        text = await asyncio.to_thread(_get, int(port[1]), "metrics")
        if text is not None:
            life.metrics(time.monotonic(), totals_of(text))
        life.ready += await asyncio.to_thread(_get, int(port[1]), "readyz") is not None


def _of_the_system(pid: int) -> dict[str, float] | None:
    """Return memory, threads and open handles of a process, None where it is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text(encoding="ascii", errors="replace")
        handles = len(list((folder / "fd").iterdir()))
    except OSError:
        return None
    found = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.MULTILINE))
    if "VmRSS" not in found:
        return None
    return {"RSS MB": int(found["VmRSS"]) / 1024, "threads": float(found["Threads"]), "handles": float(handles)}


def _get(port: int, path: str) -> str | None:
    """Return what a daemon answers, None where it says that it is not well, or nothing in time."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=PATIENCE_SECONDS) as answer:
            body: bytes = answer.read()
    except (URLError, OSError):
        return None
    return body.decode()


def totals_of(text: str) -> dict[str, float]:
    """Return the sum over labels of every metric of an exposition."""
    totals: dict[str, float] = defaultdict(float)
    for name, value in _LINE.findall(text):
        totals[name] += float(value)
    return totals


def _added(name: str, before: Mapping[str, float], now: Mapping[str, float]) -> float:
    return now.get(name, 0.0) - before.get(name, 0.0)
