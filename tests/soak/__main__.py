"""`python -m tests.soak`: steady load on a Kafka of its own, failovers, slopes, and what the judge of chaos says."""

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
from tests.chaos.cluster import SingleNode
from tests.chaos.faults import Pace
from tests.chaos.report import table as judged
from tests.chaos.verdict import Verdict
from tests.soak.failovers import LONG_LIVED, Failovers
from tests.soak.report import Row, rows, table
from tests.soak.sampling import Sampler

WARM_UP_SECONDS = 300.0
WARM_UP_SHARE = 0.25
SESSION_SECONDS = 3.0
LONG_SECONDS = 900.0
"""A run of so long must have lives to judge; a shorter one shows that soaking works."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10, help="messages a second")
    parser.add_argument("--failover-every", type=float, metavar="SECONDS", help="180, less in a short run")
    parser.add_argument("--warm-up", type=float, metavar="SECONDS", help="of each process; 300, less in a short run")
    parser.add_argument("--set", action="append", default=[], metavar="LINE", help="TOML added to the configuration")
    parser.add_argument("--prove", action="store_true", help="have `liqmon verify` compute every event again")
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run once; return 0 where nothing grows and the judge has no complaint, 1 otherwise, 3 without a Kafka."""
    args = parse(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="liqmon-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        cluster = SingleNode(folder / "node")
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3
    seconds = args.minutes * 60
    sampler = Sampler()
    failovers = Failovers(args.failover_every or min(180.0, seconds / 5), SESSION_SECONDS)
    plan = Plan(
        seconds,
        args.seed,
        Pace(args.instances, 0, 0, SESSION_SECONDS, pointed_share=0, cold_share=1),
        rate=args.rate,
        more="\n".join(args.set),
        prove=args.prove,
        scenarios=(failovers, sampler),
    )
    try:
        campaign = Campaign(plan, cluster, folder)
        sampler.fleet = failovers.fleet = campaign.fleet
        verdict = asyncio.run(campaign.run())
    finally:
        cluster.close()
    warm_up = args.warm_up if args.warm_up is not None else min(WARM_UP_SECONDS, WARM_UP_SHARE * seconds)
    lines = rows(sampler.lives.values(), warm_up)
    _save(folder, sampler)
    sys.stdout.write(judged(campaign, verdict, f"python -m tests.soak {' '.join(arguments)}") + "\n")
    is_good = _tell(args.minutes, failovers, sampler, lines, verdict)
    if is_good and args.folder is None:
        shutil.rmtree(folder)
    else:
        sys.stderr.write(f"kept: {folder}\n")
    return 0 if is_good else 1


def _tell(minutes: float, failovers: Failovers, sampler: Sampler, lines: list[Row], verdict: Verdict) -> bool:
    """Write the table of slopes and the verdict of the soak; return whether it is good."""
    lives = sampler.lives.values()
    faults = sum(life.audit_faults for life in lives)
    bad = [f"process {row.process}: {row.figure} grows" for row in lines if row.is_bad]
    bad += [f"the self-audit found {faults:.0f} faults"] * bool(faults)
    bad += ["the judge complains"] * (not verdict.is_good)
    long = {row.process for row in lines if row.slope.is_long}
    if minutes * 60 >= LONG_SECONDS:
        bad += [f"process {number} has not lived long enough" for number in range(LONG_LIVED) if number not in long]
    asked = sum(life.asked for life in lives)
    sys.stdout.write(
        f"soak, {minutes:g} minutes, failovers {dict(failovers.done)}\n{table(lines)}\n"
        f"ready {100 * sum(life.ready for life in lives) / max(1, asked):.1f} % of {asked} times asked; "
        f"the self-audit compared {sum(life.audited for life in lives):,.0f} scopes and found {faults:.0f} faults\n"
        + "".join(f"  {text}\n" for text in bad)
        + f"verdict of the soak: {'BAD' if bad else 'good'}\n"
    )
    return not bad


def _save(folder: Path, sampler: Sampler) -> None:
    samples = {life.number: {"began": life.began, **life.series} for life in sampler.lives.values()}
    (folder / "samples.json").write_text(json.dumps(samples), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
