"""Cold start from the changelog and restore from a snapshot, on a real Kafka: `tests/restore` does it and judges it.

Not among the parts that run by default: it needs Java, and writes the changelog of the whole population first.
"""

from __future__ import annotations

import subprocess
import sys

from bench.growth.axes import Found
from bench.growth.setting import PER_ACCOUNT, Setting


def by_restore(setting: Setting) -> Found:
    """Run it with the most accounts, in a process of its own; what it prints is what there is to say."""
    chosen = {"accounts": setting.most, "positions": PER_ACCOUNT, "seed": setting.seed}
    options = [text for name, value in chosen.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.restore", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own module
    said = done.stdout.splitlines()
    wrong = [line for line in said if "WRONG" in line or "DIFFERENTLY" in line]
    if done.returncode and not wrong and "TOO SLOW" not in done.stdout:
        wrong = [f"tests.restore ended with code {done.returncode}"]
    return Found(said=said, faults=wrong)
