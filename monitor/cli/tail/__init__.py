"""`liqmon tail`: the events of the topics as they come, for people in a table, for programs one JSON object a line.

Options and signals live here; reading, choosing and showing are in the rooms beside this one.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from monitor.cli.clock import now_ms
from monitor.cli.exits import BadInput, Exit
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, add_json_option, settings_of
from monitor.cli.tail.starting import Start, read_offset, read_start
from monitor.core.ladder import RUNGS

if TYPE_CHECKING:
    from monitor.app.ports import Record
    from monitor.app.topics import TopicNames
    from monitor.cli.tail.choosing import Choice
    from monitor.config import Settings

TOPICS = ("margin-calls", "liquidations", "adl-events")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `tail`."""
    parser = subparsers.add_parser(
        "tail",
        help="show the events of the topics as they come",
        description="Show committed events as they come: a live table on a terminal, a line each on a pipe, the whole "
        "records with --json (what `liqmon verify -` and `liqmon explain -` read). Filters are and-ed; each may be "
        "repeated. Order holds within a partition of a topic.",
    )
    add_config_option(parser)
    add_json_option(parser)
    parser.add_argument(
        "--from",
        dest="start",
        metavar="WHEN",
        default="end",
        help="end (the default), beginning, a time like 2026-03-01T12:00:00Z, or a span like 15m, 2h, 1d ago",
    )
    parser.add_argument(
        "--offset",
        metavar="TOPIC:PARTITION:OFFSET",
        action="append",
        default=[],
        help="where to begin in one partition; with it only the partitions named so are read",
    )
    parser.add_argument("--no-follow", action="store_true", help="end at what stands there now")
    parser.add_argument("--topic", action="append", choices=TOPICS, help="of these topics only")
    parser.add_argument("--account", action="append", metavar="ID")
    parser.add_argument("--scope", action="append", metavar="SCOPE", help="a scope, or cross, isolated, portfolio")
    parser.add_argument("--symbol", action="append", metavar="SYMBOL", help="what the scope held")
    parser.add_argument("--method", action="append", metavar="METHOD", help="single_asset, isolated, portfolio, span …")
    parser.add_argument(
        "--severity",
        choices=[str(status) for status in reversed(RUNGS)],
        help="at least; by the worse end of a change, so that recoveries show too",
    )


def execute(args: argparse.Namespace) -> int:
    """Show events until told to stop, or to the end with `--no-follow`."""
    from monitor.cli.tail.choosing import Choice  # noqa: PLC0415

    settings = settings_of(args)
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers is not configured: there are no topics to read")
    start = Start(read_start(args.start), tuple(read_offset(text) for text in args.offset))
    choice = Choice.of(args.account, args.scope, args.symbol, args.method, args.severity)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(settings, start, choice, args))
    return Exit.GOOD


async def _run(settings: Settings, start: Start, choice: Choice, args: argparse.Namespace) -> None:
    from monitor.cli.tail.reading import Reading  # noqa: PLC0415

    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    names = settings.topics.names()
    log = open_kafka(settings)
    try:
        show, close = _shown(args.json, names)
        reading = Reading(log, _topics(names, args.topic), settings.topics.prefix, start, now_ms)
        try:
            async for records in reading.batches(follow=not args.no_follow):
                show([record for record in records if choice.takes(record)])
        finally:
            close()
    finally:
        await log.close()


def _topics(names: TopicNames, chosen: list[str] | None) -> list[str]:
    of = dict(zip(TOPICS, (names.margin_calls, names.liquidations, names.adl_events), strict=True))
    return [of[topic] for topic in chosen or TOPICS]


def _shown(as_json: bool, names: TopicNames) -> tuple[Callable[[list[Record]], None], Callable[[], None]]:
    from monitor.cli.tail.showing import LiveTable, print_lines, print_records  # noqa: PLC0415

    if as_json:
        return print_records, lambda: None
    if not sys.stdout.isatty():
        return print_lines, lambda: None
    table = LiveTable(f"{names.margin_calls}, {names.liquidations}, {names.adl_events}")
    return table.add, table.close
