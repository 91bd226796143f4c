"""`liqmon version`: the versions a report of a fault should name.

Nothing is loaded to tell them: they are read from the installed distributions.
"""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

from monitor.cli.exits import Exit
from monitor.cli.options import add_config_option, add_json_option, print_json

DISTRIBUTIONS = {"liqmon": "liquidation-monitor", "numba": "numba", "numpy": "numpy", "aiokafka": "aiokafka"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `version`."""
    parser = subparsers.add_parser("version", help="print the versions of liqmon, Python, numba, numpy and aiokafka")
    add_config_option(parser)
    add_json_option(parser)


def versions() -> dict[str, str]:
    """Return name to version; `missing` for a library that is not installed."""
    found = {name: _installed(distribution) for name, distribution in DISTRIBUTIONS.items()}
    return {"liqmon": found.pop("liqmon"), "python": platform.python_version(), **found}


def execute(args: argparse.Namespace) -> int:
    """Print them."""
    found = versions()
    if args.json:
        print_json(found)
    else:
        for name, number in found.items():
            print(f"{name:10} {number}")
    return Exit.GOOD


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"
