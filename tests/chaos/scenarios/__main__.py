"""`python -m tests.chaos --scenario NAME`: one scenario on brokers of its own, what it did, and its verdict."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.broker import kafka
from tests.chaos.cluster import Cluster, SingleNode
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.catalogue import SCENARIOS, Scenario
from tests.chaos.scenarios.nodes import ThreeNodes
from tests.chaos.verdict import KINDS, PROCESS


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--scenario", choices=[*SCENARIOS, "all"], metavar="NAME", help="one of --list, or all")
    parser.add_argument("--list", action="store_true", help="name every scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="how long the disturbance lasts, where that is a choice")
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="tell the story at the end only")
    return parser.parse_args(arguments)


async def play(scenario: Scenario, cluster: Cluster, bench: Bench, seed: int, seconds: float | None) -> None:
    """Play a scenario; what breaks it off is a complaint."""
    try:
        await scenario.play(bench, cluster, seed, seconds or scenario.seconds)
    except RuntimeError as error:
        bench.verdict.complain(PROCESS, str(error))
    finally:
        await bench.close()


def run(name: str, args: argparse.Namespace) -> bool:
    """Run one scenario and print what came of it; return whether nobody has complained."""
    scenario = SCENARIOS[name]
    folder = args.folder or Path(tempfile.mkdtemp(prefix=f"liqmon-{name}-"))
    cluster: Cluster = (ThreeNodes if scenario.nodes > 1 else SingleNode)(folder / "kafka")
    bench = Bench(
        folder / "daemons",
        cluster.bootstrap_servers,
        replication=cluster.replication_factor,
        more=scenario.settings,
        verbose=not args.quiet and not args.json,
    )
    try:
        asyncio.run(play(scenario, cluster, bench, args.seed, args.seconds))
    finally:
        cluster.close()
    verdict = bench.verdict
    seconds = f" --seconds {args.seconds:g}" if args.seconds else ""
    again = f"make chaos SCENARIO={name} SEED={args.seed}{seconds.replace(' --seconds ', ' SECONDS=')}"
    if args.json:
        body = {"scenario": name, "seed": args.seed, **verdict.body(), "story": bench.story, "repeat": again}
        sys.stdout.write(json.dumps(body, indent=1) + "\n")
    else:
        sys.stdout.write(_table(name, scenario, bench, args, again))
    if verdict.is_good and args.folder is None:
        shutil.rmtree(folder)
    elif not verdict.is_good:
        sys.stderr.write(f"kept for a post-mortem: {folder}\n")
    return verdict.is_good


def _table(name: str, scenario: Scenario, bench: Bench, args: argparse.Namespace, again: str) -> str:
    verdict = bench.verdict
    lines = [f"scenario {name}, seed {args.seed}: {scenario.says}", ""]
    lines += [f"  {text}" for text in bench.story] if args.quiet else []
    lines += ["", "figures", *(f"  {what:<44}{count:>10,}" for what, count in sorted(verdict.figures.items()))]
    lines += ["", "the judge", *(f"  {kind:<44}{len(verdict.complaints.get(kind, ())):>10,}" for kind in KINDS)]
    lines += [f"  note: {note}" for note in verdict.notes]
    lines += [f"\n  {kind}: {text}" for kind in KINDS for text in verdict.complaints.get(kind, [])[:12]]
    return "\n".join([*lines, "", f"verdict: {'good' if verdict.is_good else 'BAD'}", f"repeat: {again}", ""])


def main(arguments: list[str]) -> int:
    """Run; return 0 where the judge has no complaint, 1 where it has, 3 without a Kafka."""
    args = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no broker and no daemon outlives us
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its complaints about what we do to the brokers
    if args.list or args.scenario is None:
        sys.stdout.writelines(f"{name:<26}{scenario.says}\n" for name, scenario in SCENARIOS.items())
        return 0 if args.list else 2
    names = list(SCENARIOS) if args.scenario == "all" else [args.scenario]
    try:
        results = [run(name, args) for name in names]
        return 0 if all(results) else 1
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
