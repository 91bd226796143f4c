"""The daemon as a process of its own, run as users run it; its metrics, its health, and the processor time it takes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from bench.e2e.servers import ROOT

STOP_SECONDS: Final = 15.0
_ANSWER_SECONDS: Final = 5.0
_LISTENING: Final = re.compile(r"listening on (http://[\w.:]+)")
_PROGRAM: Final = (sys.executable, "-m", "monitor.cli.main")
CONFIG: Final = """\
[kafka]
bootstrap_servers = "{bootstrap}"

[topics]
prefix = "{prefix}"
partitions = {shards}

[http]
port = 0

[log]
format = "json"
"""


class DaemonFailed(Exception):
    """The daemon, or a command of its command line, did not do what was asked."""


class Sample(NamedTuple):
    """Hold all samples of the metrics, by name and labels."""

    values: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """Return a sample, 0 where there is none."""
        return self.values.get((name, frozenset(labels.items())), 0.0)

    def buckets(self, name: str) -> list[tuple[float, float]]:
        """Return a histogram's buckets as (upper edge, so many at most that large)."""
        found = [(float(dict(labels)["le"]), value) for (key, labels), value in self.values.items() if key == name]
        return sorted(found)


class Daemon:
    """Run `liqmon run` on a config of its own."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str, shards: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._config, self._log = folder / "monitor.toml", folder / "daemon.log"
        self._config.write_text(CONFIG.format(bootstrap=bootstrap, prefix=prefix, shards=shards), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def create_topics(self) -> None:
        """Make the topics."""
        self.run_command("topics", "create", "--config", str(self._config))

    def run_command(self, *arguments: str) -> None:
        """Run a command of `liqmon`; raise `DaemonFailed` where it says no."""
        done = subprocess.run(  # noqa: S603 - our own words
            [*_PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DaemonFailed(f"liqmon {arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")

    async def start(self) -> None:
        """Start it, and wait until its HTTP door is open."""
        self._launch()
        while not self._url:
            await asyncio.sleep(0.05)
            self.check()
            if found := _LISTENING.search(self._log.read_text(encoding="utf-8", errors="replace")):
                self._url = found[1]

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [*_PROGRAM, "run", "--config", str(self._config)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def check(self) -> None:
        """Raise `DaemonFailed` where it has ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise DaemonFailed(f"the daemon ended with {code}:\n{self.said()}")

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None, "it is started first"
        return self._process.pid

    def said(self) -> str:
        """Return the last lines it logged."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def ask(self, route: str) -> tuple[int, str]:
        """Return what it answers, 0 where it does not."""
        try:
            with urllib.request.urlopen(f"{self._url}{route}", timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - ours
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, ""
        except OSError:
            return 0, ""

    def sample(self) -> Sample:
        """Return its metrics."""
        code, text = self.ask("/metrics")
        if code != 200:
            raise DaemonFailed(f"/metrics answered {code}")
        families = text_string_to_metric_families(text)
        return Sample(
            {(one.name, frozenset(one.labels.items())): one.value for each in families for one in each.samples}
        )

    def stop(self) -> None:
        """Ask it to stop, and see that it does so well."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DaemonFailed(f"the daemon did not stop within {STOP_SECONDS:.0f} s:\n{self.said()}") from None
        if code:
            raise DaemonFailed(f"the daemon stopped with {code}:\n{self.said()}")

    @contextmanager
    def polled(self, route: str, every_seconds: float = 0.1) -> Iterator[list[tuple[int, float]]]:
        """Ask a route again and again from a thread of its own; lend the answers, each with the seconds it took."""
        answers: list[tuple[int, float]] = []
        over = threading.Event()

        def poll() -> None:
            while not over.wait(every_seconds):
                begun = time.perf_counter()
                code, _ = self.ask(route)
                answers.append((code, time.perf_counter() - begun))

        thread = threading.Thread(target=poll, name=f"poll {route}", daemon=True)
        thread.start()
        try:
            yield answers
        finally:
            over.set()
            thread.join()


class Cpu(NamedTuple):
    """Hold processor seconds of a process: all of it, and of its first thread, which is the event loop's."""

    whole: float
    loop: float


def cpu_of(pid: int | None) -> Cpu | None:
    """Return what a process has taken so far, None where the system does not tell."""
    if pid is None or not Path("/proc/self/stat").exists():
        return None
    return Cpu(_seconds(f"/proc/{pid}/stat"), _seconds(f"/proc/{pid}/task/{pid}/stat"))


def _seconds(path: str) -> float:
    """Return user and system time of a line of `proc(5)`; the name, in brackets, may hold anything."""
    fields = Path(path).read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
