"""Evidence of a rule: the account as a whole and its market by value, and what the rule remembered.

The form of each part is in `document`, the proof made from it in `proof`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.core.accounts import Account, MarginMode
from monitor.core.board import MarketBoard
from monitor.core.document import account_object, instrument_object
from monitor.core.evidence import (
    assets_object,
    basis_object,
    ladder_object,
    mixed_members,
    origins_object,
    pegs_object,
    prices_object,
)
from monitor.core.portfolio.stating import portfolio_object
from monitor.core.verdict import Ladders


def rule_evidence(
    account: Account, board: MarketBoard, ladders: Ladders, remembered: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a rule's value was computed from; `remembered` is what does not follow from the present market."""
    symbols = sorted({position.symbol for position in account.positions.values()})
    stated, method = symbols, basis_object(board)
    if account.margin_mode is MarginMode.PORTFOLIO and board.portfolio is not None:
        stated = sorted({*symbols, *mixed_members(board)})
        method = method | {"portfolio": portfolio_object(board.portfolio)}
    assets = assets_object(account, symbols, board)
    cross, isolated, portfolio = map(ladder_object, ladders.all())
    return {
        "document": {
            "ladder": {"cross": cross, "isolated": isolated, "portfolio": portfolio},
            "usd_assets": sorted(board.usd_assets),
            "instruments": {s: instrument_object(terms) for s in stated if (terms := board.instrument(s))},
            "assets": assets,
            "prices": prices_object(symbols, board),
            "accounts": [account_object(account)],
            **method,
        },
        "price_origins": origins_object(symbols, board),
        **pegs_object(assets, board),
        "remembered": dict(remembered),
    }
