"""The terminal: what the command lines of all benches begin with; what each can be told is in its `__main__`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Collection, Sequence


def say(line: str = "") -> None:
    """Write a line to the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def chosen_of(
    options: argparse.ArgumentParser, known: Collection[str], arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, list[str]]:
    """Return what was chosen, and the names in `--parts`; end with an error where one of them is not known."""
    chosen = options.parse_args(arguments)
    names = [name for name in chosen.parts.split(",") if name]
    if unknown := [name for name in names if name not in known]:
        options.error(f"no such parts: {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen, names


def command_of(module: str, arguments: Sequence[str] | None) -> str:
    """Return the command that does this again."""
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])
