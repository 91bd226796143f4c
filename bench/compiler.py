"""The C loops: built on the spot with the system's compiler, and called with the arrays of a store.

What the loops do is in `loops/`; which arrays they are given is in `twins`.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

SOURCES: Final = Path(__file__).parent / "loops"
COMPILER: Final = "cc"
FLAGS: Final = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
"""Products and sums are rounded one by one, as in the kernels: a fused one would have other bits."""

Loop = Callable[[], int]


class NoCompiler(RuntimeError):
    """There is no C compiler, or it does not build the loops; says which."""


class Loops:
    """Hold the built loops; `bind` makes one ready to be called with nothing left to convert."""

    def __init__(self) -> None:
        if shutil.which(COMPILER) is None:
            raise NoCompiler(f"there is no C compiler ({COMPILER})")
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "loops.so"
            sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
            command = [COMPILER, *FLAGS, "-shared", "-fPIC", *sources, "-o", str(target), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
            if done.returncode:
                raise NoCompiler(f"{COMPILER} does not build the loops: {done.stderr.strip()[:400]}")
            self._library = ctypes.CDLL(str(target))

    def bind(self, name: str, *arguments: Any) -> Loop:
        """Return a loop with its arguments: arrays by address, numbers as 64 bits.

        The arrays are kept alive; they must not be replaced by others meanwhile.
        """
        function = getattr(self._library, name)
        function.restype = ctypes.c_int64
        converted = [_converted(argument) for argument in arguments]

        def call(kept: object = arguments) -> int:
            del kept
            return int(function(*converted))

        return call


def version() -> str:
    """Return what the compiler says it is, empty where there is none."""
    if shutil.which(COMPILER) is None:
        return ""
    done = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.splitlines()[0] if done.stdout else COMPILER


def loops_if_any() -> tuple[Loops | None, str]:
    """Return the C loops, or why there are none."""
    try:
        return Loops(), ""
    except NoCompiler as missing:
        return None, str(missing)


def _converted(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise ValueError("a loop needs arrays without gaps")
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, float):
        return ctypes.c_double(argument)
    return ctypes.c_int64(int(argument))
