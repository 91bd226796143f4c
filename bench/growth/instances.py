"""One instance and two beside each other, as processes with a core and accounts of their own: does throughput double?

The wall says what came of it here and now. Processor time says what two cores that nobody else uses would give, for
what two instances take from each other is memory and caches, which lengthens it; what is left of the difference is the
time in which a process waited for its core. That this explains the wall is checked and printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from types import TracebackType
from typing import Final, NamedTuple

from bench.growth.axes import Axis, Found
from bench.growth.setting import Setting
from bench.measures import Goal, Measure
from bench.rounds import Ratio

GOAL: Final = 1.8
_SECONDS: Final = 0.5
"""A turn of one instance is about as long."""


class Turn(NamedTuple):
    """Hold what some ticks of an instance took, in seconds a tick."""

    wall: float
    processor: float


class Instance:
    """Hold one process; `start` sets it going, `result` waits for it."""

    def __init__(self, setting: Setting, number: int, core: int | None) -> None:
        given = {"accounts": setting.base, "symbols": setting.symbols, "seed": setting.seed + number, "core": core}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "bench.growth.worker", json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> int:
        """Wait until it is loaded; return its positions."""
        return int(self._read()["positions"])

    def start(self, ticks: int) -> None:
        """Have it tick."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{ticks}\n")
        self._process.stdin.flush()

    def result(self, ticks: int) -> Turn:
        """Return what the ticks took."""
        found = self._read()
        return Turn(found["wall"] / ticks, found["processor"] / ticks)

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"an instance ended with code {self._process.wait(60)}")
        found: dict[str, float] = json.loads(line)
        return found

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


def by_instances(setting: Setting) -> Found:
    """Measure two instances against one, in turns: each alone, then both."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    mine: list[int | None] = [*cores[:2]] if len(cores) > 1 else [None, None]
    with Instance(setting, 0, mine[0]) as one, Instance(setting, 1, mine[1]) as other:
        both = one, other
        positions = sum(instance.ready() for instance in both)
        ticks = _ticks_of(one)
        alone: list[list[Turn]] = [[], []]
        beside: list[list[Turn]] = [[], []]
        for _ in range(setting.rounds):
            for number, instance in enumerate(both):
                instance.start(ticks)
                alone[number].append(instance.result(ticks))
            for instance in both:
                instance.start(ticks)
            for number, instance in enumerate(both):
                beside[number].append(instance.result(ticks))
    setting.say(f"  {positions:,} positions in two processes on cores {mine}, {ticks} ticks a turn")
    return _found(setting, alone, beside)


def _ticks_of(instance: Instance) -> int:
    """Return how many ticks make a turn."""
    took = []
    for _ in range(3):
        instance.start(1)
        took.append(instance.result(1).wall)
    return max(round(_SECONDS / min(took)), 3)


def _found(setting: Setting, alone: list[list[Turn]], beside: list[list[Turn]]) -> Found:
    wall, processor = (_ratio([[turn[of] for turn in turns] for turns in (*alone, *beside)]) for of in (0, 1))
    got = [_share(turns) for turns in (alone, beside)]
    model = Ratio(*(value * got[1] / got[0] for value in processor))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    note = f"an instance got {got[0]:.0%} of a core alone, {got[1]:.0%} beside the other; load {load}"
    measures = (
        Measure("instances", "two instances / one, by the wall", wall, Goal(GOAL), note=note),
        Measure("instances", "the same by processor time", processor, Goal(GOAL), note="two cores nobody else uses"),
        Measure(
            "instances", "processor time and the cores they got, together", model, note="what the wall should have said"
        ),
    )
    lines = {
        name: {
            float(count): Ratio(*(count / value for value in (_least(turns, of), _median(turns, of))))
            for count, turns in ((1, alone), (2, beside))
        }
        for name, of in (("by the wall", 0), ("by processor time", 1))
    }
    title = f"Ticks a second of one and of two instances, {setting.base:,} accounts each"
    return Found([Axis("instances", title, "instances", "ticks a second", 1.0, lines)], measures)


def _ratio(seconds: list[list[float]]) -> Ratio:
    """Return what two do in the time in which one does 1, by minima and by the median of rounds.

    seconds: of the one alone, of the other alone, of both beside each other, round by round.
    """
    least = [min(turns) for turns in seconds]
    rounds = [one / first + other / second for one, other, first, second in zip(*seconds, strict=True)]
    return Ratio(least[0] / least[2] + least[1] / least[3], statistics.median(rounds))


def _share(turns: list[list[Turn]]) -> float:
    """Return what share of a core an instance got, by the median."""
    return statistics.median(turn.processor / turn.wall for mine in turns for turn in mine)


def _least(turns: list[list[Turn]], of: int) -> float:
    return min(turn[of] for mine in turns for turn in mine)


def _median(turns: list[list[Turn]], of: int) -> float:
    return statistics.median(turn[of] for mine in turns for turn in mine)
