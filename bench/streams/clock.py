"""The processor time of another process: of all its threads, to the nanosecond, while it runs."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

from bench.peers.peer import Missing


def processor_clock(pid: int) -> Callable[[], float]:
    """Return the clock that tells the processor seconds of a process. Raises `Missing` where the system has none."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "clock_getcpuclockid"):
        raise Missing("this system has no clock for the processor time of another process")
    clock = ctypes.c_int()
    if library.clock_getcpuclockid(ctypes.c_int(pid), ctypes.byref(clock)):
        raise RuntimeError(f"process {pid} has no clock: it has ended")
    return lambda: time.clock_gettime(clock.value)
