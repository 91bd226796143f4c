"""Growth: how much one account event may add to what a shard keeps for ever.

Only an event that adds is held against a limit: what is kept already is never refused for it, so that a shard which is
full goes on with the accounts it has. Limits of a single message are the wire's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from monitor.core.accounts import Account, BadFacts, MarginType
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.instruments import Contract
from monitor.core.limits import Limits
from monitor.core.scopes import cross_scope, isolated_scope
from monitor.core.store import MarginStore
from monitor.core.told import Told

ISOLATED = MarginType.ISOLATED


class Growth:
    """Hold accounts against the limits before their facts are kept."""

    def __init__(
        self,
        limits: Limits,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        told: Mapping[str, Mapping[str, Told]],
    ) -> None:
        self._limits = limits
        self._board = board
        self._book = book
        self._store = store
        self._told = told

    def checked(self, account: Account, known: Account | None) -> Account:
        """Return facts that are to replace what is known. Raises `BadFacts` with the limit's code."""
        if known is None and len(self._book) >= self._limits.max_accounts:
            raise BadFacts("account_id", f"the shard has {len(self._book)} accounts already", "limit_accounts")
        if known is None:
            known = Account(account.account_id)
        for name in ("balances", "net_transfers", "open_order_initial_margin"):
            self._check_amounts(name, getattr(account, name), getattr(known, name))
        if account.settings is not known.settings:
            self._check_settings(account)
        if account.balances is not known.balances or account.positions is not known.positions:
            self._check_scopes(account)
        if account.positions is not known.positions:
            self._check_inverse(account, known)
        if self._store.name_count >= self._limits.max_names:
            self._check_names(account, known)
        return account

    def has_room(self, account_id: str, balances: int, positions: int) -> bool:
        """Return whether a known account may surely have so many of both; else `checked` decides."""
        limits, told = self._limits, self._told.get(account_id, ())
        return (
            positions <= limits.max_positions
            and positions <= limits.max_inverse_positions
            and len(told) + balances + positions <= limits.max_scopes
            and self.names_left > 0
        )

    @property
    def names_left(self) -> int:
        """How many names the store has room for."""
        return self._limits.max_names - self._store.name_count

    def _check_amounts(self, name: str, now: Mapping[str, object], before: Mapping[str, object]) -> None:
        most = self._limits.max_balances
        if name == "open_order_initial_margin":
            most += self._limits.max_positions
        if len(now) > most and len(now) > len(before):
            raise BadFacts(name, f"{len(now)} entries would be kept, at most {most} are", "limit_balances")

    def _check_settings(self, account: Account) -> None:
        raw = account.settings.raw
        size, most = _size(raw), self._limits.max_settings_bytes
        if size > most:
            raise BadFacts("settings", f"{size} bytes would be kept, at most {most} are", "limit_settings")
        size, most = _size(raw.get("labels", {})), self._limits.max_labels_bytes
        if size > most:
            raise BadFacts("settings.labels", f"{size} bytes would be kept, at most {most} are", "limit_settings")

    def _check_scopes(self, account: Account) -> None:
        """Refuse scopes that would have to be remembered for ever, once told of."""
        told = self._told.get(account.account_id, {})
        if len(told) + len(account.balances) + len(account.positions) <= self._limits.max_scopes:
            return
        scopes = len(told) + sum(name not in told for name in _scopes_of(account))
        if scopes > self._limits.max_scopes:
            why = f"{scopes} scopes may have to be remembered, at most {self._limits.max_scopes} are"
            raise BadFacts("positions", why, "limit_scopes")

    def _check_inverse(self, account: Account, known: Account) -> None:
        """Refuse more inverse contracts than an exact sum of reciprocals can be made of in time."""
        most = self._limits.max_inverse_positions
        if len(account.positions) <= most:
            return
        now, before = self._inverse(account), self._inverse(known)
        if now > most and now > before:
            raise BadFacts("positions", f"{now} in inverse contracts, at most {most} are kept", "limit_positions")

    def _inverse(self, account: Account) -> int:
        terms = (self._board.instrument(symbol) for symbol, _ in account.positions)
        return sum(one is not None and one.contract is Contract.INVERSE for one in terms)

    def _check_names(self, account: Account, known: Account) -> None:
        for asset in account.balances.keys() - known.balances.keys():
            if not self._store.knows(asset):
                raise BadFacts("balances", f"{asset} would be one more name than the shard keeps", "limit_names")
        for key in account.positions.keys() - known.positions.keys():
            if not self._store.knows(isolated_scope(*key)) and account.positions[key].margin_type is ISOLATED:
                raise BadFacts("positions", f"{key[0]} would be one more name than the shard keeps", "limit_names")
        if account.settings.bracket_multiplier != known.settings.bracket_multiplier:
            raise BadFacts("settings.bracket_multiplier", "the shard keeps no more of them", "limit_names")


def _scopes_of(account: Account) -> Iterable[str]:
    yield from map(cross_scope, account.balances)
    for position in account.positions.values():
        if position.margin_type is ISOLATED:
            yield isolated_scope(position.symbol, position.side)


def _size(part: Mapping[str, object] | list[object]) -> int:
    plain = dict(part) if isinstance(part, Mapping) else part
    return len(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode())
