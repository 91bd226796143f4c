"""Columns compared with what they must be, element by element, to the last bit.

What the right values are is worked out where the columns are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.core.audit.fault import Fault

Column = npt.NDArray[Any]


def differences(before: Mapping[str, Column], after: Mapping[str, Column], symbol: str = "") -> list[Fault]:
    """Return the first element of each column that is another one than it was."""
    faults = []
    for name, was in before.items():
        differs = np.nonzero(~((was == after[name]) | (np.isnan(was) & np.isnan(after[name]))).ravel())[0]
        if len(differs):
            stored, right = was.ravel()[differs[0]], after[name].ravel()[differs[0]]
            faults.append(Fault(name, float(stored), float(right), symbol=symbol))
    return faults
