"""A stream engine as a peer: a program that is started, given its slice, and asked for its figures.

What counts is the processor time of the program, of all its threads and of nothing else: neither the broker's nor that
of the bench, which sends one record for a price array and reads one back.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np

from bench.loading import BANKRUPT, LINES
from bench.peers.peer import Figures, Slice
from bench.streams.clock import processor_clock
from bench.streams.line import Ends, Line
from bench.streams.records import (
    DONE,
    SHOW,
    account_records,
    done_of,
    figures_of,
    prices_record,
    terms_record,
)
from bench.venue import F8

LONGEST_SECONDS: Final = 180.0
"""A start with everything that has to be loaded, a price array, and all figures each take less."""
_ROOT: Final = Path(__file__).parents[2]
_TOLD: Final = 1_500
_ENDING_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Engine:
    """Hold a stream engine; `command` returns what starts it with a folder of its own, or raises `Missing`."""

    name: str
    goal: float | None
    """How many times less processor time a position must cost the daemon."""
    most: int
    """The most accounts of a slice it is asked to take."""
    warm: int
    """Price arrays after which it runs as it does all day: a virtual machine compiles what it has seen often."""
    command: Callable[[Ends, Path], list[str]]


class Running:
    """Hold an engine that runs with a slice in its state; it ends with the stack."""

    def __init__(self, engine: Engine, given: Slice, bootstrap: str, stack: ExitStack) -> None:
        self.engine, self.given = engine, given
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-engine-")))
        self._log = folder / "log"
        name = f"bench-{uuid4().hex[:8]}"
        ends = Ends(bootstrap, f"{name}-to", f"{name}-from")
        command = engine.command(ends, folder / "state")
        self._line = Line(ends, stack)
        self._line.send([terms_record(given, LINES, BANKRUPT), *account_records(given)])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        stack.callback(self._end)
        self.clock = processor_clock(self._process.pid)
        self._ticks = 0

    def tick(self, prices: F8) -> None:
        """Send a price array; return when every account has its figures."""
        self._ticks += 1
        self._line.send([prices_record(self._ticks, prices)])
        record = self._next()
        if record[:1] != DONE or done_of(record) != (self._ticks, self.given.accounts):
            raise RuntimeError(f"{self.engine.name} says {record[:20]!r} of price array {self._ticks}")

    def warm_up(self, prices: Sequence[F8]) -> None:
        """Go to and fro between prices, untimed."""
        for number in range(self.engine.warm):
            self.tick(prices[number % len(prices)])

    def figures(self) -> Figures:
        """Return what the last tick computed."""
        self._line.send([SHOW])
        tables, missing = [], self.given.accounts
        while missing > 0:
            tables.append(figures_of(self._next()))
            missing -= len(tables[-1])
        table = np.concatenate(tables)
        table = table[np.argsort(table["account"], kind="stable")]
        if not np.array_equal(table["account"], np.arange(self.given.accounts)):
            raise RuntimeError(f"{self.engine.name} shows other accounts than it was given")
        equity, requirement = table["equity"].astype(np.float64), table["requirement"].astype(np.float64)
        return Figures(equity, requirement, table["rank"].astype(np.int64))

    def _next(self) -> bytes:
        record = self._line.next(LONGEST_SECONDS, lambda: self._process.poll() is not None)
        if record is None:
            what = f"takes longer than {LONGEST_SECONDS:g} s" if self._process.poll() is None else "has ended"
            raise RuntimeError(f"{self.engine.name} {what}; it said: {self._log.read_text()[-_TOLD:]}")
        return record

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
