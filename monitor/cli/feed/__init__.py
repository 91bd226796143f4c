"""`liqmon feed VENUE`: what a venue streams, written to the input topics by a process of its own.

The parser lives here; putting the parts together and running them, in the rooms beside it.
"""

from __future__ import annotations

import argparse
import asyncio

from monitor.adapters.venues import VENUES
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
    for name in VENUES:
        venue = verbs.add_parser(name, help=f"follow {name}")
        add_config_option(venue)
    _add_replay(verbs)


def _add_replay(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "replay",
        help="write recorded frames as a feed would have, at their pace or another",
        description="Lines are `TIME FRAME`, the time since 1970 in nano-, micro- or milliseconds; files may be packed "
        "by gzip, and several are merged in the order of time.",
    )
    add_config_option(parser)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--venue", choices=VENUES, default="binance-usdm", help="whose frames they are")
    parser.add_argument("--speed", type=float, default=1.0, help="2: twice as fast; 0: as fast as it goes")
    parser.add_argument("--rebase", action="store_true", help="move the times in the frames to now")
    parser.add_argument(
        "--stand-in",
        action="store_true",
        help="make prices of bookTicker and trade frames: the median of bid, ask and last trade, once a second; they "
        "are not the venue's marks and have no index",
    )


def execute(args: argparse.Namespace) -> int:
    """Feed until told to stop, or play recordings to their end."""
    if args.verb == "replay":
        from monitor.cli.feed.replaying import replay  # noqa: PLC0415

        return asyncio.run(replay(args, settings_of(args)))
    from monitor.cli.feed.running import FeedProcess  # noqa: PLC0415  # slow to load

    return asyncio.run(FeedProcess(settings_of(args), VENUES[args.verb]).run())
