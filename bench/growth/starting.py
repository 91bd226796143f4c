"""How long a process takes from nothing to its first judged price: without data, with a warm cache of kernels.

`python -m bench.growth.starting` is that process. It does what the daemon does before it joins its group: settings,
kernels, an engine; then one message with one price instead of what the log would bring.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

from bench.growth.axes import Found
from bench.growth.setting import Setting
from bench.measures import Goal, Measure
from bench.rounds import Ratio

GOAL_SECONDS = 2.0
_TIMES = 5


def by_start(setting: Setting) -> Found:
    """Measure some starts; the first one, which writes bytecode and may have to compile kernels, does not count."""
    del setting
    walls, processors = [], []
    with tempfile.TemporaryDirectory(prefix="liqmon-growth-") as folder:
        surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        surroundings["PYTHONPYCACHEPREFIX"] = folder
        for number in range(_TIMES + 1):
            start, spent = time.perf_counter(), _of_children()
            subprocess.run([sys.executable, "-m", "bench.growth.starting"], check=True, env=surroundings)
            if number:
                walls.append(time.perf_counter() - start)
                processors.append(_of_children() - spent)
    name = "start without data, to the first judged price"
    goal = Goal(GOAL_SECONDS, is_least=False)
    return Found(
        measures=(
            Measure("start", f"{name}, processor time", _ratio(processors), goal, "s"),
            Measure("start", f"{name}, by the wall", _ratio(walls), goal, "s", "other programs lengthen it"),
        )
    )


def _ratio(seconds: list[float]) -> Ratio:
    return Ratio(min(seconds), sorted(seconds)[len(seconds) // 2])


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def first_tick() -> None:
    """Do what a start is."""
    from monitor.cli.assembly import new_engine  # noqa: PLC0415 - what is loaded is part of what is timed
    from monitor.cli.warm import warm  # noqa: PLC0415
    from monitor.config import load  # noqa: PLC0415
    from monitor.core.inputs import Origin, Prices  # noqa: PLC0415
    from monitor.core.prices import PriceUpdate  # noqa: PLC0415

    settings = load(None, environment={})
    warm()
    engine = new_engine(settings)
    update = PriceUpdate("BTCUSDT", Decimal(60_000), None, None, None, 1)
    engine.apply([Prices((update,), Origin("mark-prices", 0, 0), 1)], 1)


if __name__ == "__main__":
    first_tick()
