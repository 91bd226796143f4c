"""`liqmon verify`: events computed again from their own evidence; says the first term that differs.

The comparison is the core's.
"""

from __future__ import annotations

import argparse

from monitor.cli.exits import BadInput, Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `verify`."""
    parser = subparsers.add_parser(
        "verify", help="compute events again from their evidence; exit 1 naming the first term that differs"
    )
    parser.add_argument("file", metavar="FILE", help="one event in JSON, or lines of them; - for standard input")
    add_config_option(parser)
    add_json_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Verify every event of the file."""
    from monitor.cli.evidence import read_events  # noqa: PLC0415  # slow to load
    from monitor.core.verify import BadEvidence, first_difference  # noqa: PLC0415

    count, differing = 0, []
    for event in read_events(args.file, settings_of(args).limits, with_bar=True):
        count += 1
        try:
            difference = first_difference(event.body, event.document)
        except BadEvidence as fault:
            raise BadInput(f"{event.place}: {fault}") from None
        if difference is not None:
            differing.append({"event_id": event.body.get("event_id"), "place": event.place, **difference._asdict()})
    if args.json:
        print_json({"verified": count - len(differing), "differing": differing})
    else:
        for one in differing:
            print(f"{one['place']}: {one['event_id']}: {one['term']} is {one['stated']}, computed {one['computed']}")
        print(f"{count - len(differing)} of {count} events follow from their evidence")
    return Exit.ANSWER_IS_NO if differing else Exit.GOOD
