"""An independent reading of portfolio margin: an account document in JSON in, every figure of its scopes out, exactly.

Written from the contract (§3 and §5) and the mechanics note alone, obvious on purpose; nothing here is shared with the
product. The methods are in `oracle_methods`, what a move of prices does is in `oracle_moves`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.portfolio.oracle_groups import ZERO, Answer, Book, Key, Table
from tests.portfolio.oracle_methods import METHODS

F = Fraction
LADDER = {
    "watch": F(3, 2), "warning": F(5, 4), "margin_call": F(11, 10), "liquidation": F(1), "critical": F(10, 11),
    "takeover": F(2, 3),
}  # fmt: skip
"""The default ladder, from mild to grave."""
OWN_KEYS = {
    "scenario": {"groups"}, "span": {"groups"}, "tims": {"classes"}, "hyperliquid": {"tokens"},
}  # fmt: skip


@dataclass
class Position:
    """What is known of one position, in its settle asset."""

    symbol: str
    side: str
    settle: str
    profit: Fraction
    requirement: Fraction
    initial: Fraction
    inverse: bool
    exposure: Fraction
    """Signed notional: in the settle asset of a linear contract, in USD of an inverse one."""
    size: Fraction
    mark: Fraction

    @property
    def key(self) -> Key:
        """Symbol and side."""
        return self.symbol, self.side


@dataclass
class Figures:
    """Every figure of one scope; `missing` says what is not known, then there are no figures."""

    missing: set[str] = field(default_factory=set)
    equity: Fraction = ZERO
    maintenance: Fraction = ZERO
    initial: Fraction = ZERO
    available: Fraction = ZERO
    status: str = "unknown"
    positions: dict[Key, Position] = field(default_factory=dict)
    bankruptcy: dict[Key, Fraction | None] = field(default_factory=dict)
    method: str | None = None
    answer: Answer | None = None
    marginal: dict[Key, Fraction] = field(default_factory=dict)
    line: Fraction = F(1)
    """The k of liquidation."""


def parameters(document: Mapping[str, Any]) -> tuple[str, Table]:
    """Return the method in force and its table."""
    stated = document["portfolio"]
    tables = {name: stated[name] for name in METHODS if isinstance(stated.get(name), dict)}
    flat = {name: value for name, value in stated.items() if name != "method" and name not in tables}
    method = stated.get("method")
    if method is None and flat:
        marks = {"classes": "tims", "tokens": "hyperliquid", "credits": "span"}
        method = next((marks[name] for name in marks if name in flat), "scenario")
        if any("price_scan" in group for group in flat.get("groups", {}).values()):
            method = "span"
    if method is None:
        [method] = tables
    return method, tables.get(method, flat)


class Market:
    """Instruments, marks and index prices of a document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.instruments: Table = document.get("instruments", {})
        self.assets: Table = document.get("assets", {})
        self.prices: Table = document.get("prices", {})

    def index(self, asset: str) -> Fraction | None:
        """Return what one unit of an asset is worth in USD."""
        terms = self.assets.get(asset)
        if terms is None:
            return F(1) if asset == "USD" else None
        streamed = self.prices.get(terms.get("index_symbol", ""), {}).get("index_price")
        price = streamed if streamed is not None else terms.get("index_price")
        return None if price is None else F(price)

    def debit(self, asset: str) -> Fraction:
        """Return what one unit that is owed counts."""
        return self.index(asset) * (1 + F(self.assets.get(asset, {}).get("ask_buffer") or 0))

    def credit(self, asset: str) -> Fraction:
        """Return what one unit that is held counts."""
        terms = self.assets.get(asset, {})
        if not terms.get("margin_available", True):
            return ZERO
        ratio = terms.get("collateral_ratio")
        buffered = self.index(asset) * (1 - F(terms.get("bid_buffer") or 0))
        return buffered * (F(1) if ratio is None else F(ratio))

    def coins(self) -> dict[str, str]:
        """Return the settle assets of all inverse contracts."""
        inverse = {name: terms for name, terms in self.instruments.items() if terms["contract"] == "inverse"}
        return {name: terms["settle_asset"] for name, terms in inverse.items()}

    def position(self, stated: Table, settings: Table) -> Position:
        """Return the figures of a position."""
        symbol, quantity = stated["symbol"], F(stated["quantity"])
        terms, mark = self.instruments[symbol], F(self.prices[symbol]["mark_price"])
        size, entry = quantity * F(terms.get("contract_size", "1")), F(stated["entry_price"])
        inverse = terms["contract"] == "inverse"
        at_mark, at_entry = (abs(size) / price if inverse else abs(size) * price for price in (mark, entry))
        profit = size * (1 / entry - 1 / mark) if inverse else size * (mark - entry)
        times = F(settings.get("bracket_multiplier", {}).get(symbol, "1"))
        counted = at_entry if terms.get("maintenance_basis", "mark") == "entry" else at_mark
        rate, deduction, _ = bracket(terms["brackets"], counted, times)
        needed = max(ZERO, counted * (rate + F(terms.get("closing_fee_rate", "0"))) - deduction)
        leverage = F(stated.get("leverage") or settings.get("leverage", {}).get(symbol) or "1")
        most = bracket(terms["brackets"], at_mark, times)[2]
        leverage = leverage if most is None else min(leverage, most)
        exposure = size if inverse else size * mark
        return Position(
            symbol, stated.get("side", "both"), terms["settle_asset"], profit, needed, at_mark / leverage, inverse,
            exposure, size, mark,
        )  # fmt: skip


def bracket(table: list[Table], notional: Fraction, times: Fraction) -> tuple[Fraction, Fraction, Fraction | None]:
    """Return rate, deduction and greatest leverage of the last bracket whose floor is reached."""
    deduction, last_rate = ZERO, None
    found = None
    for row in table:
        floor, rate = F(row["floor"]), F(row["rate"])
        chained = ZERO if last_rate is None else deduction + floor * (rate - last_rate)
        deduction, last_rate = F(row["deduction"]) if row.get("deduction") is not None else chained, rate
        if floor * times <= notional:
            most = row.get("max_leverage")
            found = rate, deduction * times, None if most is None else F(most)
    return found


def status(equity: Fraction, needed: Fraction, ladder: Table, floor: Fraction) -> str:
    """Return the status without memory."""
    inclusive = ladder.get("inclusive", False)
    if (equity <= 0 and needed > 0) or (needed == 0 and equity < 0 and -equity >= floor):
        return "bankrupt"
    worst = "healthy"
    for name, usual in LADDER.items():
        stated = ladder.get(name, usual)
        if stated is not None and needed > 0:
            line = F(stated) * needed
            worst = name if equity < line or (inclusive and equity == line) else worst
    return worst


class Accounts:
    """Evaluate the portfolio accounts of a document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document, self.market = document, Market(document)
        self.method, self.table = parameters(document)
        own = document.get("ladder", {})
        self.ladders = {
            kind: {**{name: own[name] for name in own if not isinstance(own[name], dict)}, **own.get(kind, {})}
            for kind in ("portfolio", "isolated")
        }
        if self.method == "hyperliquid" and "liquidation" not in own.get("portfolio", {}):
            self.ladders["portfolio"]["liquidation"] = F(100, 95)

    def scopes(self) -> dict[tuple[str, str], Figures]:
        """Return the figures of every scope of every portfolio account."""
        found = {}
        for account in self.document["accounts"]:
            if account.get("margin_mode") != "portfolio":
                continue
            who = account["account_id"]
            found[who, "portfolio"] = self.portfolio(account)
            for stated in account.get("positions", ()):
                if stated.get("margin_type", "cross") == "isolated" and F(stated["quantity"]):
                    scope = f"isolated:{stated['symbol']}:{stated.get('side', 'both')}"
                    found[who, scope] = self.isolated(account, stated, scope)
        return found

    def open_orders(self, account: Table, scope: str) -> Fraction:
        """Return what open orders lock in a scope."""
        return F(account.get("open_order_initial_margin", {}).get(scope, "0"))

    def isolated(self, account: Table, stated: Table, scope: str) -> Figures:
        """Return the figures of an isolated position: its own wallet, its own bracket."""
        missing = self.missing([stated])
        if missing:
            return Figures(missing)
        position = self.market.position(stated, account.get("settings", {}))
        equity = F(stated["isolated_wallet"]) + position.profit
        ladder, index = self.ladders["isolated"], self.market.index(position.settle) or F(1)
        return Figures(
            equity=equity,
            maintenance=position.requirement,
            initial=position.initial,
            available=max(ZERO, equity - position.initial - self.open_orders(account, scope)),
            status=status(equity, position.requirement, ladder, F(ladder.get("debt_floor", "1")) / index),
            positions={position.key: position},
        )

    def missing(self, stated: list[Table]) -> set[str]:
        """Return what positions need and nobody states."""
        market, symbols = self.market, {one["symbol"] for one in stated}
        unknown = symbols - market.instruments.keys()
        unpriced = {name for name in symbols - unknown if "mark_price" not in market.prices.get(name, {})}
        return {f"missing_instrument:{name}" for name in unknown} | {f"missing_price:{name}" for name in unpriced}

    def portfolio(self, account: Table) -> Figures:
        """Return the figures of the scope `portfolio` of an account."""
        cross = [
            one
            for one in account.get("positions", ())
            if one.get("margin_type", "cross") == "cross" and F(one["quantity"])
        ]
        settled = {self.market.instruments[one["symbol"]]["settle_asset"]
                   for one in cross if one["symbol"] in self.market.instruments}  # fmt: skip
        wallet = {asset: F(amount) for asset, amount in account.get("balances", {}).items() if F(amount)}
        missing = self.missing(cross)
        missing |= {f"missing_asset:{asset}" for asset in {*settled, *wallet} if self.market.index(asset) is None}
        if missing:
            return Figures(missing)
        positions = [self.market.position(one, account.get("settings", {})) for one in cross]
        book = self.book(wallet, positions)
        answer = METHODS[self.method](self.table, book)
        equity = self.equity(book.held) if answer.equity is None else answer.equity
        ladder = self.ladders["portfolio"]
        found = Figures(
            equity=equity,
            maintenance=answer.maintenance,
            initial=answer.initial,
            available=max(ZERO, equity - answer.initial - self.open_orders(account, "portfolio")),
            status=status(equity, answer.maintenance, ladder, F(ladder.get("debt_floor", "1"))),
            positions={position.key: position for position in positions},
            method=self.method,
            answer=answer,
            marginal=self.marginal(wallet, positions, answer),
            line=F(ladder.get("liquidation", 1)),
        )
        found.bankruptcy = self.bankruptcy(found)
        return found

    def book(self, wallet: Mapping[str, Fraction], positions: list[Position], without: str | None = None) -> Book:
        """Return what a method sees: deltas, requirements and holdings; `without` leaves an asset out."""
        held, index = dict(wallet), self.market.index
        for one in positions:
            held[one.settle] = held.get(one.settle, ZERO) + one.profit
        prices = {asset: index(asset) for asset in {*held, *self.market.assets} if index(asset) is not None}
        deltas = {one.key: one.exposure if one.inverse else one.exposure * prices[one.settle] for one in positions}
        needed = {one.key: one.requirement * prices[one.settle] for one in positions}
        return Book(deltas, needed, {a: held[a] for a in held if a != without}, prices, self.market.coins())

    def equity(self, held: Mapping[str, Fraction]) -> Fraction:
        """Return what is held and owed, with haircuts, as in multi-asset margin."""
        credit, debit = self.market.credit, self.market.debit
        return sum((amount * (debit(a) if amount < 0 else credit(a)) for a, amount in held.items()), ZERO)

    def marginal(
        self, wallet: Mapping[str, Fraction], positions: list[Position], answer: Answer
    ) -> dict[Key, Fraction]:
        """Return the requirement with a position, or a held asset, minus the one without it."""
        found = {}
        for name, side in answer.euler:
            left = [one for one in positions if one.key != (name, side)]
            book = self.book(wallet, left, without=name if side == "asset" else None)
            found[name, side] = answer.maintenance - METHODS[self.method](self.table, book).maintenance
        return found

    def bankruptcy(self, figures: Figures) -> dict[Key, Fraction | None]:
        """Return where each position would leave nothing: the equity spread pro rata to the cross requirements."""
        positions = figures.positions.values()
        index = {one.settle: self.market.index(one.settle) for one in positions}
        whole = sum((one.requirement * index[one.settle] for one in positions), ZERO)
        found: dict[Key, Fraction | None] = {}
        for one in positions:
            share = figures.equity * one.requirement / whole if whole else ZERO
            price = one.mark - share / one.size
            if one.inverse:
                below = 1 / one.mark + share / one.size
                price = 1 / below if below > 0 else ZERO
            found[one.key] = price if price > 0 and whole else None
        return found
