"""`liqmon migrate-shards`: all accounts moved to topics with another number of partitions.

Reading the two configurations and saying what came of it live here; the migration is in `monitor.app.migration`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from monitor.cli.exits import BadInput, Exit, OutsideFault
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of
from monitor.cli.progress import watched

if TYPE_CHECKING:
    from monitor.app.migration.sides import Moved
    from monitor.config import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `migrate-shards`."""
    parser = subparsers.add_parser(
        "migrate-shards",
        help="move all accounts to topics with another number of partitions",
        description="Move all accounts, and what was told of them, from the topics of --config to those of --into. "
        "Sequences and episodes go on; nobody is told anything. Exit 1 names what is not as it has to be: then nothing "
        "was moved.",
        epilog="Before: in the new configuration, give other names to the topics that have a partition for each shard, "
        "and keep mark-prices, instruments, assets and insurance-funds; `liqmon topics create --config NEW`; stop what "
        "writes to the inputs, let the monitor read to the end, stop every instance. After: start the monitor and the "
        "producers of account events on the new configuration. The old changelogs are closed for good. "
        "A migration that was cut off is finished by the same command.",
    )
    add_config_option(parser)
    parser.add_argument("--into", metavar="FILE", required=True, help="the configuration the monitor is to run on next")
    add_json_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Migrate; exit 1 where something is in the way."""
    from monitor.app.image import DamagedState  # noqa: PLC0415  # heavy; other commands start faster
    from monitor.app.migration.checks import Refused  # noqa: PLC0415
    from monitor.app.migration.moving import MovedWrongly  # noqa: PLC0415
    from monitor.config import load  # noqa: PLC0415

    old, new = settings_of(args), load(args.into, environment=os.environ, overrides={})
    if old.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers: is not set, and the embedded log has nothing to migrate")
    if new.kafka.bootstrap_servers != old.kafka.bootstrap_servers:
        raise BadInput(f"{args.into}: kafka.bootstrap_servers: differs from the old one; accounts stay in their Kafka")
    try:
        moved = asyncio.run(_migrated(old, new))
    except Refused as refused:
        if args.json:
            print_json({"moved": False, "complaints": refused.complaints})
        else:
            for complaint in refused.complaints:
                print(f"refused  {complaint}")
        return Exit.ANSWER_IS_NO
    except (DamagedState, MovedWrongly) as damage:
        raise OutsideFault(str(damage)) from damage
    if args.json:
        print_json({"moved": True, **asdict(moved)})
    elif moved.before:
        print(f"the accounts had been moved before; the {moved.shards_after} new shards are open")
    else:
        print(
            f"{moved.shards_before} shards became {moved.shards_after}: {moved.accounts} accounts, {moved.lines} lines "
            f"of the changelog, {moved.statuses} statuses"
        )
    return Exit.GOOD


async def _migrated(old: Settings, new: Settings) -> Moved:
    from monitor.adapters.logs import configure_logs  # noqa: PLC0415  # slow to load
    from monitor.app.migration.moving import Migration  # noqa: PLC0415
    from monitor.app.migration.sides import Side  # noqa: PLC0415
    from monitor.cli.assembly import codec_of  # noqa: PLC0415
    from monitor.cli.clock import now_ms  # noqa: PLC0415

    configure_logs(old.log)
    log = open_kafka(old)
    sides = [Side(each.topics.prefix + each.kafka.group_id, each.topics.names()) for each in (old, new)]
    migration = Migration(
        log, codec_of(new), *sides, now_ms=now_ms, most_records=new.limits.max_transaction_records, watch=watched
    )
    try:
        return await migration.run()
    finally:
        await log.close()
