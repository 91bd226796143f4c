"""`python -m tests.hostile`: attack an instance with a seed, print what was found and a verdict."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter

from tests.app.lab import VirtualLoop
from tests.hostile.campaign import Campaign, Report

MOST_MB, MOST_OBJECTS = 10.0, 20_000
"""What 100,000 messages may add to the memory after the warm-up."""
STEADY_FROM = 200_000
"""In a shorter run the limits are still being reached, and memory with them."""


def main() -> int:
    """Run a campaign; return 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        report = runner.run(Campaign(given.seed, given.messages, print).run())
    return told(report, given.messages)


def told(report: Report, wanted: int) -> int:
    """Print a report; return the exit code."""
    judge = report.judge
    megabytes, objects = report.slope()
    if report.messages >= STEADY_FROM and megabytes > MOST_MB and objects > MOST_OBJECTS:
        judge.complain(f"memory grows by {megabytes:.1f} MB and {objects:.0f} objects per 100,000 messages")
    print(f"messages: {report.messages} in {report.seconds:.0f} s ({_listed(report.kinds)})")
    print(f"dead letters: {sum(judge.refused.values())} ({_listed(judge.refused)})")
    print(f"events compared with the twin: {judge.events}, of witnesses {judge.witness_events}")
    print(f"slowest message: {report.slowest_seconds:.2f} s of CPU")
    print(f"memory after the warm-up: {megabytes:+.2f} MB and {objects:+.0f} objects per 100,000 messages")
    for complaint in judge.complaints:
        print(f"FOUND: {complaint}")
    print(f"verdict: {'FAILED' if judge.complaints else 'nothing found'}")
    print(f"again: python -m tests.hostile --messages {wanted} --seed {report.seed}")
    return 1 if judge.complaints else 0


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
