"""A naive exact twin of the margin engine: the contract read aloud in fractions and dictionaries.

After every input it evaluates everybody anew. It is slow and obvious on purpose and shares nothing with the engine but
the shapes of the inputs and the settings; its formulas are in `twin_margin`, the merging of
account events in `twin_facts`, what is compared in `comparing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from monitor.core.accounts import AccountEvent
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, Clock, Input, InstrumentTerms, Prices, RejectedMessage
from monitor.core.ladder import Ladder
from monitor.core.verdict import Ladders
from tests.engine.twin_facts import Contradiction, contradicts_itself, merge, mode_of, nobody
from tests.engine.twin_margin import NEUTRAL, Figures, margin_of, plain, statuses
from tests.engine.twin_portfolio import Holdings, broken, mixed
from tests.engine.twin_told import Told, Verdict, change

F = Fraction
Key = tuple[str, str]
Moved = Mapping[tuple[str, str], Fraction]


@dataclass
class Expected:
    """What an input must bring about."""

    events: dict[tuple[str, str, int], dict[str, Any]] = field(default_factory=dict)
    watches: set[tuple[str, str, int]] = field(default_factory=set)
    changed: set[Key] = field(default_factory=set)
    moves: dict[str, Fraction] = field(default_factory=dict)
    duplicates: int = 0
    late: int = 0
    refused: int = 0

    def add(self, later: Expected) -> None:
        """Let another input follow."""
        self.events |= later.events
        self.moves |= later.moves
        self.watches |= later.watches
        self.changed |= later.changed
        self.duplicates += later.duplicates
        self.late += later.late
        self.refused += later.refused


class Twin:
    """Hold all that was ever said, and say what follows."""

    def __init__(
        self,
        ladders: Ladders,
        freshness: FreshnessSettings,
        usd_assets: Collection[str],
        portfolio: Mapping[str, Any] | None = None,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        self.ladders, self.freshness, self.usd_assets = ladders, freshness, usd_assets
        self.portfolio, self.rules = portfolio, rules or {}
        self.accounts: dict[str, SimpleNamespace] = {}
        self.instruments: dict[str, SimpleNamespace] = {}
        self.assets: dict[str, SimpleNamespace] = {}
        self.quotes: dict[str, SimpleNamespace] = {}
        self.ages: dict[tuple[str, str], int] = {}
        self.told: dict[Key, Told] = {}
        self.shown: dict[Key, str] = {}
        self.verdicts: dict[Key, Verdict] = {}

    def step(self, item: Input, now_ms: int, *, judging: bool = True) -> Expected:
        """Take an input over, then judge everybody."""
        out = Expected()
        if isinstance(item, Clock):
            now_ms = item.now_ms
        cause = self._take(item, out)
        if judging:
            self.judge(cause, now_ms, out)
        return out

    def _take(self, item: Input, out: Expected) -> dict[str, Any]:
        cause: dict[str, Any] = {}
        match item:
            case Prices():
                cause = self._prices(item, out)
            case InstrumentTerms():
                cause = {"kind": "instrument", "symbol": item.symbol, **item.origin._asdict()}
                self.instruments.pop(item.symbol, None)
                if item.terms is not None:
                    self.instruments[item.symbol] = plain(item.terms)
            case AssetTerms():
                cause = {"kind": "asset", "symbol": item.asset, **item.origin._asdict()}
                self.assets.pop(item.asset, None)
                self.ages.pop(("asset", item.asset), None)
                if item.terms is not None:
                    self.assets[item.asset] = SimpleNamespace(**vars(plain(item.terms)), since=item.timestamp_ms)
            case AccountMessage():
                cause = {"kind": "account_event", **item.origin._asdict()}
                self._account(item.event, out)
            case RejectedMessage():
                self._suspect(item.account_id)
            case Clock():
                cause = {"kind": "clock"}
                self._grow_old(item.now_ms)
        return cause

    # ------------------------------------------------------------------------------------------------- the market
    def _prices(self, message: Prices, out: Expected) -> dict[str, Any]:
        for update in message.updates:
            old = self.quotes.get(update.symbol)
            order = (update.event_time_ms, message.origin.partition, message.origin.offset)
            if old is not None and order <= old.order:
                out.late += 1
                continue
            index = F(update.index_price) if update.index_price is not None else old.index if old else None
            mark = F(update.mark_price)
            self.quotes[update.symbol] = SimpleNamespace(
                mark=mark, index=index, order=order, since=message.timestamp_ms
            )
            out.moves[update.symbol] = abs(mark - old.mark) / old.mark if old else F(0)
            self.ages.pop(("symbol", update.symbol), None)
            for name, asset in self.assets.items():
                if asset.index_symbol == update.symbol and index is not None:
                    self.ages.pop(("asset", name), None)
        return {"kind": "mark_price", **message.origin._asdict()}

    def _grow_old(self, now_ms: int) -> None:
        limits = self.freshness
        since = {("symbol", symbol): (quote.since, limits.max_age_ms) for symbol, quote in self.quotes.items()}
        for name, asset in self.assets.items():
            quote = self.quotes.get(asset.index_symbol)
            if limits.assets_max_age_ms:
                streamed = quote is not None and quote.index is not None
                since["asset", name] = (quote.since if streamed else asset.since, limits.assets_max_age_ms)
        self.ages = {}
        for what, (time, most) in since.items():
            if limits.unknown_after_ms and now_ms - time > limits.unknown_after_ms:
                self.ages[what] = 2
            elif most and now_ms - time > most:
                self.ages[what] = 1

    def index_of(self, name: str, moved: Moved) -> Fraction | None:
        """Return what one unit of an asset is worth in USD."""
        terms = self.assets.get(name)
        if terms is None:
            return F(1) if name in self.usd_assets else None
        streamed = self.quotes.get(terms.index_symbol)
        found = terms.index_price if streamed is None or streamed.index is None else streamed.index
        return moved.get(("asset", name), found)

    # ----------------------------------------------------------------------------------------------- the accounts
    def _account(self, event: AccountEvent, out: Expected) -> None:
        known = self.accounts.get(event.account_id)
        blank = known is None or known.deleted or event.snapshot
        try:
            contradicts_itself(event)
            newer = known is None or (event.epoch == known.epoch and event.version > known.version)
            if not newer and not (event.snapshot and event.epoch > known.epoch):
                out.duplicates += 1
                return
            account = SimpleNamespace(**vars(nobody() if blank else known))
            account.__dict__.update(version=event.version, epoch=event.epoch, time=event.event_time_ms)
            if event.deleted:
                account = SimpleNamespace(
                    **vars(nobody()) | {"deleted": True, "version": event.version, "epoch": event.epoch}
                )
            else:
                merge(account, event)
                self._decide(account, known)
        except Contradiction:
            out.refused += 1
            self._suspect(event.account_id)
            return
        self.accounts[event.account_id] = account

    def _decide(self, account: SimpleNamespace, known: SimpleNamespace | None) -> None:
        """Decide at an event, and only there, whether an account in portfolio mode is margined as multi_asset."""
        account.ineligible = frozenset()
        asked = self.portfolio is not None and self.rules.get("on_ineligible") == "multi_asset"
        if not asked or account.mode != "portfolio":
            return
        borrows = self.portfolio["method"] == "hyperliquid"
        plain_one = SimpleNamespace(**vars(account) | {"mode": "portfolio" if borrows else "multi_asset"})
        equity = self.figures(plain_one, "portfolio" if borrows else "cross:USD", {}).equity
        reasons = broken(self.rules, account, equity)
        if equity is None and known is not None:
            reasons |= known.ineligible & {"equity"}
        account.ineligible = frozenset(reasons)

    def _suspect(self, account_id: str) -> None:
        if account_id in self.accounts and not self.accounts[account_id].deleted:
            self.accounts[account_id].suspect = True

    def scopes_of(self, account_id: str, account: SimpleNamespace) -> Iterator[str]:
        """Name the scopes of an account; a pool about which something was told is not gone while terms are missing."""
        if account.deleted:
            return
        cross = {symbol for (symbol, _), position in account.positions.items() if position.margin_type == "cross"}
        mode = mode_of(account)
        if mode == "single_asset":
            pools = {f"cross:{asset}" for asset in account.balances}
            pools |= {f"cross:{self.instruments[symbol].settle_asset}" for symbol in cross & self.instruments.keys()}
            if cross - self.instruments.keys():
                open_ones = (key for key, line in self.told.items() if line.status != "healthy")
                pools |= {scope for who, scope in open_ones if who == account_id and scope.startswith("cross:")}
            yield from pools
        else:
            yield "cross:USD" if mode == "multi_asset" else "portfolio"
        for (symbol, side), position in account.positions.items():
            if position.margin_type == "isolated":
                yield f"isolated:{symbol}:{side}"

    # ------------------------------------------------------------------------------------------------ the figures
    def members(self, account: SimpleNamespace, scope: str) -> list[tuple[str, SimpleNamespace]]:
        """Return symbol and position of all that stands in a scope."""
        found = []
        for (symbol, side), position in account.positions.items():
            own = f"isolated:{symbol}:{side}"
            terms = self.instruments.get(symbol)
            pool = "" if terms is None else f"cross:{terms.settle_asset}"
            cross = {"single_asset": pool, "multi_asset": "cross:USD"}.get(mode_of(account), "portfolio")
            if scope == (own if position.margin_type == "isolated" else cross):
                found.append((symbol, position))
        return found

    def figures(self, account: SimpleNamespace, scope: str, moved: Moved) -> Figures:
        """Return the figures of a scope, with some prices moved."""
        members, isolated = self.members(account, scope), scope.startswith("isolated:")
        in_usd = not isolated and account.mode != "single_asset"
        every = members
        if not isolated:
            every = [(symbol, p) for (symbol, _), p in account.positions.items() if p.margin_type == "cross"]
        missing = set() if account.complete else {"no_snapshot"}
        missing |= {f"missing_instrument:{symbol}" for symbol, _ in every if symbol not in self.instruments}
        missing |= {f"missing_price:{symbol}" for symbol, _ in members if symbol not in self.quotes}
        settled = {self.instruments[symbol].settle_asset for symbol, _ in members if symbol in self.instruments}
        amounts = {scope[6:]: account.balances.get(scope[6:], F(0))}
        if isolated:
            amounts = dict.fromkeys(settled, members[0][1].isolated_wallet)
        elif in_usd:
            amounts = dict.fromkeys(settled, F(0)) | {asset: held for asset, held in account.balances.items() if held}
            missing |= {f"missing_asset:{asset}" for asset in amounts if self.index_of(asset, moved) is None}
        missing |= self._without_method(account, members) if scope == "portfolio" else set()
        if missing:
            return Figures(missing=frozenset(missing))
        needed, gross = dict.fromkeys(amounts, F(0)), {asset: abs(held) for asset, held in amounts.items()}
        holdings = Holdings(amounts, {asset: self.index_of(asset, moved) for asset in amounts})
        for symbol, position in members:
            terms, mark = self.instruments[symbol], moved.get(("symbol", symbol), self.quotes[symbol].mark)
            profit, requirement, value = margin_of(position, terms, mark, account.multiplier.get(symbol, F(1)))
            amounts[terms.settle_asset] += profit
            needed[terms.settle_asset] += requirement
            gross[terms.settle_asset] += value
            if scope == "portfolio":
                holdings.add(symbol, position, terms, mark, requirement)
        if not in_usd:
            return Figures(sum(amounts.values(), F(0)), sum(needed.values(), F(0)), sum(gross.values(), F(0)))
        found = self._in_usd(amounts, needed, gross, moved)
        if scope != "portfolio":
            return found
        answer = holdings.answer(self.portfolio, self.instruments)
        return found._replace(
            equity=found.equity if answer.equity is None else answer.equity, requirement=answer.maintenance
        )

    def _in_usd(
        self, amounts: Mapping[str, F], needed: Mapping[str, F], gross: Mapping[str, F], moved: Moved
    ) -> Figures:
        """Return the figures of a scope in USD from those in each asset, haircuts taken."""
        equity = requirement = total = F(0)
        for asset, amount in amounts.items():
            terms, index = self.assets.get(asset, NEUTRAL), self.index_of(asset, moved)
            debit = index * (1 + (terms.ask_buffer or 0))
            ratio = F(1) if terms.collateral_ratio is None else terms.collateral_ratio
            credit = index * (1 - (terms.bid_buffer or 0)) * ratio if terms.margin_available else F(0)
            equity += amount * (debit if amount < 0 else credit)
            requirement += needed[asset] * debit
            total += gross[asset] * debit
        return Figures(equity, requirement, total)

    def _without_method(self, account: SimpleNamespace, members: list[tuple[str, SimpleNamespace]]) -> set[str]:
        """Return why no method margins a portfolio."""
        if self.portfolio is None:
            return {"portfolio_method_missing"}
        held = self._known_amounts(account, members)
        return mixed(self.portfolio, self.instruments, {symbol for symbol, _ in members}, held)

    def _known_amounts(self, account: SimpleNamespace, members: list[tuple[str, SimpleNamespace]]) -> list[str]:
        """Name the assets of which a portfolio surely holds or owes something."""
        amounts: dict[str, Fraction | None] = {asset: held for asset, held in account.balances.items() if held}
        for symbol, position in members:
            terms, quote = self.instruments.get(symbol), self.quotes.get(symbol)
            if terms is not None:
                before = amounts.get(terms.settle_asset, F(0))
                profit = None if quote is None else margin_of(position, terms, quote.mark, F(1))[0]
                amounts[terms.settle_asset] = None if None in (before, profit) else before + profit
        return [asset for asset, amount in amounts.items() if amount]

    # ----------------------------------------------------------------------------------------------- the verdicts
    def ladder_of(self, scope: str) -> Ladder:
        """Return the ladder of a scope."""
        if scope.startswith("isolated:"):
            return self.ladders.isolated
        return self.ladders.portfolio if scope == "portfolio" else self.ladders.cross

    def verdict(self, account: SimpleNamespace, scope: str, last: str) -> Verdict:
        """Judge a scope whose last known status is `last`: at its prices, or at both ends of those that are stale."""
        here, ladder = self.figures(account, scope, {}), self.ladder_of(scope)
        if here.missing:
            return Verdict("unknown", "unknown", here, here.missing)
        floor, members = F(ladder.debt_floor), self.members(account, scope)
        in_usd = account.mode != "single_asset" and not scope.startswith("isolated:")
        settled = {self.instruments[symbol].settle_asset for symbol, _ in members}
        needed = [("symbol", symbol) for symbol in {symbol for symbol, _ in members}]
        if in_usd:
            held = {asset for asset, amount in account.balances.items() if amount}
            needed += [("asset", asset) for asset in settled | held if asset in self.assets]
        else:
            asset = next(iter(settled)) if scope.startswith("isolated:") else scope[6:]
            floor /= self.index_of(asset, {}) or F(1)
        names = {"symbol": "stale_price", "asset": "stale_asset"}
        degraded = frozenset(f"{names[kind]}:{name}" for kind, name in needed if self.ages.get((kind, name)))
        raw, now = statuses(here, floor, ladder, last)
        stale = [what for what in needed if self.ages.get(what) == 2]
        if not stale:
            return Verdict(now, raw, here, degraded=degraded)
        worse, better, band = {}, {}, F(self.freshness.stale_band)
        for kind, name in stale:
            price = self.quotes[name].mark if kind == "symbol" else self.index_of(name, {})
            ends = [price * (1 - band), price * (1 + band)]
            tried = [self.figures(account, scope, {(kind, name): end}) for end in ends]
            room = [figures.equity - figures.requirement for figures in tried]
            worse[kind, name], better[kind, name] = ends if room[0] <= room[1] else ends[::-1]
        both = {statuses(self.figures(account, scope, moved), floor, ladder, last)[1] for moved in (worse, better)}
        if len(both) == 1:
            return Verdict(both.pop(), raw, here, degraded=degraded)
        return Verdict("unknown", "unknown", here, frozenset(f"{names[kind]}:{name}" for kind, name in stale), degraded)

    def judge(self, cause: Mapping[str, Any], now_ms: int, out: Expected) -> None:
        """Judge everybody and say what has changed."""
        before, self.verdicts = self.verdicts, {}
        for account_id, account in self.accounts.items():
            for scope in list(self.scopes_of(account_id, account)):
                key = account_id, scope
                told = self.told.get(key, Told())
                verdict = self.verdicts[key] = self.verdict(account, scope, told.last)
                news = verdict.status != told.status
                if verdict.status == "unknown":
                    news = told.status not in ("healthy", "unknown")
                if news:
                    self._tell(key, verdict, verdict.status, cause, now_ms, out)
                if self.shown.get(key) != verdict.status:
                    out.changed.add(key)
                    self.shown[key] = verdict.status
        gone = {key for key, told in self.told.items() if told.status != "healthy"} | self.shown.keys() | before.keys()
        for key in gone - self.verdicts.keys():
            if self.told.get(key, Told()).status != "healthy":
                self._tell(key, None, "healthy", cause, now_ms, out)
            if self.shown.pop(key, None) is not None:
                out.changed.add(key)

    def _tell(
        self, key: Key, verdict: Verdict | None, status: str, cause: Mapping[str, Any], now_ms: int, out: Expected
    ) -> None:
        account, was, ladder = self.accounts[key[0]], self.told.get(key, Told()), self.ladder_of(key[1])
        told = self.told[key] = was.after(status, ladder)
        times = [self.quotes[s].order[0] for s, _ in self.members(account, key[1]) if verdict and s in self.quotes]
        out.events[(*key, told.sequence)] = change(was, told, verdict, ladder) | {
            "account_id": key[0],
            "scope": key[1],
            "suspect": account.suspect,
            "account_version": account.version,
            "labels": account.labels,
            "cause": cause,
            "decided_at_ms": now_ms,
            "price_time_ms": min(times, default=None),
        }
        if told.watched and (not was.watched or told.episode > was.episode):
            out.watches.add((*key, told.episode))
