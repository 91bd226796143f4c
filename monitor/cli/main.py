"""The command line's front door: finds the command, runs it, and turns every fault into a message and an exit code.

argparse, not a library: ten commands with few options each need nothing more, and it costs no start-up time.
What a command does lives in its own module.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from monitor.app.ports import LogFault
from monitor.cli.exits import BadInput, Exit, OutsideFault

COMMANDS = (
    "run",
    "feed",
    "demo",
    "gateway",
    "webhooks",
    "topics",
    "doctor",
    "migrate-shards",
    "config",
    "evaluate",
    "compare",
    "explain",
    "verify",
    "tail",
    "version",
)
"""The modules of this package that are commands, in the order of `--help`."""


class Command(Protocol):
    """Describe what a command's module offers."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the command's parser, named like its module, with `--config` and a help text."""

    def execute(self, args: argparse.Namespace) -> int:
        """Do what was asked and return the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `Exit`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not __debug__:
        return _refuse("python -O switches off checks that this program and its Kafka client rely on", Exit.BAD_INPUT)
    try:
        commands = {name: _command(name) for name in _wanted(arguments)}
        args = _parser(commands).parse_args(arguments)
        code = commands[args.command].execute(args)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse leaves this way after --help and after a usage error
        return Exit.GOOD if stop.code in (0, None) else Exit.BAD_INPUT
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OUTSIDE
    except Exception as fault:  # noqa: BLE001  # the one place that catches everything: it ends the process
        return _report(fault)
    return code


def _wanted(arguments: Sequence[str]) -> Sequence[str]:
    """Return the commands to import: the one asked for, or all when help or an error has to list them."""
    return arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS


def _command(name: str) -> Command:
    return cast("Command", import_module(f"monitor.cli.{name.replace('-', '_')}"))


def _parser(commands: dict[str, Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="liqmon",
        description="Streaming liquidation monitor: every account re-margined on every tick, verdicts exactly once.",
        epilog="exit codes: 0 good, 1 the answer is no, 2 bad input, 3 outside failure, 70 our own bug",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands.values():
        command.add_parser(subparsers)
    return parser


def _report(fault: BaseException) -> int:
    """Say what went wrong and return the code; of several faults at once the worst decides."""
    faults = [(one, _code_of(one)) for one in _leaves(fault)]
    worst = max(code for _, code in faults)
    if worst is Exit.BUG:
        traceback.print_exception(fault)
    for one, code in faults:
        ours = f"this is our own bug: {type(one).__name__}: " if code is Exit.BUG else ""
        _refuse(f"{ours}{str(one) or type(one).__name__}", code)
    return worst


def _leaves(fault: BaseException) -> Iterator[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        for one in fault.exceptions:
            yield from _leaves(one)
    else:
        yield fault


def _code_of(fault: BaseException) -> Exit:
    from monitor.config import ConfigError  # noqa: PLC0415  # only needed once something has gone wrong

    if isinstance(fault, (BadInput, ConfigError)):
        return Exit.BAD_INPUT
    if isinstance(fault, (OutsideFault, LogFault, OSError)):
        return Exit.OUTSIDE
    return Exit.BUG


def _refuse(message: str, code: Exit) -> Exit:
    for line in message.splitlines():
        print(f"liqmon: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
