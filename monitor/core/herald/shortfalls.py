"""What a plain bankrupt scope lacks, shared out from the words that were found about it: `fund.shortfall` in decimals.

A plain scope is kept in one asset and its contracts are linear, so that every share is a quotient of two decimals. One
whose fund holds another asset is not shared out here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.amounts import divided, exactly, format_amount, format_known, quotient
from monitor.core.board import MarketBoard
from monitor.core.fund.claims import FundFigure, PriceMark
from monitor.core.fund.shortfall import FUND_UNKNOWN, Share, figure_of
from monitor.core.herald.batch import Pieces
from monitor.core.herald.tables import MarketTables
from monitor.core.storm.wording import P_EQUITY, P_REQUIREMENT, P_STATUS

_ZERO, _ONE = Decimal(0), Decimal(1)


class Behind(NamedTuple):
    """Hold what stands behind a contract now: its fund, if any is known, and what a claim says of its price.

    `key`: what its fund, or the lack of one, is told apart by.
    """

    key: tuple[str, str]
    figure: FundFigure | None
    contract_size: Decimal
    mark: Decimal
    previous_mark: str | None
    price_origin: Mapping[str, int]


class Worded(NamedTuple):
    """Hold a claimed position in its plain form."""

    plain: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return self.plain


class Shortfalls:
    """Share out what plain scopes lack at the present state of the market."""

    def __init__(self, board: MarketBoard, tables: MarketTables) -> None:
        self._board = board
        self._tables = tables
        self._behind: dict[int, Behind | None] = {}
        self._serials: tuple[int, ...] = ()

    @exactly
    def shares(self, pieces: Pieces, *, is_cross: bool) -> list[Share] | None:
        """Return the shares of a bankrupt scope, None where one would have to be taken into another asset."""
        serials = *self._board.serials, self._board.funds.serial
        if serials != self._serials:
            self._serials, self._behind = serials, {}
        found = [self._behind_of(place) for place in pieces.places]
        behind = [one for one in found if one is not None]
        if len(behind) < len(found):
            return None
        words = pieces.words
        positions: list[dict[str, Any]] = json.loads(b"{%s}" % words[P_STATUS])["positions"]
        equity, whole = Decimal(words[P_EQUITY].decode()), Decimal(words[P_REQUIREMENT].decode())
        lacking = max(_ZERO, -equity)
        weights: dict[tuple[str, str], Decimal] = {}
        parts: dict[tuple[str, str], list[Worded]] = {}
        figures: dict[tuple[str, str], FundFigure | None] = {}
        for stated, one in zip(positions, behind, strict=True):
            key, weight = one.key, Decimal(stated["maintenance_margin"])
            figures[key], weights[key] = one.figure, weights.get(key, _ZERO) + weight
            share = (equity * weight, whole) if is_cross else (equity, _ONE)
            amount = divided(lacking * weight, whole)
            parts.setdefault(key, []).append(Worded(_claimed(stated, one, share, amount)))
        return [
            Share(key[0], divided(lacking * weights[key], whole), tuple(some), figure, "" if figure else FUND_UNKNOWN)
            for (key, some), figure in zip(parts.items(), figures.values(), strict=True)
        ]

    def _behind_of(self, place: int) -> Behind | None:
        if place not in self._behind:
            self._behind[place] = self._look_behind(self._tables.name_of(place))
        return self._behind[place]

    def _look_behind(self, symbol: str) -> Behind | None:
        board = self._board
        terms, quote, before = board.instruments[symbol], board.quotes[symbol], board.previous.get(symbol)
        fund = board.funds.fund_for(symbol, terms.settle_asset)
        if fund is not None and fund.asset != terms.settle_asset:
            return None
        return Behind(
            (terms.settle_asset, "" if fund is None else f"fund:{fund.fund}"),
            None if fund is None else figure_of(fund, board),
            terms.contract_size,
            quote.mark_price,
            format_known(None if before is None else before.mark_price),
            PriceMark(quote.partition, quote.offset, quote.event_time_ms).body(),
        )


def _claimed(
    stated: Mapping[str, Any], behind: Behind, share: tuple[Decimal, Decimal], amount: Decimal
) -> dict[str, Any]:
    """Return the plain form of a claimed position; its bankruptcy price is mark − share ÷ (q·size)."""
    part, whole = share
    bottom = whole * Decimal(stated["quantity"]) * behind.contract_size
    price = quotient(behind.mark * bottom - part, bottom)
    return {
        "symbol": stated["symbol"],
        "side": stated["side"],
        "quantity": stated["quantity"],
        "entry_price": stated["entry_price"],
        "mark_price": stated["mark_price"],
        "previous_mark": behind.previous_mark,
        "bankruptcy_price": format_amount(price) if price > 0 else None,
        "amount": format_amount(amount),
        "price_origin": behind.price_origin,
    }
