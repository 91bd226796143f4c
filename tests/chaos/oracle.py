"""The status of every scope from the facts of a chaos run, exactly and naively, without memory and with its two edges.

Written from the contract (§3, §4); portfolio accounts are margined by the independent reading in `tests/portfolio`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from tests.chaos.facts import Account
from tests.portfolio.oracle import LADDER, Accounts, Market, status

F = Fraction
HYSTERESIS = F("0.005")
RANKS = {name: rank for rank, name in enumerate(("healthy", *LADDER, "bankrupt"))}
_UP = {name: line * (1 + HYSTERESIS) for name, line in LADDER.items()}


class Edges(NamedTuple):
    """Hold the status without memory, and the one from which a scope that was worse has come back."""

    down: str
    up: str

    def fits(self, told: str) -> bool:
        """Return whether a told status can stand: no better than the one, no worse than the other."""
        if "unknown" in (self.down, told):
            return self.down == told
        return RANKS[self.down] <= RANKS[told] <= RANKS[self.up]

    def after(self, last: str) -> str:
        """Return the known status that follows a known one."""
        if RANKS[self.down] > RANKS[last]:
            return self.down
        return self.up if RANKS[self.up] < RANKS[last] else last


UNKNOWN = Edges("unknown", "unknown")


class Oracle:
    """Work out scopes from terms, collateral and prices as they stand."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._market = Market(document)

    def scopes(self, account: Account) -> dict[str, Edges]:
        """Return every scope of an account and its edges."""
        if account.gone:
            return {}
        found = {
            f"isolated:{one['symbol']}:{one['side']}": self._isolated(account, one)
            for one in account.live(isolated=True)
        }
        mode = account.modes["margin_mode"]
        if mode == "portfolio":
            found["portfolio"] = self._portfolio(account)
        elif mode == "multi_asset":
            found["cross:USD"] = self._multi(account)
        else:
            found |= self._single(account)
        return found if account.complete else dict.fromkeys(found, UNKNOWN)

    def scope(self, account: Account, name: str) -> Edges | None:
        """Return the edges of one scope of an account, None where there is no such scope."""
        if account.complete and name == "portfolio":
            return self._portfolio(account) if account.modes["margin_mode"] == "portfolio" else None
        if account.complete and name.startswith("isolated:"):
            mine = [one for one in account.live(isolated=True) if name == f"isolated:{one['symbol']}:{one['side']}"]
            return self._isolated(account, mine[0]) if mine else None
        return self.scopes(account).get(name)

    def _isolated(self, account: Account, one: dict[str, str]) -> Edges:
        if self._lacks(one):
            return UNKNOWN
        position = self._market.position(one, {})
        return self._edges(F(one["isolated_wallet"]) + position.profit, position.requirement, position.settle)

    def _single(self, account: Account) -> dict[str, Edges]:
        cross = account.live(isolated=False)
        known = [one for one in cross if one["symbol"] in self._market.instruments]
        settled = {self._market.instruments[one["symbol"]]["settle_asset"] for one in known}
        found = dict.fromkeys([f"cross:{asset}" for asset in {*account.balances, *settled}], UNKNOWN)
        if len(known) < len(cross):
            return found
        for scope in found:
            asset = scope.removeprefix("cross:")
            members = [one for one in cross if self._market.instruments[one["symbol"]]["settle_asset"] == asset]
            if any(map(self._lacks, members)):
                continue
            positions = [self._market.position(one, {}) for one in members]
            equity = F(account.balances.get(asset, "0")) + sum(one.profit for one in positions)
            found[scope] = self._edges(equity, sum((one.requirement for one in positions), F(0)), asset)
        return found

    def _multi(self, account: Account) -> Edges:
        cross = account.live(isolated=False)
        if any(map(self._lacks, cross)):
            return UNKNOWN
        positions = [self._market.position(one, {}) for one in cross]
        held = {asset: F(amount) for asset, amount in account.balances.items() if F(amount)}
        for one in positions:
            held[one.settle] = held.get(one.settle, F(0)) + one.profit
        if any(self._market.index(asset) is None for asset in held):
            return UNKNOWN
        equity = sum((a * (self._market.debit(n) if a < 0 else self._market.credit(n)) for n, a in held.items()), F(0))
        needed = sum((one.requirement * self._market.debit(one.settle) for one in positions), F(0))
        return self._edges(equity, needed, "USD")

    def _portfolio(self, account: Account) -> Edges:
        stated = {
            "account_id": account.name,
            "margin_mode": "portfolio",
            "balances": account.balances,
            "positions": list(account.positions.values()),
        }
        found = Accounts({**self._document, "accounts": [stated]}).portfolio(stated)
        return UNKNOWN if found.missing else self._edges(found.equity, found.maintenance, "USD")

    def _lacks(self, one: dict[str, str]) -> bool:
        return one["symbol"] not in self._market.instruments or one["symbol"] not in self._market.prices

    def _edges(self, equity: Fraction, needed: Fraction, asset: str) -> Edges:
        floor = F(1) / (self._market.index(asset) or F(1))
        return Edges(status(equity, needed, {}, floor), status(equity, needed, _UP, floor))
