"""`python -m tests.chain`: the whole chain on a Kafka of its own, its parts killed at random; its verdict.

A recording is replayed into Kafka, judged by the daemon, and told by the gateway and by webhooks; each part is killed
by a seed and started again. In the end every subscriber must have been told each event of the topics once, and nothing
else.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.broker import kafka
from tests.chain import market
from tests.chain.chain import Chain, Plan, Verdict
from tests.programs import free_port


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long prices come and parts die (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-kills", action="store_true", help="let every part live")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="of marks, as docs/feeds.md has it; else made")
    parser.add_argument("--speed", type=float, default=4.0, help="of the replay (%(default)s)")
    parser.add_argument("--accounts", type=int, default=80)
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run once; return 0 for nothing lost or doubled, 1 for something, 2 for a bad recording, 3 without a Kafka."""
    args = parse(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if args.recording is not None:
        try:
            market.first_prices(args.recording)
        except (OSError, ValueError) as fault:
            sys.stderr.write(f"{args.recording}: {fault}\n")
            return 2
    folder = args.folder or Path(tempfile.mkdtemp(prefix="liqmon-chain-"))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        broker = kafka.Broker(folder / "node", free_port(), free_port())
        broker.start()
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3
    plan = Plan(args.seconds, args.seed, not args.no_kills, args.recording, args.speed, args.accounts)
    try:
        verdict = asyncio.run(Chain(plan, broker.bootstrap_servers, folder).run())
    finally:
        broker.kill()
    sys.stdout.write(
        report(verdict, f"python -m tests.chain {' '.join(arguments)}", args.seed, time.monotonic() - began)
    )
    if verdict.is_good and args.folder is None:
        shutil.rmtree(folder)
    elif not verdict.is_good:
        sys.stderr.write(f"kept for a post-mortem: {folder}\n")
    return 0 if verdict.is_good else 1


def report(verdict: Verdict, command: str, seed: int, seconds: float) -> str:
    """Return what a run came to, for people."""
    lines = [f"{name:24} {count:>8,}" for name, count in verdict.figures.items()]
    kills = ", ".join(f"{name} {count}" for name, count in sorted(verdict.kills.items())) or "none"
    lines += [f"killed by SIGKILL        {kills}", f"seed {seed}, {seconds:.0f} s; again: {command.strip()}"]
    lines += [f"WRONG: {complaint}" for complaint in verdict.complaints[:20]]
    if len(verdict.complaints) > 20:
        lines.append(f"… and {len(verdict.complaints) - 20} more")
    lines.append("nothing lost, nothing doubled" if verdict.is_good else f"{len(verdict.complaints)} complaints")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
