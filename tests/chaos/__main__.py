"""`python -m tests.chaos`: one chaos run on a Kafka of its own, its table and its verdict."""

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
from tests.chaos.campaign import Campaign, Plan
from tests.chaos.cluster import Cluster, SingleNode
from tests.chaos.faults import Pace
from tests.chaos.report import table
from tests.chaos.scenarios.__main__ import main as play
from tests.chaos.scenarios.nodes import ThreeNodes
from tests.chaos.worker import BROKEN


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long the faults go on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--scenario", metavar="NAME", help="something else instead: one of --list, which has its own --help"
    )
    parser.add_argument("--list", action="store_true", help="name every scenario")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="of the cluster")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--rate", type=float, default=25, help="messages a second")
    parser.add_argument("--fault-every", type=float, default=2.5, metavar="SECONDS", help="0: never")
    parser.add_argument("--freeze-only", action="store_true", help="daemons are frozen, and nothing else befalls them")
    parser.add_argument("--broker-every", type=float, default=50, metavar="SECONDS", help="0: never")
    parser.add_argument("--session", type=float, default=1.5, metavar="SECONDS", help="the group's session timeout")
    parser.add_argument("--set", action="append", default=[], metavar="LINE", help="TOML added to the configuration")
    parser.add_argument("--broken", choices=BROKEN, help="daemons with a defect, which the judge must find")
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="tell the story while it happens")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run once; return 0 where the judge has no complaint, 1 where it has, 3 without a Kafka."""
    if {"--scenario", "--list"}.intersection(arguments):
        return play(arguments)
    args = parse(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its complaints about what we do to the broker
    folder = args.folder or Path(tempfile.mkdtemp(prefix="liqmon-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        cluster: Cluster = (ThreeNodes if args.nodes > 1 else SingleNode)(folder / "node")
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3
    pace = Pace(args.instances, args.fault_every, args.broker_every, args.session, freeze_only=args.freeze_only)
    plan = Plan(
        args.seconds,
        args.seed,
        pace,
        partitions=args.partitions,
        rate=args.rate,
        broken=args.broken,
        more="\n".join(args.set),
    )
    try:
        campaign = Campaign(plan, cluster, folder, verbose=args.verbose)
        verdict = asyncio.run(campaign.run())
    finally:
        cluster.close()
    command = f"python -m tests.chaos {' '.join(arguments)}"
    if args.json:
        body = {"seed": args.seed, "faults": dict(campaign.faults_done()), **verdict.body(), "repeat": command}
        sys.stdout.write(json.dumps(body, indent=1) + "\n")
    else:
        sys.stdout.write(table(campaign, verdict, command))
    if verdict.is_good and args.folder is None:
        shutil.rmtree(folder)
    elif not verdict.is_good:
        sys.stderr.write(f"kept for a post-mortem: {folder}\n")
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
