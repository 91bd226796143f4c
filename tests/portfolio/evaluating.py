"""A document as `liqmon evaluate` margins it, and the small documents that tests state by hand.

What is right is said by the oracle and by the golden figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.adapters.wire.document import decode_document
from monitor.cli.evaluate import report_of
from monitor.core.limits import Limits

LIMITS = Limits()
Key = tuple[str, str]


def reports(document: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """Return the reports of all scopes of a document by account and name."""
    report = report_of(decode_document(json.dumps(document).encode(), LIMITS))
    return {(one["account_id"], scope["scope"]): scope for one in report["accounts"] for scope in one["scopes"]}


def linear(base: str, *, settle: str = "USDT", rate: str = "0.01", most: str = "100") -> dict[str, Any]:
    """Return the terms of a linear contract with one bracket."""
    brackets = [{"floor": "0", "rate": rate, "max_leverage": most}]
    return {"contract": "linear", "settle_asset": settle, "base_asset": base, "brackets": brackets}


def inverse(base: str, size: str) -> dict[str, Any]:
    """Return the terms of an inverse contract with one bracket."""
    brackets = [{"floor": "0", "rate": "0.01", "max_leverage": "100"}]
    return {
        "contract": "inverse", "settle_asset": base, "base_asset": base, "contract_size": size, "brackets": brackets,
    }  # fmt: skip


def position(symbol: str, quantity: str, entry: str, **more: str) -> dict[str, str]:
    """Return a position."""
    return {"symbol": symbol, "quantity": quantity, "entry_price": entry, **more}
