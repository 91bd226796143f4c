"""A naive twin of the rules on drawdown, account limit and concentration: dictionaries, fractions, everybody each time.

It shares nothing with the product but the messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PROFILES = {"conservative": "0.10", "moderate": "0.15", "aggressive": "0.20"}


@dataclass
class Memory:
    """Hold what was remembered of one account."""

    high: Fraction | None = None
    unit: str = ""
    fired: dict[tuple[str, str], set[Fraction]] = field(default_factory=dict)
    sequence: int = 0


class Twin:
    """Hold market, accounts and memories as plain dictionaries."""

    def __init__(self) -> None:
        self.terms: dict[str, dict[str, Any]] = {}
        self.marks: dict[str, Fraction] = {}
        self.assets: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.memories: dict[str, Memory] = {}

    def account(self, name: str, event: dict[str, Any]) -> None:
        """Apply an account event."""
        known = self.accounts.get(name)
        if event.get("deleted"):
            self.accounts.pop(name, None)
            memory = self.memories.get(name)
            if memory is not None:
                self.memories[name] = Memory(sequence=memory.sequence)
            return
        if known is None or event.get("snapshot"):
            known = {"mode": "single_asset", "balances": {}, "positions": {}, "transfers": {}, "settings": {}}
        known = {key: dict(value) if isinstance(value, dict) else value for key, value in known.items()}
        known["mode"] = event.get("margin_mode", known["mode"])
        known["balances"] |= event.get("balances", {})
        known["transfers"] |= event.get("net_transfers", {})
        known["settings"] |= event.get("settings", {})
        for symbol, held in event.get("positions", {}).items():
            if held[0] == "0":
                known["positions"].pop(symbol, None)
            else:
                known["positions"][symbol] = held
        self.accounts[name] = known

    def told(self) -> list[tuple[str, int]]:
        """Look at everybody; return each event in short with its number, accounts in the order of their names."""
        lines: list[tuple[str, int]] = []
        for name in sorted(self.accounts):
            lines += self._look(name, self.accounts[name])
        return lines

    def _look(self, name: str, account: dict[str, Any]) -> list[tuple[str, int]]:
        memory = self.memories.setdefault(name, Memory())
        settings, lines = account["settings"], []
        stops = settings.get("drawdown_stops", [PROFILES[p]] if (p := settings.get("drawdown_profile")) else [])
        limits = [settings["account_limit"]] if "account_limit" in settings else []
        given = settings.get("concentration_limit")
        if not stops or "reference_equity" in settings:
            memory.high, memory.unit = None, ""
        lines += self._fire(name, memory, "drawdown_stop", {"": stops}, self._fall(account, memory, bool(stops)))
        scopes = self._limits(account) if limits else {}
        lines += self._fire(name, memory, "account_limit", dict.fromkeys(scopes or {}, limits), scopes)
        sectors = self._sectors(account) if given else {}
        levels = given if isinstance(given, dict) else dict.fromkeys(sectors or {}, given)
        by_sector = {sector: [level] for sector, level in (levels or {}).items() if sector in (sectors or {})}
        lines += self._fire(name, memory, "concentration_limit", by_sector, sectors)
        return lines

    def _fire(
        self,
        name: str,
        memory: Memory,
        rule: str,
        levels: dict[str, list[str]],
        values: dict[str, tuple[Fraction, Fraction] | None] | None,
    ) -> list[tuple[str, int]]:
        """Compare every value with its levels; `values` None: nothing is known."""
        if values is None:
            return []
        lines: list[tuple[str, int]] = []
        for key in [key for key in memory.fired if key[0] == rule and key[1] not in values]:
            del memory.fired[key]
        for target in sorted(values):
            value = values[target]
            if value is None:
                continue
            before = memory.fired.get((rule, target), set())
            now: set[Fraction] = set()
            for level in sorted(map(Fraction, levels.get(target, []))):
                reached = _reaches(value, level)
                if level in before:
                    if _reaches(value, level * Fraction(9, 10), strictly=True):
                        now.add(level)
                elif reached:
                    now.add(level)
                    memory.sequence += 1
                    lines.append((f"{name} {rule}{' ' + target if target else ''}@{_text(level)}", memory.sequence))
            memory.fired[rule, target] = now
        return lines

    # ------------------------------------------------------------------------------------------------- values
    def _index(self, assets: set[str]) -> tuple[dict[str, Fraction], str] | None:
        if len(assets) == 1 and not assets & set(self.assets) and assets != {"USD"}:
            (only,) = assets
            return {only: Fraction(1)}, only
        if not assets <= set(self.assets) | {"USD"}:
            return None
        return {
            name: Fraction(self.assets[name]["index"]) if name in self.assets else Fraction(1) for name in assets
        }, "USD"

    def _profit(self, symbol: str, held: tuple[Any, ...]) -> Fraction | None:
        mark, terms = self.marks.get(symbol), self.terms[symbol]
        if mark is None:
            return None
        size, entry = Fraction(held[0]) * Fraction(terms["size"]), Fraction(held[1])
        return size * (1 / entry - 1 / mark) if terms["inverse"] else size * (mark - entry)

    def _fall(
        self, account: dict[str, Any], memory: Memory, exists: bool
    ) -> dict[str, tuple[Fraction, Fraction] | None] | None:
        if not exists:
            return {}
        amounts = [(name, Fraction(amount)) for name, amount in account["balances"].items()]
        amounts += [(name, -Fraction(amount)) for name, amount in account["transfers"].items()]
        amounts = [(name, amount) for name, amount in amounts if amount]
        for symbol, held in account["positions"].items():
            profit = self._profit(symbol, held)
            if profit is None:
                return None
            if len(held) > 2:
                profit = max(Fraction(0), profit + Fraction(held[2]["isolated_wallet"]))
            amounts.append((self.terms[symbol]["settle"], profit))
        rates = self._index({name for name, _ in amounts})
        if rates is None:
            return None
        equity = sum((amount * rates[0][name] for name, amount in amounts), Fraction(0))
        base = account["settings"].get("reference_equity")
        if base is None:
            if memory.high is None or memory.unit != rates[1] or equity > memory.high:
                memory.high, memory.unit = equity, rates[1]
            base = memory.high
        base = Fraction(base)
        return {"": (base - equity, base)} if base > 0 else None

    def _limits(self, account: dict[str, Any]) -> dict[str, tuple[Fraction, Fraction] | None]:
        multi = account["mode"] == "multi_asset"
        scopes: dict[str, dict[str, Fraction]] = {"cross:USD": {}} if multi else {}
        margins: dict[str, dict[str, Fraction]] = {}
        unknown: set[str] = set()
        for asset, amount in account["balances"].items():
            held = scopes.setdefault("cross:USD" if multi else f"cross:{asset}", {})
            held[asset] = held.get(asset, Fraction(0)) + Fraction(amount)
        for symbol, position in account["positions"].items():
            settle, isolated = self.terms[symbol]["settle"], len(position) > 2
            scope = f"isolated:{symbol}:both" if isolated else "cross:USD" if multi else f"cross:{settle}"
            held = scopes.setdefault(scope, {})
            wallet = Fraction(position[2]["isolated_wallet"]) if isolated else Fraction(0)
            profit = self._profit(symbol, position)
            if profit is None:
                unknown.add(scope)
                continue
            held[settle] = held.get(settle, Fraction(0)) + wallet + profit
            mine = margins.setdefault(scope, {})
            mine[settle] = mine.get(settle, Fraction(0)) + self._initial(symbol, position, account["settings"])
        found: dict[str, tuple[Fraction, Fraction] | None] = {}
        for scope, held in scopes.items():
            margin, equity = margins.get(scope, {}), Fraction(0)
            if multi and scope == "cross:USD":
                needed = {asset for asset, amount in held.items() if amount} | set(margin)
                if not needed <= set(self.assets) | {"USD"}:
                    unknown.add(scope)
                    needed = set()
                for asset in needed:
                    terms = self.assets.get(asset, {"index": "1"})
                    amount = held.get(asset, Fraction(0))
                    ratio = Fraction(terms.get("collateral_ratio", "1")) if amount > 0 else Fraction(1)
                    equity += amount * Fraction(terms["index"]) * ratio
                total = sum(
                    (m * Fraction(self.assets.get(a, {"index": "1"})["index"]) for a, m in margin.items()), Fraction(0)
                )
            else:
                equity, total = sum(held.values(), Fraction(0)), sum(margin.values(), Fraction(0))
            found[scope] = None if scope in unknown else (total, equity)
        return found

    def _initial(self, symbol: str, position: tuple[Any, ...], settings: dict[str, Any]) -> Fraction:
        terms, mark = self.terms[symbol], self.marks[symbol]
        size = abs(Fraction(position[0]) * Fraction(terms["size"]))
        notional = size / mark if terms["inverse"] else size * mark
        cap = next(Fraction(c) for floor, c in reversed(terms["caps"]) if Fraction(floor) <= notional)
        return notional / min(Fraction(settings.get("leverage", {}).get(symbol, "1")), cap)

    def _sectors(self, account: dict[str, Any]) -> dict[str, tuple[Fraction, Fraction] | None] | None:
        linear = {self.terms[s]["settle"] for s in account["positions"] if not self.terms[s]["inverse"]}
        rates = self._index(linear) if linear else ({}, "USD")
        if rates is None:
            return None
        shares: dict[str, Fraction] = {}
        gross = Fraction(0)
        for symbol, held in account["positions"].items():
            terms = self.terms[symbol]
            if symbol not in self.marks:
                return None
            size = abs(Fraction(held[0]) * Fraction(terms["size"]))
            delta = size if terms["inverse"] else size * self.marks[symbol] * rates[0][terms["settle"]]
            gross += delta
            if terms["sector"]:
                shares[terms["sector"]] = shares.get(terms["sector"], Fraction(0)) + delta
        return {sector: (share, gross) for sector, share in shares.items()}


def _reaches(value: tuple[Fraction, Fraction], level: Fraction, *, strictly: bool = False) -> bool:
    top, bottom = value
    if bottom <= 0:
        return top > 0
    return top > level * bottom if strictly else top >= level * bottom


def _text(level: Fraction) -> str:
    return f"{float(level):.6f}".rstrip("0").rstrip(".")
