"""How a function of the store becomes machine code, and what happens where numba is missing.

The switch lives here; the functions are in `kernels` and `store_write`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # the numpy twins and the same functions, interpreted, do the work then
    numba = None

F = TypeVar("F", bound=Callable[..., Any])

HAS_NUMBA = numba is not None
_OPTIONS = {"nogil": True, "boundscheck": False, "error_model": "numpy"}


def compiled(function: F) -> F:
    """Compile a function on its first call, without the interpreter's lock; leave it as it is without numba.

    The machine code is kept beside the source or in numba's cache folder; where neither can be written it is compiled
    anew in each process.
    """
    if numba is None:
        return function
    try:
        made: F = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        made = numba.njit(**_OPTIONS)(function)
    return made


def inlined(function: F) -> F:
    """Compile a small function into each of its callers, so that a loop around it pays no call."""
    if numba is None:
        return function
    made: F = numba.njit(inline="always", **_OPTIONS)(function)
    return made
