"""Asking for memory before it is needed: what lies at random comes while other rows are still being computed.

It leans on how numba makes machine code. Where that is otherwise nothing is asked for, and all figures are the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from monitor.core.kernels_compiled import numba

AHEAD: Final = 24
"""How many rows before its turn a row is asked for."""


def _ask(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Write a call of `llvm.prefetch` (to be written, to all caches) into machine code."""
    ir = import_module("llvmlite.ir")
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    try:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(view.data, [arguments[1]]), byte)
        builder.call(
            builder.module.declare_intrinsic("llvm.prefetch", [byte], kind), [place, number(1), number(3), number(1)]
        )
    except (AttributeError, TypeError):  # another llvmlite: do without
        pass
    return context.get_dummy_value()


def _fetch(_: Any, array: Any, index: Any) -> Any:
    """Ask for the element of an array, counted as if it were flat."""
    return numba.types.void(array, index), _ask


def _nothing(array: Any, index: Any) -> None:
    """Ask for nothing: there is no numba."""


fetch: Any = _nothing if numba is None else import_module("numba.extending").intrinsic(_fetch)
