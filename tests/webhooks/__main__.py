"""`python -m tests.webhooks`: senders killed and frozen before misbehaving targets, on a Kafka of its own."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.broker import kafka, new_broker
from tests.webhooks.kills import one_run


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.webhooks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=400, help="written while the senders die")
    parser.add_argument("--faults", type=int, default=12, help="how often whoever sends is killed, frozen or stopped")
    parser.add_argument("--broker", action="store_true", help="kill the broker too, with every third fault")
    parser.add_argument("--folder", type=Path, help="where the run's files lie; kept in any case")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run; return 0 where every event ended once and in order, 1 where one did not, 3 without a Kafka."""
    args = parse(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="liqmon-webhooks-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        broker = new_broker(folder / "node")
    except kafka.NoKafka as reason:
        sys.stderr.write(f"no Kafka: {reason}\n")
        return 3
    try:
        ports = list(kafka.free_ports(2))
        mortal = broker if args.broker else None
        work = one_run(broker.bootstrap_servers, folder, args.seed, args.events, args.faults, ports, mortal)
        found = asyncio.run(work)
    finally:
        broker.kill()
    again = f"python -m tests.webhooks --seed {args.seed} --events {args.events} --faults {args.faults}"
    again += " --broker" if args.broker else ""
    verdict = f"{'BAD' if found.complaints else 'good'}; logs in {folder}; again: {again}"
    complaints = [f"COMPLAINT {complaint}" for complaint in found.complaints]
    sys.stdout.write("\n".join([*found.lines, *complaints, verdict, ""]))
    return 1 if found.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
