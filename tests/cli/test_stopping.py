"""A command that is told to stop while the kernels compile, which nobody can interrupt."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMPILING = """
import sys, time
from monitor.cli import warm
from monitor.cli.main import main

def compile_long():
    print("compiling", flush=True)
    time.sleep(600)

warm.warm = compile_long
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("command", "number"), [("run", signal.SIGTERM), ("demo", signal.SIGINT)])
def test_it_ends_while_the_kernels_compile(command: str, number: signal.Signals, tmp_path: Path) -> None:
    """Told to stop, it ends with 0 within 10 s, with its last words said, though the compiler goes on for minutes."""
    environment = {"LIQMON_HTTP__PORT": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", COMPILING, command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None, "a pipe was asked for"
        try:
            next(line for line in process.stdout if line == "compiling\n")
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert ("asked to stop" if command == "run" else "time of a price message") in out + err
