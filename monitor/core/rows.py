"""The bridge from account facts to the rows of the store: which scopes an account has, and what each is made of.

Only the translation lives here; the arithmetic of a row is the store's, the exact figures are `margin`'s.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from monitor.core.accounts import Account, MarginMode, MarginType, Position
from monitor.core.board import MarketBoard
from monitor.core.scopes import IN_USD, ScopeKind, kind_of, positions_of, scope_names
from monitor.core.store import CellFacts, PartFacts, ScopeFacts
from monitor.core.verdict import Ladders

_ONE = Decimal(1)
_NOTHING = Decimal(0)


def scopes_to_judge(account: Account, board: MarketBoard, remembered: Collection[str]) -> tuple[str, ...]:
    """Return the scopes of an account, those it was last seen with included while a contract's terms are missing.

    Without the terms of a cross position nobody can say which pools of collateral a single-asset account has: a pool
    that was there is then unknown, not gone.
    """
    names = scope_names(account, board)
    if account.margin_mode is not MarginMode.SINGLE_ASSET or not _is_pool_uncertain(account, board):
        return names
    kept = (name for name in remembered if name.startswith("cross:") and name not in names)
    return (*names, *sorted(kept))


def _is_pool_uncertain(account: Account, board: MarketBoard) -> bool:
    """Return whether a cross position could be settled in any asset, its terms being unknown."""
    return any(
        position.margin_type is MarginType.CROSS and board.instrument(position.symbol) is None
        for position in account.positions.values()
    )


def awaited_terms(account: Account, board: MarketBoard) -> list[str]:
    """Return the symbols whose next terms may change an account's scopes though the store has no row of them there.

    Those without terms; and, as blocked pools have no rows, all of an account that is incomplete or lacks cross terms.
    """
    held = {symbol for symbol, _ in account.positions}
    if account.complete and not _is_pool_uncertain(account, board):
        held = {symbol for symbol in held if board.instrument(symbol) is None}
    return sorted(held)


def scope_rows(account: Account, names: Collection[str], board: MarketBoard, ladders: Ladders) -> list[ScopeFacts]:
    """Return what the store keeps of each scope."""
    uncertain = _is_pool_uncertain(account, board)
    return [_scope_row(account, name, board, ladders, uncertain) for name in names]


def rows_of(account: Account, remembered: Collection[str], board: MarketBoard, ladders: Ladders) -> list[ScopeFacts]:
    """Return what the store keeps of an account, `remembered` being the scopes it was last seen with."""
    return scope_rows(account, scopes_to_judge(account, board, remembered), board, ladders)


def _scope_row(account: Account, name: str, board: MarketBoard, ladders: Ladders, uncertain: bool) -> ScopeFacts:
    kind = kind_of(account, name)
    number = ladders.number(kind)
    positions = positions_of(account, name, board)
    pooled = kind is not ScopeKind.ISOLATED
    blocked = (
        not account.complete
        or (kind is ScopeKind.PORTFOLIO and board.portfolio is None)
        or (pooled and uncertain)
        or any(board.instrument(position.symbol) is None for position in positions)
    )
    if blocked:
        return ScopeFacts(name, number, in_usd=False, blocked=True, parts=())
    parts = _parts(account, name, kind, positions, board)
    return ScopeFacts(name, number, kind in IN_USD, blocked=False, parts=parts, portfolio=kind is ScopeKind.PORTFOLIO)


def _parts(
    account: Account, name: str, kind: ScopeKind, positions: Collection[Position], board: MarketBoard
) -> tuple[PartFacts, ...]:
    cells: dict[str, list[CellFacts]] = {}
    for position in positions:
        cells.setdefault(_settle_asset(position.symbol, board), []).append(
            CellFacts(
                position.symbol,
                account.settings.bracket_multiplier.get(position.symbol, _ONE),
                position.quantity,
                position.entry_price,
            )
        )
    if kind is ScopeKind.ISOLATED:
        (position,) = positions
        asset = _settle_asset(position.symbol, board)
        return (PartFacts(asset, position.isolated_wallet or _NOTHING, tuple(cells[asset])),)
    if kind is ScopeKind.CROSS:
        asset = name.partition(":")[2]
        return (PartFacts(asset, account.balances.get(asset, _NOTHING), tuple(cells.get(asset, ()))),)
    held = [asset for asset, amount in account.balances.items() if amount and asset not in cells]
    return tuple(
        PartFacts(asset, account.balances.get(asset, _NOTHING), tuple(cells.get(asset, ())))
        for asset in (*cells, *held)
    )


def _settle_asset(symbol: str, board: MarketBoard) -> str:
    terms = board.instrument(symbol)
    assert terms is not None, "a scope with missing terms is blocked before its rows are made"
    return terms.settle_asset
