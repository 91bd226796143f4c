"""The command line: `python -m bench.growth --parts accounts,churn --most 100000`.

Each part compares before it times; where something is wrong the exit code is 1. A goal that is missed is printed and
changes no exit code: machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import machine
from bench.compiler import loops_if_any
from bench.growth import drawing
from bench.growth.axes import Found
from bench.growth.churn import by_churn
from bench.growth.instances import by_instances
from bench.growth.memory import by_memory
from bench.growth.pace import by_pace, by_shards
from bench.growth.paper import on_paper
from bench.growth.restoring import by_restore
from bench.growth.setting import SYMBOLS, Setting
from bench.growth.starting import by_start
from bench.growth.ticks import by_accounts, by_portfolios, by_positions, by_symbols
from bench.report import lines_about, measure_body, measures_table
from bench.terminal import chosen_of, command_of, say

PARTS: Final[Mapping[str, Callable[[Setting], Found]]] = {
    "accounts": by_accounts,
    "positions": by_positions,
    "symbols": by_symbols,
    "portfolio": by_portfolios,
    "pace": by_pace,
    "shards": by_shards,
    "instances": by_instances,
    "memory": by_memory,
    "start": by_start,
    "churn": by_churn,
    "paper": on_paper,
    "restore": by_restore,
}
ON_DEMAND: Final = ("restore",)
FEWEST: Final = 2_000
FEWEST_SYMBOLS: Final = 20


def parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    options = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    options.add_argument("--most", type=int, default=1_000_000, help="accounts of the largest population")
    options.add_argument("--events", type=int, default=2_000_000, help="account events of the churn")
    options.add_argument("--symbols", type=int, default=SYMBOLS, help="where they are not the axis")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rounds", type=int, default=9)
    usual = ",".join(name for name in PARTS if name not in ON_DEMAND)
    options.add_argument("--parts", default=usual, help=f"which of them: %(default)s; and {', '.join(ON_DEMAND)}")
    options.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for growth.json and growth.svg")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, report; return the exit code."""
    options = parser()
    chosen, names = chosen_of(options, PARTS, arguments)
    if chosen.most < FEWEST or chosen.symbols < FEWEST_SYMBOLS:
        options.error(f"--most must be {FEWEST} at the least, --symbols {FEWEST_SYMBOLS}")
    if chosen.rounds < 1 or chosen.events < 1:
        options.error("--rounds and --events must be 1 at the least")
    command = command_of("bench.growth", arguments)
    loops, why = loops_if_any()
    if loops is None:
        say(f"no clock: {why}")
    facts = {"command": command, "seed": chosen.seed, **machine.describe(loops)}
    for line in lines_about(facts):
        say(line)
    setting = Setting(chosen.most, chosen.seed, chosen.rounds, chosen.events, chosen.symbols, say)
    found = {name: _run(name, PARTS[name], setting) for name in names}
    measures = [measure for part in found.values() for measure in part.measures]
    faults = [f"{name}: {fault}" for name, part in found.items() for fault in part.faults]
    if measures:
        say(measures_table(measures))
    say(f"load average at the end: {', '.join(f'{value:.1f}' for value in os.getloadavg())}")
    say(f"written to {_write(chosen.out, facts, found)} and {_draw(chosen.out, found)}")
    for fault in faults:
        say(f"WRONG {fault}")
    say(f"{'something is wrong' if faults else 'nothing is wrong'}; again: {command}")
    return 1 if faults else 0


def _run(name: str, part: Callable[[Setting], Found], setting: Setting) -> Found:
    """Run one part and say what it has found."""
    say(f"\n{name}:")
    start, spent = time.perf_counter(), time.process_time()
    found = part(setting)
    for axis in found.axes:
        say(axis.text())
    for line in found.said:
        say(line)
    load = f"load {os.getloadavg()[0]:.1f}"
    say(f"  {time.process_time() - spent:.0f} s of processor, {time.perf_counter() - start:.0f} s by the wall, {load}")
    return found


def _write(folder: Path, facts: Mapping[str, object], found: Mapping[str, Found]) -> Path:
    parts: dict[str, Any] = {
        name: {
            "axes": {axis.name: axis.body() for axis in part.axes},
            "measures": [measure_body(measure) for measure in part.measures],
            "said": list(part.said),
            "faults": list(part.faults),
        }
        for name, part in found.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "growth.json"
    path.write_text(json.dumps({**facts, "parts": parts}, indent=1) + "\n")
    return path


def _draw(folder: Path, found: Mapping[str, Found]) -> Path:
    return drawing.write([axis for part in found.values() for axis in part.axes], folder)


if __name__ == "__main__":
    sys.exit(main())
