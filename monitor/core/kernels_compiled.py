"""How a function of the store becomes machine code, where that is kept, and what happens where numba is missing.

The switch lives here; the functions are in `kernels…`, `store_rows`, `store_write` and `storm`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

numba: Any
try:
    numba = import_module("numba")
except ImportError:  # the numpy twins and the same functions, interpreted, do the work then
    numba = None

F = TypeVar("F", bound=Callable[..., Any])

HAS_NUMBA = numba is not None
_OPTIONS = {"nogil": True, "boundscheck": False, "error_model": "numpy"}


def _name_cache_after_sources(here: Path) -> None:
    """Keep machine code in a folder named after the sources of all compiled functions.

    numba takes kept code for current while the file of the function called from Python is unchanged, even if a function
    that one calls in another file is not.
    """
    kernels = here.parent.rglob("kernels*.py")
    sources = sorted([*kernels, here / "stated.py", *here.glob("store_*.py"), *here.glob("storm/*.py")])
    digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    base = Path(numba.config.CACHE_DIR) if numba.config.CACHE_DIR else here / "__pycache__"
    folder = base / f"kernels-{digest}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    numba.config.CACHE_DIR = str(folder)


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


def compiled_within(function: F) -> F:
    """Compile a function that only compiled ones call; leave it as it is without numba.

    It becomes part of whoever calls it: it has no door for Python (calling it from there ends the process), and no
    machine code of its own is kept. Doors for all of them took a quarter of the time of a first start.
    """
    if numba is None:
        return function
    made: F = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    return made


def inner(function: F) -> F:
    """Let compiled functions call a function, which has no machine code of its own: called from Python it is as it was.

    Constants it is called with do not make a copy of it each, as they would of a compiled one.
    """
    if numba is None:
        return function
    made: F = import_module("numba.extending").register_jitable(**_OPTIONS)(function)
    return made


def compiled_flat(function: F) -> F:
    """Compile a function like `compiled` does, but so that it counts no references and can allocate nothing.

    Counting costs some 50 ns where ten arrays are handed on, which is too much for what is done to every account.
    """
    if numba is None:
        return function
    try:
        made: F = numba.njit(cache=True, _nrt=False, **_OPTIONS)(function)
    except RuntimeError:
        made = numba.njit(_nrt=False, **_OPTIONS)(function)
    return made


def compiled_into(function: F) -> F:
    """Compile a function into the body of those that call it, which are all `compiled_flat`."""
    if numba is None:
        return function
    options = {**_OPTIONS, "forceinline": True, "_nrt": False}
    made: F = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)
    return made


if HAS_NUMBA:
    _name_cache_after_sources(Path(__file__).parent)
