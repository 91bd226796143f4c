"""The nursery of a chaos run: a process that has loaded everything a daemon loads, and forks daemons on demand.

A daemon that starts from nothing spends seconds of a core on importing, more than the faults of a run leave it to live.
What is forked here is a process of its own all the same: `liqmon run`, or the test build. A line of JSON in is a daemon
to start; lines out say which process it is, and with which code a process has ended. The harness's side is `processes`.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from monitor.cli import main as command_line
from monitor.cli import warm
from tests.chaos import worker

LOADED = (
    "monitor.adapters.http",
    "monitor.adapters.kafka",
    "monitor.adapters.logs",
    "monitor.adapters.metrics",
    "monitor.cli.assembly",
    "monitor.cli.run",
    "monitor.cli.version",
    "monitor.config",
)


def main() -> int:
    """Fork daemons until standard input ends."""
    for name in LOADED:
        import_module(name)
    warm.warm()
    gc.freeze()
    children: set[int] = set()
    waiting = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.05)
        if readable:
            chunk = os.read(0, 65_536)
            if not chunk:
                return 0
            *lines, waiting = (waiting + chunk).split(b"\n")
            for line in lines:
                children.add(_fork(json.loads(line)))
        _bury(children)


def _fork(order: dict[str, Any]) -> int:
    """Fork a daemon, tell its process id, and return it."""
    pid = os.fork()
    if pid == 0:
        _live(order)
    _say({"number": order["number"], "pid": pid})
    return pid


def _live(order: dict[str, Any]) -> None:
    """Be a daemon, and end with its code."""
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for old, new in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(old, new)
        start = worker.run if order["test_build"] else command_line.main
        code = start(order["arguments"])
    except BaseException:  # noqa: BLE001 - a child must never return into the nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _bury(children: set[int]) -> None:
    """Tell of every child that has ended."""
    for pid in list(children):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            children.remove(pid)
            _say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(body: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
