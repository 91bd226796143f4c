"""The parameters of the portfolio methods: what a document, a profile or the configuration states.

Shapes and defaults live here; what a method makes of its parameters is in the room of the method.
The methods are documented models: no venue has published them as its own but Hyperliquid, whose page is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from monitor.core.instruments import Contract, Instrument
from monitor.core.portfolio.eligibility import PortfolioRules


class Method(StrEnum):
    """Name the ways to margin a whole book."""

    SCENARIO = "scenario"
    SPAN = "span"
    TIMS = "tims"
    HYPERLIQUID = "hyperliquid"


class BadPortfolio(ValueError):
    """Parameters that contradict themselves; `path` names the one, from the method's own table on."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class Group:
    """Hold the contracts and assets that move together: a group of `scenario` and `span`, a class of `tims`.

    `up` and `down` are the greatest moves looked at, fractions of the price (`down` is negative; −`up` but in `tims`).
    `daily_volume` is in USD. `assets` are held as hedges of the members. `mixed`: members that are known have different
    base assets although that is not allowed; who uses such a group has no known requirement.
    """

    name: str
    members: tuple[str, ...]
    assets: tuple[str, ...] = ()
    up: Decimal = Decimal("0.16")
    down: Decimal = Decimal("-0.16")
    daily_volume: Decimal | None = None
    allow_mixed: bool = False
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class ScenarioTerms:
    """Hold the parameters of the scenario engine (perps.studio's list of scenarios, with defaults of our own)."""

    groups: tuple[Group, ...]
    steps: tuple[Decimal, ...] = (Decimal("0.25"), Decimal("0.5"), Decimal("0.75"), Decimal(1))
    correlation_break: Decimal = Decimal("0.5")
    spike_multiple: Decimal = Decimal(2)
    spike_weight: Decimal = Decimal("0.5")
    liquidity_rate: Decimal = Decimal("0.01")
    liquidity_exponent: Decimal = Decimal("0.5")
    basis_rate: Decimal = Decimal("0.002")
    minimum_rate: Decimal = Decimal("0.005")
    buffer: Decimal = Decimal("0.1")
    initial_factor: Decimal = Decimal("1.25")


@dataclass(frozen=True, slots=True)
class Credit:
    """Hold one inter-commodity credit: opposite deltas of two groups, consumed in a ratio, are worth `credit`."""

    legs: tuple[str, str]
    credit: Decimal
    ratio: tuple[Decimal, Decimal] = (Decimal(1), Decimal(1))


@dataclass(frozen=True, slots=True)
class SpanTerms:
    """Hold the parameters of SPAN (CME, "Standard Portfolio Analysis of Risk"); credits in order of priority."""

    groups: tuple[Group, ...]
    extreme_multiple: Decimal = Decimal(3)
    extreme_cover: Decimal = Decimal("0.33")
    basis_rate: Decimal = Decimal("0.002")
    minimum_rate: Decimal = Decimal("0.005")
    credits: tuple[Credit, ...] = ()
    initial_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hold what is offset together: classes of a product group, product groups of a portfolio group."""

    name: str
    parts: tuple[str, ...]
    offset: Decimal


@dataclass(frozen=True, slots=True)
class TimsTerms:
    """Hold the parameters of TIMS (OCC, risk-based haircuts).

    A class, or a product group, that is named in no bundle stands alone, with offset 0.
    """

    groups: tuple[Group, ...]
    product_groups: tuple[Bundle, ...] = ()
    portfolio_groups: tuple[Bundle, ...] = ()
    basis_rate: Decimal = Decimal(0)
    minimum_rate: Decimal = Decimal("0.005")
    initial_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Token:
    """Hold one token of Hyperliquid's portfolio margin. Without `ltv` it is no collateral; None: no cap.

    `supply_cap` is in the token, `borrow_cap` in USD.
    """

    asset: str
    borrowable: bool = False
    ltv: Decimal | None = None
    supply_cap: Decimal | None = None
    borrow_cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class HyperliquidTerms:
    """Hold the parameters of Hyperliquid's portfolio margin (its documentation, "Portfolio margin")."""

    tokens: tuple[Token, ...]
    borrow_offset: Decimal = Decimal(20)


Terms = ScenarioTerms | SpanTerms | TimsTerms | HyperliquidTerms
Grouped = ScenarioTerms | SpanTerms | TimsTerms
G = TypeVar("G", bound=ScenarioTerms | SpanTerms | TimsTerms)


@dataclass(frozen=True, slots=True)
class PortfolioTerms:
    """Hold the method in force, and the parameters of every method that has some (the others serve comparison).

    `rules` say who may be margined so.
    """

    method: Method
    of: Mapping[Method, Terms] = field(default_factory=dict)
    rules: PortfolioRules = field(default_factory=PortfolioRules)

    @property
    def terms(self) -> Terms:
        """The parameters of the method in force."""
        return self.of[self.method]

    def resolved(self, instruments: Mapping[str, Instrument[Decimal]]) -> PortfolioTerms:
        """Return the same with every settle asset of an inverse member held in its member's group, and `mixed` known.

        An asset stays in the group that names it.
        """
        of = {
            method: terms if isinstance(terms, HyperliquidTerms) else _resolved(terms, instruments)
            for method, terms in self.of.items()
        }
        return replace(self, of=of)


def bases_of(group: Group, instruments: Mapping[str, Instrument[Decimal]]) -> dict[str, str]:
    """Return the base asset of every member whose terms state one."""
    known = {symbol: instruments[symbol].base_asset for symbol in group.members if symbol in instruments}
    return {symbol: base for symbol, base in known.items() if base is not None}


def _resolved(terms: G, instruments: Mapping[str, Instrument[Decimal]]) -> G:
    named = {asset for group in terms.groups for asset in group.assets}
    groups: list[Group] = []
    for group in terms.groups:
        held = (instruments[symbol] for symbol in group.members if symbol in instruments)
        coins = dict.fromkeys(one.settle_asset for one in held if one.contract is Contract.INVERSE)
        added = tuple(coin for coin in coins if coin not in named)
        named.update(added)
        mixed = not group.allow_mixed and len(set(bases_of(group, instruments).values())) > 1
        same = not added and mixed is group.mixed
        groups.append(group if same else replace(group, assets=group.assets + added, mixed=mixed))
    return replace(terms, groups=tuple(groups))
