"""`liqmon feed VENUE`: what a venue streams, written to the input topics by a process of its own.

The parser lives here; putting the parts together and running them, in the rooms beside it.
"""

from __future__ import annotations

import argparse
import asyncio

from monitor.adapters.venues import DIALECTS
from monitor.cli.options import add_config_option, settings_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `feed` with a verb for each venue."""
    parser = subparsers.add_parser(
        "feed",
        help="write what a venue streams to the input topics, until SIGTERM or SIGINT",
        description="Follow a venue and write native messages to Kafka. Without kafka.bootstrap_servers they are "
        "printed instead, in the form that `liqmon run --input` reads.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VENUE", required=True)
    for name in DIALECTS:
        venue = verbs.add_parser(name, help=f"follow {name}")
        add_config_option(venue)


def execute(args: argparse.Namespace) -> int:
    """Feed until told to stop."""
    from monitor.cli.feed.running import FeedProcess  # noqa: PLC0415  # slow to load

    return asyncio.run(FeedProcess(settings_of(args), DIALECTS[args.verb]).run())
