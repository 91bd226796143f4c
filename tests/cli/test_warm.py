"""Tests of warming: nothing is left to be compiled while somebody waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monitor.core.kernels_compiled import HAS_NUMBA

COLD_DOORS = """
import importlib, pkgutil
from numba.core.dispatcher import Dispatcher
import monitor
from monitor.cli.warm import warm
warm()
for found in pkgutil.walk_packages(monitor.__path__, "monitor."):
    last = found.name.rsplit(".", 1)[-1]
    if last.startswith(("kernels", "store_")) or ".storm." in found.name:
        for name, one in vars(importlib.import_module(found.name)).items():
            is_own = isinstance(one, Dispatcher) and one.__module__ == found.name
            if is_own and not one.targetoptions.get("no_cpython_wrapper"):
                print(found.name, name, "warm" if one.signatures else "cold")
"""
"""Compiled functions that Python calls have a wrapper; those without are part of their callers."""


@pytest.mark.skipif(not HAS_NUMBA, reason="nothing is compiled")
@pytest.mark.timeout(400)
def test_every_compiled_function_is_warm() -> None:
    """After warming each compiled function that Python calls has its machine code."""
    ended = subprocess.run([sys.executable, "-c", COLD_DOORS], capture_output=True, text=True, timeout=380, check=True)
    doors = ended.stdout.splitlines()
    assert len(doors) > 10
    assert [door for door in doors if door.endswith("cold")] == []
