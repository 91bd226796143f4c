"""`liqmon config check` and `liqmon config show`: whether the configuration can be used, and what is in force.

How a configuration is read and judged lives in `monitor.config`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from monitor.cli.exits import BadInput, Exit
from monitor.cli.options import add_config_option, add_json_option, print_json, settings_of
from monitor.config import Complaint, ConfigError, effective, to_toml, warnings_of
from monitor.config.places import profile_names


class _Finding(NamedTuple):
    """Hold what the check of the configuration with one profile has found; `good` is what to say when it is."""

    errors: Sequence[Complaint]
    warnings: Sequence[Complaint]
    good: str


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `config` with its two verbs."""
    parser = subparsers.add_parser("config", help="check the configuration, or show what is in force")
    verbs = parser.add_subparsers(dest="verb", metavar="check|show", required=True)
    check = verbs.add_parser(
        "check",
        help="name every error with the path of its key; exit 2 when there is one",
        description="Check the configuration and its profile: errors (exit 2) and warnings, each with source and path.",
    )
    show = verbs.add_parser("show", help="print every key in force and where it comes from, secrets masked")
    for verb in (check, show):
        add_config_option(verb)
        add_json_option(verb)
        verb.add_argument("--profile", metavar="NAME", help="the venue profile, above the one configured")
    check.add_argument(
        "--every-profile", action="store_true", help="check with each profile there is, one after the other"
    )


def execute(args: argparse.Namespace) -> int:
    """Check or show."""
    if args.verb == "check":
        return _check(args)
    try:
        rows = effective(settings_of(args, _overrides(args.profile)))
    except ConfigError as error:
        if not args.json:
            raise
        print_json({"good": False, "errors": [_described(complaint) for complaint in error.complaints]})
        return Exit.BAD_INPUT
    if args.json:
        print_json({row.path: {"value": row.value, "origin": row.origin} for row in rows})
    else:
        sys.stdout.write(to_toml(rows))
    return Exit.GOOD


def _check(args: argparse.Namespace) -> int:
    """Check with one profile or with every one; errors decide the exit code, warnings do not."""
    profiles: list[str | None] = [args.profile]
    if args.every_profile:
        if args.config == "-":
            raise BadInput("--every-profile reads the configuration more than once: it cannot be standard input")
        profiles = [*profile_names(None if args.config is None else Path(args.config))]
    findings = [_found(args, profile) for profile in profiles]
    errors = list(dict.fromkeys(error for finding in findings for error in finding.errors))
    warnings = list(dict.fromkeys(warning for finding in findings for warning in finding.warnings))
    if args.json:
        described = {"errors": [_described(one) for one in errors], "warnings": [_described(one) for one in warnings]}
        print_json({"good": not errors, **described})
        return Exit.BAD_INPUT if errors else Exit.GOOD
    for warning in warnings:
        print(f"liqmon: warning: {warning}", file=sys.stderr)
    for finding in findings:
        if not finding.errors:
            print(finding.good)
    if errors:
        raise ConfigError(errors)
    return Exit.GOOD


def _found(args: argparse.Namespace, profile: str | None) -> _Finding:
    try:
        settings = settings_of(args, _overrides(profile))
    except ConfigError as error:
        return _Finding(error.complaints, (), "")
    good = f"the configuration is good: {len(effective(settings))} keys, profile {settings.venue.profile}"
    return _Finding((), tuple(warnings_of(settings)), good)


def _overrides(profile: str | None) -> dict[str, str]:
    return {} if profile is None else {"venue.profile": profile}


def _described(complaint: Complaint) -> dict[str, str]:
    return {"path": complaint.path, "source": complaint.source, "reason": complaint.reason}
