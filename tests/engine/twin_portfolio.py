"""The twin's portfolios: parameters to live under, and what the oracle of the methods makes of an account.

The methods are read in `tests/portfolio/oracle_methods`; merging, judging and telling are in `twin`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import msgspec

from monitor.adapters.wire.portfolio import portfolio_of, rules_of
from monitor.adapters.wire.portfolio_shapes import PortfolioBody, RulesBody
from monitor.core.limits import Limits
from monitor.core.portfolio.terms import PortfolioTerms
from tests.portfolio.oracle_groups import Answer, Book, Key
from tests.portfolio.oracle_methods import METHODS

F = Fraction
GROUPS: Mapping[str, Any] = {
    "ONE": {"members": ["AUSDT", "XUSD", "YUSD"], "allow_mixed": True},
    "TWO": {"members": ["BUSDT", "DUSDC"], "assets": ["BNB"], "allow_mixed": True},
}
"""Both inverse contracts stand in one group, so that their coin is held there; `C:USDT` stands in none."""


def groups(**more: Mapping[str, str]) -> dict[str, Any]:
    """Return the groups with some parameters of their own."""
    return {name: {**group, **more.get(name, {})} for name, group in GROUPS.items()}


PORTFOLIOS: tuple[Mapping[str, Any] | None, ...] = (
    {
        "method": "scenario",
        "groups": groups(ONE={"move": "0.2", "daily_volume": "2000"}, TWO={"move": "0.45"}),
        "steps": ["0.5", "1"],
        "volatility_spike": {"multiple": "3", "weight": "0.5"},
    },
    {
        "method": "scenario",
        "groups": {"ALL": {"members": ["AUSDT", "BUSDT", "DUSDC", "XUSD"], "assets": ["USDT"], "daily_volume": "500"}},
        "liquidity": {"rate": "0.003", "exponent": "1"},
        "minimum_rate": "0.06",
        "basis_rate": "0.01",
    },
    {
        "method": "span",
        "groups": groups(ONE={"price_scan": "0.1"}, TWO={"price_scan": "0.4"}),
        "credits": [{"legs": ["TWO", "ONE"], "ratio": ["1", "2"], "credit": "0.7"}],
        "extreme_cover": "0.4",
    },
    {
        "method": "tims",
        "classes": groups(ONE={"down": "-0.15", "up": "0.1"}, TWO={"down": "-0.3", "up": "0.5"}),
        "product_groups": {"major": {"classes": ["TWO", "ONE"], "offset": "0.5"}},
        "basis_rate": "0.004",
    },
    {
        "method": "hyperliquid",
        "tokens": {
            "USD": {"borrowable": True, "ltv": "1"},
            "USDT": {"borrowable": True, "ltv": "0.9", "borrow_cap": "700"},
            "X": {"ltv": "0.5", "supply_cap": "1.5"},
            "BNB": {},
        },
        "borrow_offset": "2",
    },
    None,
)


RULES: tuple[Mapping[str, Any], ...] = (
    {},
    {"minimum_vip_level": 2, "on_ineligible": "multi_asset"},
    {"minimum_equity": "20", "maximum_equity": "250", "on_ineligible": "multi_asset"},
    {"markets": ["AUSDT", "BUSDT", "XUSD"], "minimum_vip_level": 1, "on_ineligible": "multi_asset"},
    {"minimum_vip_level": 3, "minimum_equity": "1000", "on_ineligible": "report"},
)


def terms_of(stated: Mapping[str, Any] | None, rules: Mapping[str, Any]) -> PortfolioTerms | None:
    """Return parameters and rules as the product holds them."""
    if stated is None:
        return None
    terms = portfolio_of(msgspec.json.decode(json.dumps(stated), type=PortfolioBody), Limits()).terms
    return replace(terms, rules=rules_of(msgspec.json.decode(json.dumps(rules), type=RulesBody), Limits()))


def broken(rules: Mapping[str, Any], account: SimpleNamespace, equity: Fraction | None) -> set[str]:
    """Name the rules an account breaks; nobody knows that of an unknown equity."""
    found = set()
    if "minimum_vip_level" in rules and (account.vip_level is None or account.vip_level < rules["minimum_vip_level"]):
        found.add("vip_level")
    if equity is not None and not F(rules.get("minimum_equity", equity)) <= equity <= F(
        rules.get("maximum_equity", equity)
    ):
        found.add("equity")
    cross = {symbol for (symbol, _), position in account.positions.items() if position.margin_type == "cross"}
    if "markets" in rules and not cross <= set(rules["markets"]):
        found.add("markets")
    return found


def mixed(
    stated: Mapping[str, Any], instruments: Mapping[str, SimpleNamespace], symbols: Collection[str], held: Iterable[str]
) -> set[str]:
    """Return why an account that uses a group has no requirement: members have different bases, and may not."""
    tables: Mapping[str, Any] = stated.get("groups", stated.get("classes", {}))
    named = {asset for table in tables.values() for asset in table.get("assets", ())}
    found = set()
    for name, table in tables.items():
        members = [instruments[symbol] for symbol in table["members"] if symbol in instruments]
        coins = {terms.settle_asset for terms in members if terms.contract == "inverse"} - named
        named |= coins
        bases = {terms.base_asset for terms in members} - {None}
        used = {*table["members"], *table.get("assets", ()), *coins} & {*symbols, *held}
        if len(bases) > 1 and used and not table.get("allow_mixed", False):
            found.add(f"mixed_bases:{name}")
    return found


class Holdings:
    """What the oracle is asked about an account: gathered position by position."""

    def __init__(self, held: Mapping[str, Fraction], prices: Mapping[str, Fraction]) -> None:
        self.held, self.prices = held, prices
        self.deltas: dict[Key, Fraction] = {}
        self.requirements: dict[Key, Fraction] = {}

    def add(
        self, symbol: str, position: SimpleNamespace, terms: SimpleNamespace, mark: Fraction, need: Fraction
    ) -> None:
        """Add a position, which needs so much of its settle asset in cross margin."""
        key, index = (symbol, str(len(self.deltas))), self.prices[terms.settle_asset]
        size = position.quantity * terms.contract_size
        self.deltas[key] = size if terms.contract == "inverse" else size * mark * index
        self.requirements[key] = need * index

    def answer(self, stated: Mapping[str, Any], instruments: Mapping[str, SimpleNamespace]) -> Answer:
        """Return what the method in force says."""
        coins = {name: terms.settle_asset for name, terms in instruments.items() if terms.contract == "inverse"}
        book = Book(self.deltas, self.requirements, self.held, self.prices, coins)
        return METHODS[stated["method"]](stated, book)
