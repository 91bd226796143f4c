"""`liqmon feed replay`: the parts of a replay put together from settings, and what became of it said at the end."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from monitor.adapters.logs import configure_logs
from monitor.adapters.metrics import FeedMetrics
from monitor.adapters.venues import VENUES, read_quote
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.replay import Pace, Played, Replay
from monitor.app.venue_feed.sieve import Sieve
from monitor.cli.clock import now_ms
from monitor.cli.exits import BadInput, Exit
from monitor.cli.feed.outlets import message_writer, open_outlet
from monitor.cli.feed.recordings import recorded

if TYPE_CHECKING:
    from monitor.config import Settings

_MOST_REASONS = 5


async def replay(args: argparse.Namespace, settings: Settings) -> int:
    """Play the files; return the exit code. Raises `BadInput`, also when nothing in them could be written."""
    configure_logs(settings.log)
    try:
        pace = Pace(args.speed, args.rebase)
    except ValueError as why:
        raise BadInput(str(why)) from None
    async with open_outlet(settings) as outlet:
        outbox = Outbox(outlet, FeedMetrics(CollectorRegistry()), now_ms, settings.feed.max_waiting)
        player = Replay(
            VENUES[args.venue].streams,
            Sieve(settings.feed.max_ahead_ms, settings.feed.max_behind_ms),
            message_writer(settings),
            outbox,
            pace,
            time.monotonic,
            now_ms,
            read_quote if args.stand_in else None,
        )
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(outbox.run(), name="outbox")
            played = await player.run(recorded(args.files))
            writing.cancel()
    _tell(played)
    if not played.fates["kept"]:
        hint = "" if args.stand_in else "; of bookTicker and trade frames --stand-in makes prices, which are no marks"
        raise BadInput(f"no frame states a price that could be written{hint}")
    return Exit.GOOD


def _tell(played: Played) -> None:
    print(f"{played.frames} frames of {played.seconds:.1f} s read", file=sys.stderr)
    for fate, count in sorted(played.fates.items()):
        print(f"rows {fate}: {count}", file=sys.stderr)
    for reason, count in played.unread.most_common(_MOST_REASONS):
        print(f"frames not read: {count}: {reason}", file=sys.stderr)
