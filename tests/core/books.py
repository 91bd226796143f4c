"""Random scopes around one symbol, X: every kind of contract, collateral and bracket table, mostly near its line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode, Position, Side
from monitor.core.amounts import exactly
from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis
from monitor.core.margin import Assessment, assess
from monitor.core.market import FixedMarket
from monitor.core.scopes import scope_names
from tests.core.building import Bracket, account, asset, instrument, market, position

SIZES = {Contract.LINEAR: "1", Contract.INVERSE: "100"}


@dataclass(frozen=True)
class Book:
    """Hold an account, its market and the scope X stands in."""

    held: Account
    prices: FixedMarket
    scope: str

    @property
    def terms(self) -> Instrument[Decimal]:
        """The terms of X."""
        return self.prices.instruments["X"]

    @property
    def mark(self) -> Decimal:
        """The present mark of X."""
        return self.prices.marks["X"]

    def assessed(self) -> Assessment:
        """Return the figures of the scope as they are."""
        return assess(self.held, self.scope, self.prices)

    @exactly
    def at(self, mark: Decimal, *, moves_collateral: bool = True) -> Assessment:
        """Return the figures with X at another mark, its base asset's index moved in proportion (to 60 digits)."""
        assets = dict(self.prices.assets)
        base = self.terms.base_asset
        coin = assets.get(base) if base is not None else None
        if moves_collateral and coin is not None and coin.index_price is not None:
            moved = Fraction(coin.index_price) * Fraction(mark) / Fraction(self.mark)
            assets[coin.asset] = replace(coin, index_price=_sixty_digits(moved))
        return assess(
            self.held, self.scope, replace(self.prices, marks={**self.prices.marks, "X": mark}, assets=assets)
        )


def _sixty_digits(number: Fraction) -> Decimal:
    shift = 60
    return Decimal(round(number * 10**shift)).scaleb(-shift)


def prices_between(low: int, high: int) -> st.SearchStrategy[str]:
    """Return prices with up to two decimals."""
    return st.integers(low * 100, high * 100).map(lambda cents: f"{Decimal(cents) / 100:f}")


@st.composite
def tables(draw: st.DrawFn, *, coins: bool = False, chained: bool = False) -> tuple[Bracket, ...]:
    """Draw a bracket table, in coins or in quote units; deductions chained or published at will."""
    unit, floor, rows = Decimal(1) if coins else Decimal(100), Decimal(0), []
    for number in range(draw(st.integers(1, 4))):
        rate = f"{Decimal(draw(st.integers(0, 300))) / 1000:f}"
        deduction = "" if chained or draw(st.booleans()) else f"{unit * draw(st.integers(-5, 20)) / 10:f}"
        rows.append((f"{floor if number else Decimal(0):f}", rate, deduction))
        floor += unit * draw(st.integers(1, 30)) / 4
    return tuple(rows)


@st.composite
def contracts(draw: st.DrawFn, symbol: str, *, linear: bool = False, chained: bool = False) -> Instrument[Decimal]:
    """Draw the terms of a contract; odd pairings of contract and settle asset are wanted."""
    contract = Contract.LINEAR if linear else draw(st.sampled_from(Contract))
    settle = draw(st.sampled_from(["USDT", "USDT", "BTC"] if contract is Contract.LINEAR else ["BTC", "BTC", "USDT"]))
    return instrument(
        symbol,
        brackets=draw(tables(coins=contract is Contract.INVERSE, chained=chained)),
        contract=contract,
        settle=settle,
        size=SIZES[contract],
        fee=draw(st.sampled_from(["0", "0", "0.0005"])),
        base=draw(st.sampled_from([None, "BTC", "USDT", "ETH"])),
        basis=draw(st.sampled_from([MaintenanceBasis.MARK, MaintenanceBasis.MARK, MaintenanceBasis.ENTRY])),
    )


@st.composite
def coins(draw: st.DrawFn) -> tuple[Asset[Decimal], ...]:
    """Draw the terms of both assets."""
    buffers = st.sampled_from([None, "0.01", "0.2"])
    ratios = st.sampled_from([None, "0.95", "0.5"])
    return tuple(
        asset(
            name,
            draw(index),
            bid=draw(buffers),
            ask=draw(buffers),
            ratio=draw(ratios),
            margin_available=draw(st.sampled_from([True, True, True, False])),
        )
        for name, index in (("USDT", st.sampled_from(["1", "0.9995"])), ("BTC", prices_between(50, 150)))
    )


@st.composite
def legs(draw: st.DrawFn, symbol: str, *, hedged: bool, wallet: str | None) -> list[Position]:
    """Draw one position of a symbol, or up to two legs."""
    sides = draw(st.sampled_from([[Side.LONG], [Side.SHORT], [Side.LONG, Side.SHORT]])) if hedged else [Side.BOTH]
    drawn = []
    for side in sides:
        sign = {Side.LONG: 1, Side.SHORT: -1, Side.BOTH: draw(st.sampled_from([1, -1]))}[side]
        quantity = f"{Decimal(sign * draw(st.integers(1, 400))) / 10:f}"
        entry = draw(prices_between(60, 140))
        drawn.append(position(quantity, entry, symbol=symbol, side=side, wallet=wallet, leverage="10"))
    return drawn


@st.composite
def books(draw: st.DrawFn, *, linear: bool = False, chained: bool = False) -> Book:
    """Draw a scope that holds X, its wallet so that it often stands near its line."""
    mode = draw(st.sampled_from([MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET]))
    hedged, isolated = draw(st.booleans()), draw(st.sampled_from([False, False, True]))
    mine = draw(contracts("X", linear=linear, chained=chained))
    held = draw(legs("X", hedged=hedged, wallet="0" if isolated else None))
    held = held[:1] if isolated else held
    others = draw(st.sampled_from([[], ["Y"]]))
    instruments = [mine, *(draw(contracts(symbol, linear=linear, chained=chained)) for symbol in others)]
    for symbol in others:
        held += draw(legs(symbol, hedged=hedged, wallet=None))
    wallets = {
        name: draw(st.integers(-200, 4000)) for name in draw(st.sampled_from([["USDT"], ["BTC"], ["USDT", "BTC"]]))
    }
    if isolated:
        held[0] = replace(held[0], isolated_wallet=Decimal(draw(st.integers(-200, 4000))) / 10)
    who = account(
        *held,
        balances={name: f"{Decimal(amount) / 10:f}" for name, amount in wallets.items()},
        mode=mode,
        multipliers=draw(st.sampled_from([{}, {"X": "4"}])),
    )
    marks = {each.symbol: draw(prices_between(70, 130)) for each in instruments}
    prices = market(*instruments, marks=marks, assets=draw(coins()))
    scope = next(
        name
        for name in scope_names(who, prices)
        if any(leg.position.symbol == "X" for leg in assess(who, name, prices).legs)
    )
    return Book(who, prices, scope)
