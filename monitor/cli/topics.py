"""`liqmon topics create` and `liqmon topics check`: the topics made, or compared with what they should be.

Which topics there should be is said in `monitor.app.topics`; how Kafka is asked, in its adapter.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from monitor.cli.exits import BadInput, Exit
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of

if TYPE_CHECKING:
    from monitor.config import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `topics` with its two verbs."""
    parser = subparsers.add_parser("topics", help="create the topics in Kafka, or say what differs")
    verbs = parser.add_subparsers(dest="verb", metavar="create|check", required=True)
    create = verbs.add_parser(
        "create", help="create what is missing; exit 1 when something that exists differs: nothing is changed"
    )
    check = verbs.add_parser(
        "check", help="say what differs from the topics as they should be; exit 1 when something does"
    )
    for verb in (create, check):
        add_config_option(verb)
        add_json_option(verb)


def execute(args: argparse.Namespace) -> int:
    """Create or check."""
    settings = settings_of(args)
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers: is not set, and the embedded log needs no topics to be created")
    created, wrong, unwise = asyncio.run(_compared(settings, create=args.verb == "create"))
    if args.json:
        print_json({"good": not wrong, "created": created, "differences": wrong, "warnings": unwise})
    else:
        for topic in created:
            print(f"created  {topic}")
        for difference in wrong:
            print(f"differs  {difference}")
        for warning in unwise:
            print(f"warning  {warning}")
        if not wrong:
            print(f"the topics on {settings.kafka.bootstrap_servers} are as they should be")
    return Exit.ANSWER_IS_NO if wrong else Exit.GOOD


async def _compared(settings: Settings, *, create: bool) -> tuple[list[str], list[str], list[str]]:
    """Return the topics created, what differs now, and what is allowed but unwise. Raises what the admin raises."""
    from monitor.adapters.logs import configure_logs  # noqa: PLC0415  # slow to load
    from monitor.app.topics import create_topics, differences, topic_specs, warnings  # noqa: PLC0415

    configure_logs(settings.log)
    log = open_kafka(settings)
    try:
        admin = await log.admin()
        names = [spec.name for spec in topic_specs(settings.topics)]
        before = await admin.describe(names)
        refused = await create_topics(admin, settings.topics) if create else []
        after = await admin.describe(names) if create else before
    finally:
        await log.close()
    wrong = differences(settings.topics, after)
    wrong += [complaint for complaint in refused if complaint not in wrong]
    return sorted(after.keys() - before.keys()), wrong, warnings(settings.topics, after)
