"""Projections: what equity and requirement of a scope become when positions are reduced at the mark.

The profit of what is closed is booked at the mark, so that the equity changes by the fee alone; the fee leaves the
settle asset. Which reduction is made is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, NamedTuple, Protocol

from monitor.core.accounts import Account
from monitor.core.amounts import N, Number
from monitor.core.collateral import ask_price, bid_price
from monitor.core.instruments import Instrument
from monitor.core.legs import Leg
from monitor.core.margin import Assessment, held_amounts
from monitor.core.plan.holding import Holding, rounded_down, units_of
from monitor.core.plan.rule import LiquidationRule, RuleName
from monitor.core.scopes import IN_USD

_ONE = Decimal(1)


class Figures(NamedTuple, Generic[N]):
    """Hold what a scope would have after a reduction, and the fee of that in the settle asset."""

    equity: N
    requirement: N
    fee: N


class Projection(Protocol[N]):
    """Answer what a reduction would do, and keep those that are taken."""

    holdings: Sequence[Holding[N]]
    equity: N
    requirement: N
    is_piecewise_linear: bool

    def after(self, holding: Holding[N], quantity: Decimal, *, charged: bool = True) -> Figures[N]:
        """Return the figures after one more reduction, which is not taken."""

    def take(self, holding: Holding[N], quantity: Decimal, figures: Figures[N]) -> None:
        """Take a reduction whose figures are known."""

    def reset(self) -> None:
        """Take back every reduction."""

    def corners(self, holding: Holding[N]) -> list[Decimal]:
        """Return the reductions of a holding, rising, between which every figure is linear; the last is all of it."""


@dataclass(slots=True)
class Coin(Generic[N]):
    """Hold the amount of a settle asset a scope has, and what one unit of it counts when it is held and when owed."""

    amount: N
    bid: N
    ask: N

    def value(self, less: N) -> N:
        """Return what the amount counts after so much of it is gone."""
        rest = self.amount - less
        return rest * (self.ask if rest < 0 else self.bid)


class Separable(Generic[N]):
    """Project a scope whose requirement is the sum of those of its positions: every kind but `portfolio`."""

    is_piecewise_linear = True

    def __init__(
        self,
        rule: LiquidationRule,
        figures: tuple[N, N],
        holdings: Sequence[Holding[N]],
        coins: Mapping[str, Coin[N]],
    ) -> None:
        self.holdings: Sequence[Holding[N]] = holdings
        self.equity: N = figures[0]
        self.requirement: N = figures[1]
        self._start: tuple[N, N] = figures
        self._coins: Mapping[str, Coin[N]] = coins
        self._amounts: Mapping[str, N] = {name: coin.amount for name, coin in coins.items()}
        self._capped = rule.rule is RuleName.FILLABLE_PRICE

    def after(self, holding: Holding[N], quantity: Decimal, *, charged: bool = True) -> Figures[N]:
        """Return the figures after one more reduction, which is not taken."""
        freed = (holding.required - holding.requirement(holding.left - quantity)) * holding.weight
        fee = holding.number(quantity) * holding.unit * holding.fee_rate
        if not charged:
            fee -= fee
        elif self._capped:
            fee = min(fee, self._share(holding, freed))
        coin = self._coins[holding.terms.settle_asset]
        lost = coin.value(fee - fee) - coin.value(fee)
        return Figures(self.equity - lost, self.requirement - freed, fee)

    def take(self, holding: Holding[N], quantity: Decimal, figures: Figures[N]) -> None:
        """Take a reduction whose figures are known."""
        self.equity, self.requirement, fee = figures
        self._coins[holding.terms.settle_asset].amount -= fee
        holding.reduce(quantity)

    def reset(self) -> None:
        """Take back every reduction."""
        self.equity, self.requirement = self._start
        for name, amount in self._amounts.items():
            self._coins[name].amount = amount
        for holding in self.holdings:
            holding.restore()

    def corners(self, holding: Holding[N]) -> list[Decimal]:
        """Return the reductions of a holding, rising, between which every figure is linear; the last is all of it."""
        coin, rate = self._coins[holding.terms.settle_asset], holding.unit * holding.fee_rate
        found: list[Decimal] = list(holding.corners())
        if coin.bid != coin.ask and coin.amount > 0 and rate:
            owed = rounded_down(coin.amount, rate)
            if owed < holding.left:
                found = sorted({*found, owed})
        return found

    def _share(self, holding: Holding[N], freed: N) -> N:
        """Return the equity that is the freed requirement's share, in the settle asset, rounded down; 0 without one."""
        if self.equity <= 0 or not self.requirement:
            return self.equity - self.equity
        return holding.number(rounded_down(self.equity * freed, self.requirement * holding.index))


def in_decimals(account: Account, assessment: Assessment, rule: LiquidationRule) -> Separable[Decimal] | None:
    """Return the projection of a known scope in decimals, None where a figure is a fraction."""
    equity, requirement = assessment.equity, assessment.maintenance_margin
    if not isinstance(equity, Decimal) or not isinstance(requirement, Decimal):
        return None
    amounts = {name: amount for name, amount in _held(account, assessment).items() if isinstance(amount, Decimal)}
    holdings = [_decimal_holding(account, assessment, leg, rule) for leg in assessment.legs]
    return Separable(rule, (equity, requirement), holdings, _coins(assessment, amounts, Decimal))


def in_fractions(account: Account, assessment: Assessment, rule: LiquidationRule) -> Separable[Fraction]:
    """Return the projection of a known scope in fractions."""
    equity, requirement = assessment.equity, assessment.maintenance_margin
    assert equity is not None and requirement is not None, "asked of a known scope"
    amounts = {name: Fraction(amount) for name, amount in _held(account, assessment).items()}
    holdings = [rational_holding(account, assessment, leg, rule) for leg in assessment.legs]
    return Separable(rule, (Fraction(equity), Fraction(requirement)), holdings, _coins(assessment, amounts, Fraction))


def _decimal_holding(account: Account, assessment: Assessment, leg: Leg, rule: LiquidationRule) -> Holding[Decimal]:
    """Return a position in decimals, which a linear contract allows."""
    assert leg.instrument is not None, "asked of a known scope"
    return _holding(account, assessment, leg, leg.instrument, Decimal, rule)


def rational_holding(account: Account, assessment: Assessment, leg: Leg, rule: LiquidationRule) -> Holding[Fraction]:
    """Return a position in fractions."""
    assert leg.instrument is not None, "asked of a known scope"
    return _holding(account, assessment, leg, leg.instrument.rational, Fraction, rule)


def _holding(
    account: Account,
    assessment: Assessment,
    leg: Leg,
    terms: Instrument[N],
    number: Callable[[Decimal], N],
    rule: LiquidationRule,
) -> Holding[N]:
    multiplier = account.settings.bracket_multiplier.get(leg.position.symbol, _ONE)
    weight = index = _ONE
    dollar = _ONE if assessment.index_price is None else assessment.index_price
    if assessment.kind in IN_USD:
        asset = assessment.assets[terms.settle_asset]
        assert asset.index_price is not None, "an asset in use has an index price"
        weight, index = ask_price(asset), asset.index_price
        dollar = index
    unit, margined_unit = units_of(leg, terms, number)
    own = rule.maximum_fee_rate if rule.rule is RuleName.FILLABLE_PRICE else None
    return Holding(
        leg=leg,
        terms=terms,
        number=number,
        whole=abs(leg.position.quantity),
        unit=unit,
        margined_unit=margined_unit,
        multiplier=number(multiplier),
        weight=number(weight),
        index=number(index),
        dollar=number(dollar),
        fee_rate=terms.liquidation_fee_rate if own is None else number(own),
    )


def _held(account: Account, assessment: Assessment) -> dict[str, Number]:
    """Return what a scope holds of each settle asset it uses, wallet and profit together."""
    settled = {leg.instrument.settle_asset for leg in assessment.legs if leg.instrument is not None}
    if assessment.kind not in IN_USD:
        assert assessment.equity is not None, "asked of a known scope"
        return dict.fromkeys(settled, assessment.equity)
    held = held_amounts(account, assessment)
    return {name: held[name] for name in settled}


def _coins(assessment: Assessment, amounts: Mapping[str, N], number: Callable[[Decimal], N]) -> dict[str, Coin[N]]:
    if assessment.kind not in IN_USD:
        return {name: Coin(amount, number(_ONE), number(_ONE)) for name, amount in amounts.items()}
    terms = assessment.assets
    return {
        name: Coin(amount, number(bid_price(terms[name])), number(ask_price(terms[name])))
        for name, amount in amounts.items()
    }
