"""Exposure: what a method looks at in a book, in USD: deltas, gross, long and short of each group, and what is held.

How positions and wallets become deltas lives here; what a move of the market does to them is the methods' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Generic, NamedTuple

from monitor.core.amounts import Number, fraction_of
from monitor.core.instruments import Asset, Contract, Instrument
from monitor.core.legs import Leg
from monitor.core.portfolio.scalars import M, added, magnitude, zero_of
from monitor.core.portfolio.terms import HyperliquidTerms, Terms

ASSET_SIDE = "asset"
"""Stands where a position has its side, for what is held of an asset."""

_ZERO = Fraction(0)


class Entry(NamedTuple, Generic[M]):
    """Hold one position, or what is held of one asset of a group (`symbol` is the asset, `side` is `asset`).

    `group` is the number of its group, None in none. All amounts are in USD: `delta`, the cross `requirement` (0 of an
    asset) and the `profit`, which is held in `settle_asset`.
    """

    symbol: str
    side: str
    group: int | None
    delta: M
    requirement: M
    settle_asset: str
    profit: M


class GroupSums(NamedTuple, Generic[M]):
    """Hold the sums of one group in USD: held assets count in delta, long and short, not in gross."""

    delta: M
    gross: M
    long: M
    short: M


class TokenAmount(NamedTuple, Generic[M]):
    """Hold what is held of one token (wallet and profit settled in it, below 0: borrowed), and its index price."""

    held: M
    price: M


class Exposure(NamedTuple, Generic[M]):
    """Hold a book as the methods see it; `groups` and `tokens` in the order of the terms.

    `ungrouped` is the cross requirement of the positions in no group (of hyperliquid: of all positions).
    """

    entries: tuple[Entry[M], ...]
    groups: tuple[GroupSums[M], ...]
    ungrouped: M
    tokens: tuple[TokenAmount[M], ...] = ()


def exposure_of(
    terms: Terms, legs: Sequence[Leg], held: Mapping[str, Number], assets: Mapping[str, Asset[Decimal]]
) -> Exposure[Fraction]:
    """Return the exposure of a book whose figures are all known.

    Linear: delta = q·size·mark·index of the settle asset; inverse: q·size. `held` names wallet plus profit per asset,
    `assets` the terms of every asset in use: its index price counts, without a haircut.
    """
    tokens: tuple[TokenAmount[Fraction], ...] = ()
    group_of: dict[str, int] = {}
    coins: list[Entry[Fraction]] = []
    count = 0
    if isinstance(terms, HyperliquidTerms):
        tokens = tuple(_token(held.get(token.asset, _ZERO), assets.get(token.asset)) for token in terms.tokens)
    else:
        count = len(terms.groups)
        for number, group in enumerate(terms.groups):
            group_of.update(dict.fromkeys(group.members, number))
            for name in group.assets:
                if name in held and name in assets:
                    worth = fraction_of(held[name]) * _index(assets[name])
                    coins.append(Entry(name, ASSET_SIDE, number, worth, _ZERO, name, _ZERO))
    positions = [_entry(leg, group_of.get(leg.position.symbol), assets) for leg in legs]
    return exposed((*positions, *coins), count, _ZERO, tokens)


def exposed(entries: Sequence[Entry[M]], groups: int, zero: M, tokens: tuple[TokenAmount[M], ...] = ()) -> Exposure[M]:
    """Return the sums of entries over a number of groups."""
    within: list[list[Entry[M]]] = [[] for _ in range(groups)]
    for entry in entries:
        if entry.group is not None:
            within[entry.group].append(entry)
    sums = tuple(_sums(mine, zero) for mine in within)
    alone = added((entry.requirement for entry in entries if entry.group is None), zero)
    return Exposure(tuple(entries), sums, alone, tokens)


def without(exposure: Exposure[M], entry: Entry[M], token_names: Sequence[str] = ()) -> Exposure[M]:
    """Return the exposure of the same book without one of its positions, its profit gone, or without a held asset."""
    zero = zero_of(exposure.ungrouped)
    left = [_less(other, entry) for other in exposure.entries if other is not entry]
    touched = {entry.group, *(other.group for other in left if _settles(other, entry))}
    groups = tuple(
        _sums([other for other in left if other.group == number], zero) if number in touched else sums
        for number, sums in enumerate(exposure.groups)
    )
    tokens = tuple(
        token._replace(held=token.held - entry.profit / token.price)
        if name == entry.settle_asset and token.price > zero
        else token
        for name, token in zip(token_names, exposure.tokens, strict=True)
    )
    ungrouped = exposure.ungrouped - entry.requirement if entry.group is None else exposure.ungrouped
    return Exposure(tuple(left), groups, ungrouped, tokens)


def _settles(coin: Entry[M], position: Entry[M]) -> bool:
    return coin.side == ASSET_SIDE and position.side != ASSET_SIDE and coin.symbol == position.settle_asset


def _less(other: Entry[M], gone: Entry[M]) -> Entry[M]:
    return other._replace(delta=other.delta - gone.profit) if _settles(other, gone) else other


def _sums(entries: Sequence[Entry[M]], zero: M) -> GroupSums[M]:
    return GroupSums(
        added((entry.delta for entry in entries), zero),
        added((magnitude(entry.delta) for entry in entries if entry.side != ASSET_SIDE), zero),
        added((entry.delta for entry in entries if entry.delta > zero), zero),
        added((-entry.delta for entry in entries if entry.delta < zero), zero),
    )


def _entry(leg: Leg, group: int | None, assets: Mapping[str, Asset[Decimal]]) -> Entry[Fraction]:
    position, instrument, mark = leg.position, leg.instrument, leg.mark_price
    assert instrument is not None and mark is not None, "asked of a known book"
    assert leg.maintenance_margin is not None and leg.unrealized_pnl is not None, "asked of a known book"
    index_price = _index(assets[instrument.settle_asset])
    return Entry(
        position.symbol,
        str(position.side),
        group,
        _delta(instrument, fraction_of(position.quantity), fraction_of(mark), index_price),
        fraction_of(leg.maintenance_margin) * index_price,
        instrument.settle_asset,
        fraction_of(leg.unrealized_pnl) * index_price,
    )


def _delta(instrument: Instrument[Decimal], quantity: Fraction, mark: Fraction, index_price: Fraction) -> Fraction:
    size = quantity * fraction_of(instrument.contract_size)
    return size if instrument.contract is Contract.INVERSE else size * mark * index_price


def _token(held: Number, terms: Asset[Decimal] | None) -> TokenAmount[Fraction]:
    """Return an amount of a token; the price of one of which nothing is held is not needed."""
    return TokenAmount(fraction_of(held), _ZERO if terms is None or not held else _index(terms))


def _index(terms: Asset[Decimal]) -> Fraction:
    assert terms.index_price is not None, "an asset in use has an index price"
    return fraction_of(terms.index_price)
