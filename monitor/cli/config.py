"""`liqmon config check` and `liqmon config show`: whether the configuration can be used, and what is in force.

How a configuration is read and judged lives in `monitor.config`.
"""

from __future__ import annotations

import argparse
import sys

from monitor.cli.exits import Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of
from monitor.config import Complaint, ConfigError, effective, to_toml


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `config` with its two verbs."""
    parser = subparsers.add_parser("config", help="check the configuration, or show what is in force")
    verbs = parser.add_subparsers(dest="verb", metavar="check|show", required=True)
    check = verbs.add_parser("check", help="name every error with the path of its key; exit 2 when there is one")
    show = verbs.add_parser("show", help="print every key in force and where it comes from, secrets masked")
    for verb in (check, show):
        add_config_option(verb)
        add_json_option(verb)


def execute(args: argparse.Namespace) -> int:
    """Check or show."""
    try:
        settings = settings_of(args)
    except ConfigError as error:
        if not args.json:
            raise
        print_json({"good": False, "errors": [_described(complaint) for complaint in error.complaints]})
        return Exit.BAD_INPUT
    rows = effective(settings)
    if args.verb == "check":
        if args.json:
            print_json({"good": True, "errors": []})
        else:
            print(f"the configuration is good: {len(rows)} keys, profile {settings.venue.profile}")
    elif args.json:
        print_json({row.path: {"value": row.value, "origin": row.origin} for row in rows})
    else:
        sys.stdout.write(to_toml(rows))
    return Exit.GOOD


def _described(complaint: Complaint) -> dict[str, str]:
    return {"path": complaint.path, "source": complaint.source, "reason": complaint.reason}
