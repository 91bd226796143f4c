"""The command line: `python -m bench.e2e --parts steady,storm --accounts 20000`.

A goal that is missed is printed and changes no exit code: machines differ. A wrong result (an event missing, told
twice, told without need, or whose proof does not hold) ends with 1; no broker, or a daemon that fails, with 3.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import machine
from bench.chart import Bar, write_bars
from bench.compiler import loops_if_any
from bench.e2e import october, steady, storm
from bench.e2e.process import DaemonFailed
from bench.e2e.result import Result
from bench.e2e.servers import NoServers, Servers, servers
from bench.e2e.stage import Ground
from bench.report import lines_about
from bench.sizes import Sizes
from bench.terminal import chosen_of, command_of, say

PARTS: Final = ("steady", "storm", "october")
_COLOUR: Final = "#4a6fa5"


def parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    options = argparse.ArgumentParser(prog="python -m bench.e2e", description=__doc__)
    options.add_argument("--parts", default=",".join(PARTS), help="which of them: %(default)s")
    options.add_argument("--bootstrap", help="a Kafka that runs; one is started where none is named")
    options.add_argument("--shards", type=int, default=1, help="partitions of the accounts (%(default)s)")
    options.add_argument("--cores", type=int, default=2, help="for broker, daemon and bench together (%(default)s)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--accounts", type=int, default=100_000, help="of steady and storm (%(default)s)")
    options.add_argument("--symbols", type=int, default=400)
    options.add_argument("--rate", type=int, default=20_000, help="steady: account messages a second (%(default)s)")
    options.add_argument("--seconds", type=float, default=60.0, help="steady: how long (%(default)s)")
    options.add_argument("--warm", type=float, default=5.0, help="steady: seconds before it counts (%(default)s)")
    options.add_argument("--swings", type=int, default=50, help="steady: events by prices a second (%(default)s)")
    options.add_argument("--moves", type=int, default=20, help="steady: events by messages a second (%(default)s)")
    options.add_argument("--changes", type=int, default=70_000, help="storm: accounts that change status (%(default)s)")
    options.add_argument("--severe", type=float, default=0.1, help="storm: share to liquidation or worse (%(default)s)")
    options.add_argument("--storms", type=int, default=2, help="storm: how many (%(default)s)")
    options.add_argument("--share", type=float, default=0.05, help="october: of accounts and messages (%(default)s)")
    options.add_argument("--out", type=Path, default=Path("build/bench"), help="folder for e2e.json and e2e.svg")
    options.add_argument("--folder", type=Path, help="where logs and broker lie; kept then")
    return options


async def measured(part: str, chosen: argparse.Namespace, ground: Ground) -> Result:
    """Run one part."""
    sizes = Sizes(chosen.accounts, 5 * chosen.accounts, chosen.symbols, chosen.seed)
    if part == "steady":
        plan = steady.Plan(sizes, chosen.rate, chosen.seconds, chosen.warm, chosen.swings, chosen.moves)
        return await steady.measure(plan, ground)
    if part == "storm":
        return await storm.measure(storm.Plan(sizes, chosen.changes, chosen.severe, chosen.storms), ground)
    return await october.measure(october.Plan(chosen.share, chosen.seed), ground)


def run(names: Sequence[str], chosen: argparse.Namespace, where: Servers, folder: Path) -> list[Result]:
    """Run the parts one after the other, and print each."""
    ground = Ground(where, folder, chosen.shards, say)
    results = []
    for name in names:
        say()
        results.append(asyncio.run(measured(name, chosen, ground)))
        say(results[-1].text())
    return results


def keep(results: Sequence[Result], facts: dict[str, object], folder: Path) -> list[Path]:
    """Write everything as JSON and the histograms as SVG; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "e2e.json"
    listed.write_text(json.dumps({**facts, "parts": [one.body() for one in results]}, indent=1) + "\n")
    panels = [
        (
            f"{one.part}: {kind.name}",
            [Bar(str(each), max(each.count, 0.1), f"{each.count:,}", _COLOUR) for each in kind.bins()],
        )
        for one in results
        for kind in one.latencies
    ]
    return [listed, write_bars(panels, folder / "e2e.svg")]


def narrow(cores: int) -> None:
    """Keep to so many cores, broker and daemon with us, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def main(arguments: Sequence[str] | None = None) -> int:
    """Start what is needed, run, report; return the exit code."""
    options = parser()
    chosen, names = chosen_of(options, PARTS, arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    narrow(chosen.cores)
    command = command_of("bench.e2e", arguments)
    loops, _ = loops_if_any()
    facts: dict[str, object] = {"command": command, "seed": chosen.seed, **machine.describe(loops)}
    for line in lines_about(facts):
        say(line)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="liqmon-bench-"))
    try:
        with servers(chosen.bootstrap, folder / "kafka") as where:
            results = run(names, chosen, where, folder)
    except (NoServers, DaemonFailed) as failure:
        sys.stderr.write(f"{failure}\n")
        return 3
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    facts["load_average_after"] = list(os.getloadavg())
    say()
    say(f"written to {' and '.join(map(str, keep(results, facts, chosen.out)))}")
    wrong = [complaint for one in results for complaint in one.complaints]
    say(f"{'WRONG RESULTS' if wrong else 'every event told once, proofs hold'}; seed {chosen.seed}; again: {command}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
