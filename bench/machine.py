"""The machine a bench ran on: processor, its effective clock, how busy it is, and the versions of everything used."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from bench import compiler
from bench.compiler import Loops

PACKAGES: Final = ("numpy", "numba", "msgspec", "polars", "duckdb", "pandas", "quixstreams")
_ADDITIONS: Final = 20_000_000
_TRIES: Final = 7


def describe(loops: Loops | None) -> dict[str, object]:
    """Return what is to be known of the machine to read the figures."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "clock_ghz": clock(loops),
        "load_average": list(os.getloadavg()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "compiler": f"{compiler.version()} {' '.join(compiler.FLAGS)}" if loops else "none",
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def clock(loops: Loops | None) -> dict[str, float] | None:
    """Return the effective clock in GHz by additions that wait for each other, None where no C compiler is."""
    if loops is None:
        return None
    spin, found = loops.bind("spin", _ADDITIONS), []
    for _ in range(_TRIES):
        start = time.process_time()
        spin()
        found.append(_ADDITIONS / (time.process_time() - start) / 1e9)
    return {"best": round(max(found), 3), "median": round(statistics.median(found), 3)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
