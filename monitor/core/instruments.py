"""Instruments and assets: the terms a position is margined by, and what a coin of collateral is worth.

Their shape, their validity and the bracket of a notional live here; positions, prices and sums over a scope do not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Generic, NamedTuple

from monitor.core.amounts import N, exactly, fraction_of


class Contract(StrEnum):
    """Say what a contract's profit is linear in: the price, or its reciprocal."""

    LINEAR = "linear"
    INVERSE = "inverse"


class MaintenanceBasis(StrEnum):
    """Say which price the notional of the maintenance requirement is taken at."""

    MARK = "mark"
    ENTRY = "entry"


class InstrumentStatus(StrEnum):
    """Name the stages of a listing."""

    TRADING = "trading"
    PRE_SETTLE = "pre_settle"
    SETTLING = "settling"
    CLOSED = "closed"


class BadTerms(ValueError):
    """Terms of an instrument or asset that contradict themselves; `path` names the field."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True)
class MarginTier(Generic[N]):
    """Hold one leverage bracket: from `floor` (notional) on, requirement = notional·rate − deduction."""

    floor: N
    rate: N
    deduction: N
    max_leverage: N | None = None


@dataclass(frozen=True)
class Instrument(Generic[N]):
    """Hold the terms of one perpetual contract.

    Linear: money, brackets and notional in the settle asset, quantity × contract_size in base units. Inverse: in the
    coin, quantity in contracts of `contract_size` quote units.
    """

    symbol: str
    contract: Contract
    settle_asset: str
    tiers: tuple[MarginTier[N], ...]
    contract_size: N
    closing_fee_rate: N
    liquidation_fee_rate: N
    base_asset: str | None = None
    tick_size: N | None = None
    maintenance_basis: MaintenanceBasis = MaintenanceBasis.MARK
    status: InstrumentStatus = InstrumentStatus.TRADING
    sector: str | None = None

    @cached_property
    def floors(self) -> tuple[N, ...]:
        """The floors of all tiers, rising."""
        return tuple(tier.floor for tier in self.tiers)

    def tier_index(self, notional: N, multiplier: N) -> int:
        """Return the index of the last tier whose floor × multiplier is not above the notional."""
        if multiplier == 1:
            return bisect_right(self.floors, notional) - 1
        return bisect_right(self.floors, notional, key=lambda floor: floor * multiplier) - 1

    @cached_property
    def rational(self) -> Instrument[Fraction]:
        """The same terms in fractions."""
        return Instrument(
            symbol=self.symbol,
            contract=self.contract,
            settle_asset=self.settle_asset,
            tiers=tuple(
                MarginTier(
                    fraction_of(tier.floor),
                    fraction_of(tier.rate),
                    fraction_of(tier.deduction),
                    None if tier.max_leverage is None else fraction_of(tier.max_leverage),
                )
                for tier in self.tiers
            ),
            contract_size=fraction_of(self.contract_size),
            closing_fee_rate=fraction_of(self.closing_fee_rate),
            liquidation_fee_rate=fraction_of(self.liquidation_fee_rate),
            base_asset=self.base_asset,
            tick_size=None if self.tick_size is None else fraction_of(self.tick_size),
            maintenance_basis=self.maintenance_basis,
            status=self.status,
            sector=self.sector,
        )


@dataclass(frozen=True)
class Asset(Generic[N]):
    """Hold what one unit of an asset counts as collateral, in USD.

    `index_price` None with an `index_symbol`: the index is that instrument's index price.
    """

    asset: str
    index_price: N | None = None
    index_symbol: str | None = None
    bid_buffer: N | None = None
    ask_buffer: N | None = None
    collateral_ratio: N | None = None
    margin_available: bool = True


class Haircut(NamedTuple):
    """Hold what an asset that states no haircut is cut by; None is neutral."""

    bid_buffer: Decimal | None = None
    ask_buffer: Decimal | None = None
    collateral_ratio: Decimal | None = None


@exactly
def chain_deductions(
    tiers: Sequence[tuple[Decimal, Decimal, Decimal | None, Decimal | None]],
) -> tuple[MarginTier[Decimal], ...]:
    """Return tiers from (floor, rate, deduction or None, max leverage or None), missing deductions chained.

    d_n = d_{n−1} + floor_n·(rate_n − rate_{n−1}), d_0 = 0: it makes the requirement continuous in the notional
    (Binance support FAQ "How to Calculate Liquidation Price of USD-M Futures Contracts").
    """
    built: list[MarginTier[Decimal]] = []
    for floor, rate, published, max_leverage in tiers:
        if published is not None:
            deduction = published
        elif built:
            deduction = built[-1].deduction + floor * (rate - built[-1].rate)
        else:
            deduction = Decimal(0)
        built.append(MarginTier(floor, rate, deduction, max_leverage))
    return tuple(built)


@exactly
def check_instrument(instrument: Instrument[Decimal], *, published_case: bool = False) -> None:
    """Raise `BadTerms` where the terms contradict themselves.

    `published_case` accepts a requirement below 0 at a floor (a document may state only the bracket in force).
    """
    if instrument.contract_size <= 0:
        raise BadTerms("contract_size", "must be above 0")
    for name in ("closing_fee_rate", "liquidation_fee_rate"):
        if not 0 <= getattr(instrument, name) <= 1:
            raise BadTerms(name, "must be within 0 and 1")
    if instrument.tick_size is not None and instrument.tick_size <= 0:
        raise BadTerms("tick_size", "must be above 0")
    if not instrument.tiers:
        raise BadTerms("brackets", "at least one is needed")
    check_tiers("brackets", instrument.tiers, published_case=published_case)


@exactly
def check_tiers(inside: str, tiers: Sequence[MarginTier[Decimal]], *, published_case: bool = False) -> None:
    """Raise `BadTerms` where brackets contradict themselves; `inside` is what their places begin with."""
    previous: Decimal | None = None
    for index, tier in enumerate(tiers):
        path = f"{inside}[{index}]"
        if previous is None and tier.floor != 0:
            raise BadTerms(f"{path}.floor", "the first floor must be 0")
        if previous is not None and tier.floor <= previous:
            raise BadTerms(f"{path}.floor", "floors must rise")
        if not 0 <= tier.rate <= 1:
            raise BadTerms(f"{path}.rate", "must be within 0 and 1")
        if tier.max_leverage is not None and tier.max_leverage <= 0:
            raise BadTerms(f"{path}.max_leverage", "must be above 0")
        if not published_case and tier.floor * tier.rate - tier.deduction < 0:
            raise BadTerms(f"{path}.deduction", "the requirement would be below 0 at the bracket's own floor")
        previous = tier.floor


@exactly
def check_asset(asset: Asset[Decimal]) -> None:
    """Raise `BadTerms` where the terms of an asset contradict themselves."""
    if asset.index_price is None and asset.index_symbol is None:
        raise BadTerms("index_price", "is required (or index_symbol)")
    if asset.index_price is not None and asset.index_price <= 0:
        raise BadTerms("index_price", "must be above 0")
    for name in ("bid_buffer", "collateral_ratio"):
        value = getattr(asset, name)
        if value is not None and not 0 <= value <= 1:
            raise BadTerms(name, "must be within 0 and 1")
    if asset.ask_buffer is not None and asset.ask_buffer < 0:
        raise BadTerms("ask_buffer", "must not be below 0")


def usd_asset(name: str) -> Asset[Decimal]:
    """Return the terms of an asset that counts 1:1 in USD."""
    return Asset(name, index_price=Decimal(1))


def with_index(asset: Asset[Decimal], index_price: Decimal) -> Asset[Decimal]:
    """Return the asset at another index price."""
    return replace(asset, index_price=index_price)
