"""Liquidation price: the mark at which a scope's equity meets the liquidation line of its requirement.

What stands beside the moving positions is gathered here. One position is solved by `liquidation_walk`, anything else by
`liquidation_forms`, and a portfolio by its own room.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple, cast

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly, fraction_of, minus, plus, quotient, times, total
from monitor.core.collateral import ask_price, bid_price, coin_value
from monitor.core.instruments import Contract, MaintenanceBasis
from monitor.core.legs import Leg
from monitor.core.liquidation_forms import Model, Moving
from monitor.core.liquidation_walk import Beside, Single, nearest_price
from monitor.core.margin import Assessment
from monitor.core.portfolio.journey import FINE_DIGITS, book_of
from monitor.core.portfolio.liquidation_price import liquidation_price as portfolio_price
from monitor.core.scopes import IN_USD
from monitor.core.shortening import in_short

_AS_POLISHED = Decimal("1e-45")
"""Two searches that end within this share of each other have found the same price."""
_ONE = Decimal(1)
_ZERO = Decimal(0)


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
    proportion. Where published deductions make the requirement jump over the line, the floor counts. Source: Binance
    support FAQ "How to Calculate Liquidation Price", solved over all brackets.
    """
    return _prices(account, assessment, [symbol], k)[0]


@exactly
def liquidation_prices(account: Account, assessment: Assessment, k: Fraction) -> dict[str, LiquidationPrice]:
    """Return what `liquidation_price` says of every contract of a scope; no more than once what they share."""
    symbols = list(dict.fromkeys(leg.position.symbol for leg in assessment.legs))
    return dict(zip(symbols, _prices(account, assessment, symbols, k), strict=True))


def _prices(account: Account, assessment: Assessment, symbols: Sequence[str], k: Fraction) -> list[LiquidationPrice]:
    equity, requirement = assessment.equity, assessment.maintenance_margin
    if equity is None or requirement is None:
        return [LiquidationPrice()] * len(symbols)
    left, right = times(equity, Decimal(k.denominator)), times(requirement, Decimal(k.numerator))
    is_on_line, recovery = left == right, left < right
    figures = in_short(assessment)
    whole = (equity, requirement) if figures is assessment else _added_up(figures)
    by_symbol: dict[str, list[Leg]] = {}
    for leg in figures.legs:
        by_symbol.setdefault(leg.position.symbol, []).append(leg)
    found: list[LiquidationPrice] = []
    for symbol in symbols:
        legs = by_symbol.get(symbol, [])
        if not legs:
            found.append(LiquidationPrice())
        elif is_on_line:
            found.append(LiquidationPrice(legs[0].mark_price, False, legs[0].mark_price))
        else:
            found.append(_price(account, figures, legs, whole, k, recovery=recovery))
    return found


def _added_up(figures: Assessment) -> tuple[Number, Number]:
    """Return equity and requirement of a scope in one asset as sums of parts that were cut: they cancel out exactly."""
    profits = [leg.unrealized_pnl for leg in figures.legs if leg.unrealized_pnl is not None]
    required = [leg.maintenance_margin for leg in figures.legs if leg.maintenance_margin is not None]
    return plus(figures.wallet_balance or _ZERO, total(profits)), total(required)


def _price(
    account: Account,
    assessment: Assessment,
    legs: Sequence[Leg],
    whole: tuple[Number, Number],
    k: Fraction,
    *,
    recovery: bool,
) -> LiquidationPrice:
    """Return the liquidation price of the legs of one contract in a scope that is not on its line.

    `whole` is equity and requirement of a scope in one asset.
    """
    if assessment.portfolio is not None:
        return _in_portfolio(account, assessment, legs[0].position.symbol, k, recovery=recovery)
    if assessment.kind not in IN_USD:
        price = _solved(account, legs, _rest_in_asset(*whole, legs), k)
        return LiquidationPrice(price, recovery, price)
    still = _rest_in_usd(account, assessment, legs, None)
    mark_only = _solved(account, legs, still, k)
    moving = _rest_in_usd(account, assessment, legs, _coupled_asset(assessment, legs[0]))
    price = mark_only if moving == still else _solved(account, legs, moving, k)
    if _to_sixty_digits(price) == _to_sixty_digits(mark_only):
        return LiquidationPrice(mark_only, recovery, mark_only)
    return LiquidationPrice(price, recovery, mark_only, True)


def _in_portfolio(
    account: Account, assessment: Assessment, symbol: str, k: Fraction, *, recovery: bool
) -> LiquidationPrice:
    """Return the liquidation price in a portfolio scope, where the method in force says what is required."""
    assert assessment.portfolio is not None, "asked of a known portfolio scope"
    coupled = _coupled_asset(assessment, next(leg for leg in assessment.legs if leg.position.symbol == symbol))
    with localcontext(FINE_DIGITS):
        book = book_of(account, assessment.legs, assessment.assets, assessment.portfolio.terms, k)
        mark_only = portfolio_price(book, symbol, None, is_above=not recovery)
        price = mark_only if coupled is None else portfolio_price(book, symbol, coupled, is_above=not recovery)
    if price is None or mark_only is None:
        return LiquidationPrice(price, recovery, mark_only, price is not mark_only)
    is_same = abs(price - mark_only) <= _AS_POLISHED * price
    return LiquidationPrice(mark_only if is_same else price, recovery, mark_only, not is_same)


def _to_sixty_digits(price: Number | None) -> Number | None:
    """Return a price as the walk states it, so that the same price found in another way compares equal."""
    if price is None or isinstance(price, Decimal):
        return price
    return quotient(Decimal(price.numerator), Decimal(price.denominator))


# --------------------------------------------------------------------------------- what stands beside the positions
_Numbers = tuple[Number, Number, Number, Number, Number, Number, Number]
"""The numbers of a `Beside`, in its order and of either kind."""


class _Rest(NamedTuple):
    """Hold what stands beside the moving positions before a kind of number is chosen."""

    numbers: _Numbers
    moves: bool = False

    @property
    def has_moved(self) -> bool:
        """Whether anything but the settle asset moves with the mark."""
        return bool(self.numbers[5] or self.numbers[6])

    def rational(self) -> Beside[Fraction]:
        """Return it in fractions."""
        held, bid, ask, value, required, moved_value, moved_required = map(fraction_of, self.numbers)
        return Beside(held, bid, ask, value, required, moved_value, moved_required, self.moves)

    def decimal(self) -> Beside[Decimal] | None:
        """Return it in decimals, None where a number is a fraction."""
        if any(not isinstance(number, Decimal) for number in self.numbers):
            return None
        return Beside(
            *cast("tuple[Decimal, Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]", self.numbers), self.moves
        )


def _rest_in_asset(equity: Number, requirement: Number, legs: Sequence[Leg]) -> _Rest:
    """Return the rest of a scope kept in one asset: its equity and requirement less those of the positions."""
    profits = [leg.unrealized_pnl for leg in legs if leg.unrealized_pnl is not None]
    own = [leg.maintenance_margin for leg in legs if leg.maintenance_margin is not None]
    return _Rest((minus(equity, total(profits)), _ONE, _ONE, _ZERO, minus(requirement, total(own)), _ZERO, _ZERO))


def _coupled_asset(assessment: Assessment, leg: Leg) -> str | None:
    """Return the collateral whose index moves with the mark: the contract's base asset, where the scope uses it."""
    base = None if leg.instrument is None else leg.instrument.base_asset
    return base if base in assessment.assets else None


def _rest_in_usd(account: Account, assessment: Assessment, legs: Sequence[Leg], coupled: str | None) -> _Rest:
    """Return the rest of a scope in USD: the settle asset by coin, everything else by value, `coupled` apart."""
    instrument = legs[0].instrument
    assert instrument is not None, "asked of a known scope"
    settle, terms = instrument.settle_asset, assessment.assets[instrument.settle_asset]
    held: dict[str, Number] = dict(account.balances)
    required: list[Number] = []
    moved_required: list[Number] = []
    for leg in assessment.legs:
        if leg.instrument is None or leg.position.symbol == instrument.symbol:
            continue
        asset, profit, needed = leg.instrument.settle_asset, leg.unrealized_pnl, leg.maintenance_margin
        assert profit is not None and needed is not None, "asked of a known scope"
        held[asset] = plus(held.get(asset, _ZERO), profit)
        (moved_required if asset == coupled else required).append(times(needed, ask_price(assessment.assets[asset])))
    coin = held.pop(settle, _ZERO)
    moved_coin = held.pop(coupled, _ZERO) if coupled is not None else _ZERO
    numbers = (
        coin,
        bid_price(terms),
        ask_price(terms),
        total([coin_value(amount, assessment.assets[asset]) for asset, amount in held.items() if amount]),
        total(required),
        coin_value(moved_coin, assessment.assets[coupled]) if coupled is not None and moved_coin else _ZERO,
        total(moved_required),
    )
    return _Rest(numbers, settle == coupled)


# ---------------------------------------------------------------------------------------------------------- solving
def _solved(account: Account, legs: Sequence[Leg], rest: _Rest, k: Fraction) -> Number | None:
    """Return the nearest mark where E = k·MM: by walking the brackets where one position allows it."""
    leg = legs[0]
    instrument, mark, fixed = leg.instrument, leg.mark_price, leg.maintenance_margin
    assert instrument is not None and mark is not None and fixed is not None, "asked of a known scope"
    at_entry = instrument.maintenance_basis is MaintenanceBasis.ENTRY
    linear = instrument.contract is Contract.LINEAR
    if len(legs) > 1 or (rest.moves if linear else rest.has_moved and not rest.moves):
        model = Model(tuple(_moving(account, leg) for leg in legs), fraction_of(mark), rest.rational())
        return model.liquidation_price(k)
    decimal = rest.decimal() if linear else None
    if decimal is not None and isinstance(fixed, Decimal):
        multiplier = account.settings.bracket_multiplier.get(leg.position.symbol, _ONE)
        size = leg.position.quantity * instrument.contract_size
        requirement = fixed if at_entry else None
        single = Single(instrument, size, leg.position.entry_price, mark, multiplier, requirement, _ONE)
        price = nearest_price(single, decimal, Decimal(k.numerator), Decimal(k.denominator))
        return None if price is None else quotient(price.top, price.bottom)
    moving = _moving(account, leg)
    rational = Single(
        moving.terms, moving.size, moving.entry, fraction_of(mark), moving.multiplier, moving.fixed, Fraction(1)
    )
    found = nearest_price(rational, rest.rational(), Fraction(k.numerator), Fraction(k.denominator))
    return None if found is None else found.top / found.bottom


def _moving(account: Account, leg: Leg) -> Moving:
    instrument, position = leg.instrument, leg.position
    assert instrument is not None and leg.maintenance_margin is not None, "asked of a known scope"
    at_entry = instrument.maintenance_basis is MaintenanceBasis.ENTRY
    return Moving(
        instrument.rational,
        fraction_of(position.quantity) * instrument.rational.contract_size,
        fraction_of(position.entry_price),
        fraction_of(account.settings.bracket_multiplier.get(position.symbol, _ONE)),
        fraction_of(leg.maintenance_margin) if at_entry else None,
    )
