"""The command line of the bench: `python -m bench --accounts 100000 --parts full,single`.

First everything is loaded, then everything is compared, and then timed; one inequality, and the bench ends with code 1.
Parts that bring programs along which run on by themselves go the same way after the others.
A goal that is missed is printed and changes no exit code: machines differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import chart, machine
from bench.compiler import loops_if_any
from bench.measures import Result
from bench.parts import LATE, PARTS
from bench.parts.context import Context
from bench.report import Report, lines_about
from bench.sizes import Sizes
from bench.terminal import chosen_of, command_of, say
from bench.venue import TOP_SHARE

MIXED_SHARE: Final = 10
"""The smaller populations have this many times fewer accounts, unless told otherwise."""

FEWEST: Final = 100
MOST_SYMBOLS: Final = 4_096


def parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--accounts", type=int, default=1_000_000, help="of the standard population")
    options.add_argument("--positions", type=int, help="in all; five times the accounts by default")
    options.add_argument("--symbols", type=int, default=400)
    options.add_argument("--mixed-accounts", type=int, help="of portfolios, mixes and events; a tenth by default")
    options.add_argument("--slice", type=int, default=1_000_000, help="most accounts a peer gets")
    options.add_argument("--kafka", default="", help="where one listens for the stream engines; else it is started")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--parts", default=",".join(PARTS), help="which of them: %(default)s")
    options.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for bench.json and bench.svg")
    return options


def impossible(chosen: argparse.Namespace) -> str:
    """Return what is wrong with the sizes, nothing where they can be drawn."""
    if chosen.accounts < FEWEST or (chosen.mixed_accounts is not None and chosen.mixed_accounts < FEWEST):
        return f"a population has {FEWEST} accounts at the least"
    if not 1 <= chosen.symbols <= MOST_SYMBOLS:
        return f"--symbols must be within 1 and {MOST_SYMBOLS}"
    most = int(TOP_SHARE * chosen.accounts * chosen.symbols)
    if (chosen.positions or 5 * chosen.accounts) > most:
        return f"so many accounts and symbols make {most} positions at most: {TOP_SHARE:.0%} hold the most popular one"
    return "" if chosen.rounds >= 1 and chosen.slice >= 1 else "--rounds and --slice must be 1 at the least"


def context_of(chosen: argparse.Namespace) -> Context:
    """Return what the parts share, as chosen on the command line."""
    positions = chosen.positions or 5 * chosen.accounts
    sizes = Sizes(chosen.accounts, positions, chosen.symbols, chosen.seed)
    mixed = sizes.with_accounts(chosen.mixed_accounts or max(chosen.accounts // MIXED_SHARE, 1_000))
    loops, why = loops_if_any()
    return Context(sizes, mixed, min(chosen.slice, chosen.accounts), loops, why, say, chosen.kafka)


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, compare, time, report; return the exit code."""
    options = parser()
    chosen, names = chosen_of(options, PARTS, arguments)
    if wrong := impossible(chosen):
        options.error(wrong)
    command = command_of("bench", arguments)
    context = context_of(chosen)
    with context.stack:
        return _run(context, names, command, chosen)


def _run(context: Context, names: Sequence[str], command: str, chosen: argparse.Namespace) -> int:
    before = machine.describe(context.loops)
    for line in lines_about({"command": command, "seed": chosen.seed, **before}):
        say(line)
    results: list[Result] = []
    for group in ([name for name in names if name not in LATE], [name for name in names if name in LATE]):
        parts = [(name, PARTS[name](context)) for name in group]
        if faults := [f"{name}: {fault}" for name, part in parts for fault in part.check()]:
            say("UNEQUAL, and so the bench ends:")
            for fault in faults:
                say(f"  {fault}")
            return 1
        for name, part in parts:
            say(f"{name}: everybody computes the same; timing")
            results.append(part.measure(chosen.rounds))
    facts = {**before, "clock_ghz_after": machine.clock(context.loops)}
    report = Report(command, facts, {"seed": chosen.seed, **context.shapes}, chosen.rounds, results)
    say()
    say(report.text())
    say(f"effective clock: before {before['clock_ghz']}, after {facts['clock_ghz_after']} GHz")
    say(f"written to {report.write(chosen.out)} and {chart.write(results, chosen.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
