"""Tests of asking for memory ahead: it is asked for where that is possible, and nothing breaks where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.core import kernels_ahead
from monitor.core.kernels_compiled import HAS_NUMBA, numba


@pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")
def test_memory_is_asked_for() -> None:
    """A compiled function that asks for an element holds the machine's instruction for it, and changes nothing."""
    fetch = kernels_ahead.fetch

    def ask(array: np.ndarray) -> float:
        fetch(array, 1)
        return array[1]

    compiled = numba.njit(ask)
    assert compiled(np.array([1.0, 2.0])) == 2.0
    assert "prefetch" in next(iter(compiled.inspect_asm().values()))


@pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")
def test_another_compiler_is_done_without() -> None:
    """Where machine code is made otherwise nothing is asked for, and no error comes of it."""

    class Other:
        """Stand for a compiler that makes no arrays."""

        def get_dummy_value(self) -> str:
            """Return what stands for nothing."""
            return "nothing"

    class Signature:
        """Stand for the signature of a call."""

        args = (None, None)

    assert kernels_ahead._ask(Other(), None, Signature(), (None, None)) == "nothing"
