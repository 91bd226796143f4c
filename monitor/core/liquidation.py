"""Liquidation price: the mark at which a scope's equity meets the liquidation line of its requirement.

How a scope's figures move with one mark is written down here; finding where they meet is `piecewise`'s, and for the
common case `liquidation_linear`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly, fraction_of, total
from monitor.core.collateral import ask_factor, bid_factor, coin_value
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis
from monitor.core.legs import Leg
from monitor.core.liquidation_linear import nearest_mark
from monitor.core.margin import Assessment
from monitor.core.piecewise import Laurent, nearest_zero
from monitor.core.scopes import IN_USD

_ZERO = Fraction(0)
_ONE = Decimal(1)


class LiquidationPrice(NamedTuple):
    """Hold the price, None where no mark above 0 is one.

    `recovery`: the scope is below the line already, the price is where it recovers. `mark_only`: the price with all
    collateral left at its present index; `moves_collateral` says that this is another one.
    """

    price: Number | None = None
    recovery: bool = False
    mark_only: Number | None = None
    moves_collateral: bool = False


@exactly
def liquidation_price(account: Account, assessment: Assessment, symbol: str, k: Fraction) -> LiquidationPrice:
    """Return the mark of `symbol` nearest to the present one at which E = k·MM, all other marks unchanged.

    Both hedge legs move, brackets are chosen anew; in a scope in USD the index of the contract's base asset moves in
    proportion. Source: Binance support FAQ "How to Calculate Liquidation Price", solved over all brackets.
    """
    equity, requirement = assessment.equity, assessment.maintenance_margin
    legs = [leg for leg in assessment.legs if leg.position.symbol == symbol]
    if equity is None or requirement is None or not legs:
        return LiquidationPrice()
    left, right = equity * k.denominator, requirement * k.numerator
    recovery = left < right
    if left == right:
        return LiquidationPrice(legs[0].mark_price, False, legs[0].mark_price)
    if assessment.kind not in IN_USD:
        price = _in_one_asset(account, assessment, legs, k)
        return LiquidationPrice(price, recovery, price)
    coupled = _coupled_asset(assessment, legs[0])
    price = _solved(_in_usd(account, assessment, legs, coupled), k)
    mark_only = price if coupled is None else _solved(_in_usd(account, assessment, legs, None), k)
    return LiquidationPrice(price, recovery, mark_only, price != mark_only)


def _in_one_asset(account: Account, assessment: Assessment, legs: Sequence[Leg], k: Fraction) -> Number | None:
    equity, requirement, leg = assessment.equity, assessment.maintenance_margin, legs[0]
    assert equity is not None and requirement is not None and leg.instrument is not None, "asked of a known scope"
    own, mark = leg.maintenance_margin, leg.mark_price
    if (
        len(legs) == 1
        and isinstance(equity, Decimal)
        and isinstance(requirement, Decimal)
        and isinstance(own, Decimal)
        and mark is not None
        and leg.instrument.contract is Contract.LINEAR
    ):
        size = leg.position.quantity * leg.instrument.contract_size
        multiplier = account.settings.bracket_multiplier.get(leg.position.symbol, _ONE)
        return nearest_mark(leg.instrument, size, mark, multiplier, equity, requirement, own, k)
    return _by_forms(account, assessment, legs, k)


def _by_forms(account: Account, assessment: Assessment, legs: Sequence[Leg], k: Fraction) -> Fraction | None:
    """Return the price of a scope kept in one asset, whatever its legs."""
    equity, requirement = assessment.equity, assessment.maintenance_margin
    assert equity is not None and requirement is not None, "asked of a known scope"
    pnl = total([leg.unrealized_pnl for leg in legs if leg.unrealized_pnl is not None])
    own_requirement = total([leg.maintenance_margin for leg in legs if leg.maintenance_margin is not None])
    model = _Model(
        legs=tuple(_moving(account, leg) for leg in legs),
        mark=_mark_of(legs),
        other_equity=Laurent(constant=fraction_of(equity) - fraction_of(pnl)),
        other_requirement=Laurent(constant=fraction_of(requirement) - fraction_of(own_requirement)),
    )
    return _solved(model, k)


# ---------------------------------------------------------------------------------------------- how a scope moves
class _Moving(NamedTuple):
    """Hold one position whose mark moves, in fractions; `fixed` is its requirement where that is taken at entry."""

    terms: Instrument[Fraction]
    size: Fraction
    entry: Fraction
    multiplier: Fraction
    fixed: Fraction | None

    def profit(self) -> Laurent:
        """Return the profit in the settle asset as a function of the mark."""
        if self.terms.contract is Contract.INVERSE:
            return Laurent(inverse=-self.size, constant=self.size / self.entry)
        return Laurent(constant=-self.size * self.entry, linear=self.size)

    def requirement(self, around: Fraction) -> Laurent:
        """Return the requirement in the settle asset as it is around a mark."""
        if self.fixed is not None:
            return Laurent(constant=self.fixed)
        inverse, amount = self.terms.contract is Contract.INVERSE, abs(self.size)
        notional = amount / around if inverse else amount * around
        tier = self.terms.tiers[self.terms.tier_index(notional, self.multiplier)]
        rate, deduction = tier.rate + self.terms.closing_fee_rate, tier.deduction * self.multiplier
        if notional * rate <= deduction:
            return Laurent()
        per_mark = amount * rate
        return Laurent(per_mark, -deduction) if inverse else Laurent(constant=-deduction, linear=per_mark)

    def cuts(self) -> Iterator[Fraction]:
        """Yield the marks at which the requirement changes its form: at floors, and where it leaves 0."""
        if self.fixed is not None:
            return
        amount, floors = abs(self.size), (*self.terms.floors, None)
        for number, tier in enumerate(self.terms.tiers):
            rate, next_floor = tier.rate + self.terms.closing_fee_rate, floors[number + 1]
            notionals = [tier.floor]
            if rate and tier.deduction > 0:
                leaves = tier.deduction / rate
                notionals += [leaves] if tier.floor < leaves and (next_floor is None or leaves < next_floor) else []
            for notional in notionals:
                if notional:
                    at = notional * self.multiplier
                    yield amount / at if self.terms.contract is Contract.INVERSE else at / amount


class _Coin(NamedTuple):
    """Hold the settle asset of the moving positions: what is held of it beside them, and what it counts."""

    amount: Fraction
    bid: Fraction
    ask: Fraction
    index_price: Fraction
    moves: bool
    """Its index moves with the mark."""


class _Model(NamedTuple):
    """Hold how equity and requirement of a scope depend on one mark."""

    legs: tuple[_Moving, ...]
    mark: Fraction
    other_equity: Laurent
    other_requirement: Laurent
    coin: _Coin | None = None

    def cuts(self) -> Iterator[Fraction]:
        """Yield every mark at which the form may change."""
        for leg in self.legs:
            yield from leg.cuts()
        if self.coin is not None:
            yield from self._held(self.coin).roots()

    def _held(self, coin: _Coin) -> Laurent:
        held = Laurent(constant=coin.amount)
        for leg in self.legs:
            held = held.plus(leg.profit())
        return held

    def margin(self, around: Fraction, k: Fraction) -> Laurent:
        """Return d·E − n·MM (k = n/d) as it is around a mark."""
        requirement = Laurent()
        for leg in self.legs:
            requirement = requirement.plus(leg.requirement(around))
        if self.coin is None:
            equity = self._held(_OWN)
        else:
            held = self._held(self.coin)
            factor = self.coin.bid if held.at(around) >= 0 else self.coin.ask
            equity = self._in_usd(held.scaled(factor), self.coin)
            requirement = self._in_usd(requirement.scaled(self.coin.ask), self.coin)
        equity, requirement = equity.plus(self.other_equity), requirement.plus(self.other_requirement)
        return equity.scaled(k.denominator).plus(requirement.scaled(-k.numerator))

    def _in_usd(self, amount: Laurent, coin: _Coin) -> Laurent:
        return amount.times_p(coin.index_price / self.mark) if coin.moves else amount.scaled(coin.index_price)


_OWN = _Coin(_ZERO, Fraction(1), Fraction(1), Fraction(1), False)


def _solved(model: _Model, k: Fraction) -> Fraction | None:
    return nearest_zero(model.mark, model.cuts(), lambda around: model.margin(around, k))


def _mark_of(legs: Sequence[Leg]) -> Fraction:
    mark = legs[0].mark_price
    assert mark is not None, "a scope whose figures are known has every mark"
    return fraction_of(mark)


def _moving(account: Account, leg: Leg) -> _Moving:
    instrument, position = leg.instrument, leg.position
    assert instrument is not None and leg.maintenance_margin is not None, "asked of a known scope"
    at_entry = instrument.maintenance_basis is MaintenanceBasis.ENTRY
    return _Moving(
        instrument.rational,
        fraction_of(position.quantity) * instrument.rational.contract_size,
        fraction_of(position.entry_price),
        fraction_of(account.settings.bracket_multiplier.get(position.symbol, _ONE)),
        fraction_of(leg.maintenance_margin) if at_entry else None,
    )


# ------------------------------------------------------------------------------------------------- scopes in USD
def _coupled_asset(assessment: Assessment, leg: Leg) -> str | None:
    """Return the collateral whose index moves with the mark: the contract's base asset, where the scope uses it."""
    base = None if leg.instrument is None else leg.instrument.base_asset
    return base if base in assessment.assets else None


def _in_usd(account: Account, assessment: Assessment, legs: Sequence[Leg], coupled: str | None) -> _Model:
    """Return how a scope in USD moves: the settle asset by coin, all else by value, `coupled` with the mark."""
    instrument = legs[0].instrument
    assert instrument is not None, "asked of a known scope"
    settle, mark = instrument.settle_asset, _mark_of(legs)
    held = {asset: fraction_of(amount) for asset, amount in account.balances.items()}
    still: list[Fraction] = []
    moved: list[Fraction] = []
    for leg in assessment.legs:
        if leg.position.symbol == legs[0].position.symbol:
            continue
        assert leg.instrument is not None and leg.unrealized_pnl is not None and leg.maintenance_margin is not None
        asset = leg.instrument.settle_asset
        held[asset] = held.get(asset, _ZERO) + fraction_of(leg.unrealized_pnl)
        terms = assessment.assets[asset]
        required = fraction_of(leg.maintenance_margin) * _index(terms) * fraction_of(ask_factor(terms))
        (moved if asset == coupled else still).append(required)
    values = {
        asset: fraction_of(coin_value(amount, assessment.assets[asset], _index(assessment.assets[asset])))
        for asset, amount in held.items()
        if amount and asset != settle
    }
    with_mark = values.pop(coupled, _ZERO) if coupled is not None else _ZERO
    terms = assessment.assets[settle]
    return _Model(
        legs=tuple(_moving(account, leg) for leg in legs),
        mark=mark,
        other_equity=Laurent(constant=sum(values.values(), _ZERO), linear=with_mark / mark),
        other_requirement=Laurent(constant=sum(still, _ZERO), linear=sum(moved, _ZERO) / mark),
        coin=_Coin(
            held.get(settle, _ZERO),
            fraction_of(bid_factor(terms)) if terms.margin_available else _ZERO,
            fraction_of(ask_factor(terms)),
            _index(terms),
            settle == coupled,
        ),
    )


def _index(terms: Asset[Decimal]) -> Fraction:
    assert terms.index_price is not None, "an asset in use has an index price"
    return fraction_of(terms.index_price)
