"""The audit of the screen: the columns of an account against those that its rows and lines give.

Rows and lines are worked out from the facts elsewhere. What differs is set right in its place, unless it cannot be told
which elements are the account's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitor.core.audit.comparing import Column, differences
from monitor.core.audit.fault import Fault
from monitor.core.rules.screen_columns import AccountLines, Columns
from monitor.core.rules.screen_prices import ScreenPrices
from monitor.core.rules.screen_rows import AccountRows

_COLUMNS = {
    "accounts": ("single", "linear_in_one", "base", "tracks", "fall", "scope_start", "sector_start"),
    "cells": (
        "account", "symbol", "asset", "size", "entry", "leverage", "multiplier", "wallet", "inverse", "isolated",
        "pool", "sector",
    ),
    "pools": ("pool_account", "pool_asset", "pool_wallet", "pool_in_usd", "pool_scope"),
    "wallets": ("wallet_account", "wallet_asset", "wallet_net", "wallet_size"),
    "scopes": ("scope_lines", "scope_k", "scope_armed", "account_of_scope"),
    "sectors": ("sector_lines", "account_of_sector"),
}  # fmt: skip
_POINTS_TO = {
    "account": "accounts",
    "pool": "pools",
    "sector": "sectors",
    "pool_account": "accounts",
    "pool_scope": "scopes",
    "wallet_account": "accounts",
    "account_of_scope": "accounts",
    "account_of_sector": "accounts",
    "scope_start": "scopes",
    "sector_start": "sectors",
}
"""Columns that hold places of other columns: those of an account alone begin at 0."""


def mended(
    columns: Columns, place: int, rows: AccountRows, lines: AccountLines, prices: ScreenPrices
) -> list[Fault] | None:
    """Set right the columns of the account at a place; return what was otherwise, None where they must be made anew."""
    alone = Columns([rows], prices)
    alone.set_lines(0, lines)
    mine, right = _extents(columns, place), _extents(alone, 0)
    if any(_size(mine[kind]) != _size(right[kind]) for kind in _COLUMNS):
        return None
    faults: list[Fault] = []
    for kind, names in _COLUMNS.items():
        stored = {name: getattr(columns, name)[mine[kind]] for name in names}
        wanted = {name: _moved(getattr(alone, name)[right[kind]], name, mine) for name in names}
        faults += differences(_as_bytes(stored), _as_bytes(wanted))
        for name, column in stored.items():
            column[...] = wanted[name]
    return [fault._replace(column=f"rules_{fault.column}") for fault in faults]


def _extents(columns: Columns, place: int) -> dict[str, slice]:
    """Return where the elements of an account stand, by kind; each kind is in the order of the accounts."""
    of_account = {"cells": columns.account, "pools": columns.pool_account, "wallets": columns.wallet_account}
    extents = {kind: slice(*np.searchsorted(column, (place, place + 1))) for kind, column in of_account.items()}
    for kind, starts in (("scopes", columns.scope_start), ("sectors", columns.sector_start)):
        extents[kind] = slice(int(starts[place]), int(starts[place + 1]))
    return extents | {"accounts": slice(place, place + 1)}


def _size(extent: slice) -> int:
    return int(extent.stop - extent.start)


def _moved(column: Column, name: str, extents: Mapping[str, slice]) -> Column:
    """Return the places that a column must hold beside those of other accounts; -1 stands for none."""
    kind = _POINTS_TO.get(name)
    return column if kind is None else np.where(column < 0, column, column + extents[kind].start)


def _as_bytes(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return columns with truth as bytes: any bit of one counts."""
    return {name: column.view(np.uint8) if column.dtype == np.bool_ else column for name, column in columns.items()}
