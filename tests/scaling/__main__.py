"""`python -m tests.scaling`: 1 → 2 → 3 → 1 instances, then leaves, kills and freezes, cold and warm, on a Kafka."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from tests.broker import kafka
from tests.chaos.cluster import SingleNode
from tests.scaling.measuring import measure
from tests.scaling.report import table
from tests.scaling.stage import FAULTS, Plan, Stage


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--accounts", type=int, default=6_000, help="accounts that nothing happens to, in all shards")
    parser.add_argument("--tick", type=float, default=0.1, metavar="SECONDS", help="between two prices")
    parser.add_argument("--session", type=float, default=6.0, metavar="SECONDS", help="the group's session timeout")
    parser.add_argument("--settle", type=float, default=5.0, metavar="SECONDS", help="rest after every act")
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault is made")
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--only", choices=("cold", "warm"), help="run without or with standbys only")
    parser.add_argument("--no-scaling", action="store_true", help="leave 1 → 2 → 3 → 1 out")
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run; return 0 where nothing was lost, doubled or judged by two, 1 where it was, 3 without a Kafka."""
    args = parse(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="liqmon-scaling-"))
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        args.seed,
        args.partitions,
        args.accounts,
        args.tick,
        args.session,
        args.settle,
        args.rounds,
        tuple(args.faults),
        not args.no_scaling,
    )
    try:
        node = SingleNode(folder / "node")
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3
    is_good = True
    try:
        for name in [args.only] if args.only else ["cold", "warm"]:
            stage = Stage(plan, node.bootstrap_servers, folder / name, standby=name == "warm")
            account = asyncio.run(stage.run())
            last = stage.load.first_tick + stage.load.ticks - 1
            findings = measure(account, stage.acts, stage.load.first_tick, last)
            is_good = is_good and not findings.complaints
            kept = json.dumps([[*one.act, *one[1:]] for one in findings.handovers])
            (folder / name / "handovers.json").write_text(kept, encoding="utf-8")
            sys.stdout.write(table(name, plan, stage, findings))
            sys.stdout.flush()
    finally:
        node.close()
    verdict = "nothing lost, nothing doubled, each shard judged by one" if is_good else "BROKEN"
    sys.stdout.write(f"{verdict}; seed {args.seed}; again: python -m tests.scaling {' '.join(arguments)}\n")
    if is_good and args.folder is None:
        shutil.rmtree(folder)
    elif not is_good:
        sys.stderr.write(f"kept for a post-mortem: {folder}\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
