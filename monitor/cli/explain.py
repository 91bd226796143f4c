"""`liqmon explain`: how an event was computed, step by step.

The wording is the core's.
"""

from __future__ import annotations

import argparse

from monitor.cli.exits import BadInput, Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `explain`."""
    parser = subparsers.add_parser("explain", help="say step by step how an event was computed, from its evidence")
    parser.add_argument("file", metavar="FILE", help="one event in JSON, or lines of them; - for standard input")
    add_config_option(parser)
    add_json_option(parser)


def execute(args: argparse.Namespace) -> int:
    """Explain every event of the file."""
    from monitor.cli.evidence import read_events  # noqa: PLC0415  # slow to load
    from monitor.core.explain import explanation  # noqa: PLC0415

    explained = []
    for event in read_events(args.file, settings_of(args).limits):
        try:
            lines = explanation(event.body, event.document)
        except (KeyError, TypeError, ValueError) as fault:
            raise BadInput(f"{event.place}: the event is not complete: {fault!r}") from None
        if args.json:
            explained.append({"event_id": event.body.get("event_id"), "lines": lines})
        else:
            print("\n".join(lines), end="\n\n")
    if args.json:
        print_json(explained)
    return Exit.GOOD
