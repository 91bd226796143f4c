"""Bounds of settings: `at_least`, `at_most`, `above` and `below`, as the metadata of their fields state them.

The comparison lives here; whoever reads a value says where it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fault_of(value: Any, bounds: Mapping[str, Any]) -> str | None:
    """Return why a number does not keep within its bounds, None where it does."""
    if "at_least" in bounds and value < bounds["at_least"]:
        return f"must be at least {bounds['at_least']}, not {value}"
    if "at_most" in bounds and value > bounds["at_most"]:
        return f"must be at most {bounds['at_most']}, not {value}"
    if "above" in bounds and value <= bounds["above"]:
        return f"must be above {bounds['above']}, not {value}"
    if "below" in bounds and value >= bounds["below"]:
        return f"must be below {bounds['below']}, not {value}"
    return None
