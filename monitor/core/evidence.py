"""Evidence: everything a verdict was decided from, by value, as an account document anyone can evaluate.

What belongs into it and how it is cut to one scope lives here; the form of each part is in `document`, the proof made
from it in `verify`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from monitor.core.accounts import Account, MarginType
from monitor.core.amounts import format_amount, format_exact
from monitor.core.board import MarketBoard
from monitor.core.document import account_object, asset_object, instrument_object
from monitor.core.instruments import Instrument
from monitor.core.ladder import RUNGS, Ladder, MarginStatus
from monitor.core.market import FundingBasis
from monitor.core.plan.rule import LiquidationRule
from monitor.core.portfolio.stating import portfolio_object
from monitor.core.portfolio.terms import HyperliquidTerms, PortfolioTerms
from monitor.core.quality.stating import qualities_of
from monitor.core.scopes import ScopeKind, kind_of, positions_of
from monitor.core.verdict import Band, Verdict


class Witness:
    """State the evidence of one shard's verdicts; keeps the stated form of terms and ladders, which seldom change."""

    def __init__(self, board: MarketBoard) -> None:
        self._board = board
        self._terms: dict[str, tuple[Instrument[Decimal], dict[str, Any]]] = {}
        self._ladders: dict[int, tuple[Ladder, dict[str, Any]]] = {}
        self._method: tuple[PortfolioTerms, dict[str, Any]] | None = None
        self._stated_rule: tuple[LiquidationRule, dict[str, Any]] | None = None

    def of(
        self,
        account: Account,
        verdict: Verdict,
        ladder: Ladder,
        last: MarginStatus,
        rule: LiquidationRule | None = None,
    ) -> dict[str, Any]:
        """Return the evidence of a verdict on a scope whose last known status was `last`.

        `rule` is the one a plan was made by, None where there is no plan.
        """
        scope = verdict.assessment.scope
        part = slice_of(account, scope, self._board)
        symbols = sorted({position.symbol for position in part.positions.values()})
        kind = verdict.assessment.kind
        stated = symbols if kind is not ScopeKind.PORTFOLIO else sorted({*symbols, *mixed_members(self._board)})
        out: dict[str, Any] = {
            "document": {
                "ladder": self._ladder(ladder, kind),
                "usd_assets": sorted(self._board.usd_assets),
                "instruments": {s: self._instrument(terms) for s in stated if (terms := self._board.instrument(s))},
                "assets": assets_object(part, symbols, self._board),
                "prices": prices_object(symbols, self._board),
                "accounts": [account_object(part) | {"previous_status": {scope: str(last)}}],
            },
            "price_origins": origins_object(symbols, self._board),
        }
        if rule is not None:
            out["document"]["liquidation"] = self._rule(rule)
        if kind is ScopeKind.PORTFOLIO and self._board.portfolio is not None:
            out["document"]["portfolio"] = self._portfolio(self._board.portfolio)
        out["document"] |= basis_object(self._board)
        held = out["document"]["assets"] if kind in (ScopeKind.MULTI_ASSET, ScopeKind.PORTFOLIO) else ()
        out |= pegs_object(held, self._board)
        if not account.complete:
            out["incomplete"] = True
        if verdict.degraded:
            out["degraded"] = list(verdict.degraded)
        if verdict.bands:
            out["bands"] = [band_object(band) for band in verdict.bands]
        return out

    def of_end(self, account: Account, scope: str, ladder: Ladder, last: MarginStatus) -> dict[str, Any]:
        """Return the evidence of a scope that has ceased to exist: an account in which it does not occur."""
        bare = Account(
            account.account_id,
            margin_mode=account.margin_mode,
            position_mode=account.position_mode,
            ineligible=account.ineligible,
        )
        accounts = [] if account.deleted else [account_object(bare) | {"previous_status": {scope: str(last)}}]
        return {
            "document": {"ladder": self._ladder(ladder, kind_of(bare, scope)), "accounts": accounts},
            "last_status": str(last),
        }

    def _instrument(self, terms: Instrument[Decimal]) -> dict[str, Any]:
        kept = self._terms.get(terms.symbol)
        if kept is None or kept[0] is not terms:
            kept = self._terms[terms.symbol] = (terms, instrument_object(terms))
        return kept[1]

    def _rule(self, rule: LiquidationRule) -> dict[str, Any]:
        if self._stated_rule is None or self._stated_rule[0] is not rule:
            self._stated_rule = rule, rule_object(rule)
        return self._stated_rule[1]

    def _ladder(self, ladder: Ladder, kind: ScopeKind) -> dict[str, Any]:
        """Return the stated ladder; a portfolio scope's line is stated as such, or its method would set it."""
        kept = self._ladders.get(id(ladder))
        if kept is None:
            kept = self._ladders[id(ladder)] = (ladder, ladder_object(ladder))
        if kind is ScopeKind.PORTFOLIO:
            return kept[1] | {"portfolio": {"liquidation": format_exact(ladder.liquidation)}}
        return kept[1]

    def _portfolio(self, terms: PortfolioTerms) -> dict[str, Any]:
        if self._method is None or self._method[0] is not terms:
            self._method = (terms, portfolio_object(terms))
        return self._method[1]


def slice_of(account: Account, scope: str, board: MarketBoard) -> Account:
    """Return the account cut to what one scope is computed from.

    A cross position without terms belongs to every cross scope: it is why that scope is unknown.
    """
    kind = kind_of(account, scope)
    members = {position.key for position in positions_of(account, scope, board)}
    if kind is not ScopeKind.ISOLATED:
        cross = (position for position in account.positions.values() if position.margin_type is MarginType.CROSS)
        members |= {position.key for position in cross if board.instrument(position.symbol) is None}
    kept = {key: position for key, position in account.positions.items() if key in members}
    if kind is ScopeKind.ISOLATED:
        balances = {}
    elif kind is ScopeKind.CROSS:
        asset = scope.partition(":")[2]
        balances = {asset: account.balances[asset]} if asset in account.balances else {}
    else:
        balances = dict(account.balances)
    orders = {name: amount for name, amount in account.open_order_initial_margin.items() if name == scope}
    return replace(account, positions=kept, balances=balances, open_order_initial_margin=orders)


def ladder_object(ladder: Ladder) -> dict[str, Any]:
    """Return a ladder as it stands in a document: health convention, exact fractions, null for absent statuses."""
    lines = {str(status): (None if (k := ladder.threshold(status)) is None else format_exact(k)) for status in RUNGS}
    return lines | {
        "inclusive": ladder.inclusive,
        "hysteresis": format_exact(ladder.hysteresis),
        "debt_floor": format_exact(ladder.debt_floor),
    }


def rule_object(rule: LiquidationRule) -> dict[str, Any]:
    """Return a liquidation rule as it stands in a document, every parameter stated but those that are absent."""
    out: dict[str, Any] = {}
    for item in fields(rule):
        value = getattr(rule, item.name)
        if isinstance(value, Fraction):
            out[item.name] = format_exact(value)
        elif isinstance(value, Decimal):
            out[item.name] = format_amount(value)
        elif value is not None:
            out[item.name] = str(value) if isinstance(value, str) else value
    return out


def band_object(band: Band) -> dict[str, Any]:
    """Return the ends of a stale price as they stand in evidence."""
    kind = "asset" if band.is_asset else "symbol"
    out = {kind: band.name, "low": format_amount(band.low), "high": format_amount(band.high)}
    return out if band.doubt.startswith("stale") else out | {"doubt": band.doubt}


def mixed_members(board: MarketBoard) -> set[str]:
    """Return the members of groups that mix base assets: their terms are why a scope is unknown."""
    terms = None if board.portfolio is None else board.portfolio.terms
    if terms is None or isinstance(terms, HyperliquidTerms):
        return set()
    return {symbol for group in terms.groups if group.mixed for symbol in group.members}


def assets_object(part: Account, symbols: Iterable[str], board: MarketBoard) -> dict[str, Any]:
    """Return the terms of every asset that an account and its contracts have to do with, index prices by value.

    Terms whose index price has never come stand as they are: a reader must not take the asset for one without terms.
    """
    settled = {terms.settle_asset for symbol in symbols if (terms := board.instrument(symbol)) is not None}
    bases = {terms.base_asset for symbol in symbols if (terms := board.instrument(symbol)) is not None}
    named = settled | set(part.balances) | set(part.net_transfers) | {base for base in bases if base is not None}
    kept = {name: board.assets[name] for name in sorted(named) if name in board.assets}
    return {
        name: asset_object(stated if (held := board.asset(name)) is None else replace(held, index_symbol=None))
        for name, stated in kept.items()
    }


def prices_object(symbols: Iterable[str], board: MarketBoard) -> dict[str, Any]:
    """Return the prices of symbols as they stand in a document."""
    out: dict[str, Any] = {}
    for symbol in symbols:
        quote = board.quotes.get(symbol)
        if quote is not None:
            out[symbol] = {"mark_price": format_amount(quote.mark_price)}
            if quote.index_price is not None:
                out[symbol]["index_price"] = format_amount(quote.index_price)
            if quote.funding_rate is not None:
                out[symbol]["funding_rate"] = format_amount(quote.funding_rate)
            if quote.next_funding_time_ms is not None:
                out[symbol]["next_funding_time_ms"] = quote.next_funding_time_ms
    return out


def basis_object(board: MarketBoard) -> dict[str, Any]:
    """Return the price funding is charged on, as a part of a document; nothing where it is the mark."""
    return {} if board.funding_basis is FundingBasis.MARK else {"funding": {"basis": str(board.funding_basis)}}


def origins_object(symbols: Iterable[str], board: MarketBoard) -> dict[str, Any]:
    """Return where the price of each symbol came from, and how it was found to be what it is."""
    return {
        symbol: {"event_time_ms": quote.event_time_ms, "partition": quote.partition, "offset": quote.offset}
        | qualities_of(symbol, board.quarantine)
        for symbol in symbols
        if (quote := board.quotes.get(symbol)) is not None
    }


def pegs_object(names: Iterable[str], board: MarketBoard) -> dict[str, Any]:
    """Return what assets are held against, as a part of evidence; nothing where none has a reference."""
    pegs = {name: peg.body() for name in names if (peg := board.peg(name)) is not None}
    return {"asset_quality": pegs} if pegs else {}
