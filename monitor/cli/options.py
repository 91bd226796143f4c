"""Options and output that commands share: `--config`, `--json`, the settings they lead to, and JSON on standard output.

What a single command needs lives in its own module.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from monitor.config import Settings


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the `--config` every command takes."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="configuration in TOML, - for standard input; built-in defaults without it; LIQMON_SECTION__KEY overrides",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Give a command `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for a machine to read")


def settings_of(args: argparse.Namespace, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings from `--config`, the environment and the flags. Raises `ConfigError`."""
    from monitor.config import load  # noqa: PLC0415  # heavy; commands without settings start faster

    return load(args.config, environment=os.environ, overrides=overrides or {})


def print_json(document: object) -> None:
    """Print one JSON document, indented where a person watches."""
    option = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    sys.stdout.write(orjson.dumps(document, option=option | orjson.OPT_APPEND_NEWLINE).decode())
