"""The population as the daemon knows it: accounts with exact decimals, packed as its changelog holds them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from bench.population import WALLET_DECIMALS, Population
from bench.venue import COINS, CONTRACT_USD
from monitor.core.accounts import Account, MarginMode, MarginType, Position, Side

MODES: Final = (MarginMode.SINGLE_ASSET, MarginMode.MULTI_ASSET, MarginMode.PORTFOLIO)
START_MS: Final = 1_700_000_000_000
_AT_ONCE: Final = 8_192
_ISOLATED_SHARE: Final = Decimal("0.15")
"""Of the entry value of an isolated position: what stands in its own wallet."""
_SHARE_IN_COINS: Final = Decimal("0.3")
_COIN_SHARE: Final = Decimal("0.3")
"""The same of a cross position in an inverse contract, in the wallet of its coin."""
_HELD: Final = ("BTC", "ETH")
_PLACES: Final = Decimal("1e-8")


def account_id(number: int) -> str:
    """Return the id of an account."""
    return f"account-{number:08d}"


def accounts(population: Population) -> Iterator[Account]:
    """Yield all accounts in the order of their numbers."""
    for start in range(0, population.sizes.accounts, _AT_ONCE):
        stop = min(start + _AT_ONCE, population.sizes.accounts)
        wallets, modes = population.wallets[start:stop].tolist(), population.modes[start:stop].tolist()
        ends = population.ends[start : stop + 1].tolist()
        positions = _positions(population, ends[0], ends[-1])
        for offset, (wallet, mode) in enumerate(zip(wallets, modes, strict=True)):
            mine = positions[ends[offset] - ends[0] : ends[offset + 1] - ends[0]]
            yield Account(
                account_id(start + offset),
                MODES[mode],
                balances=_balances(Decimal(wallet).scaleb(-WALLET_DECIMALS), MODES[mode], mine, population),
                positions={position.key: position for position in mine},
                version=1,
                event_time_ms=START_MS,
                complete=True,
            )


def _positions(population: Population, first: int, last: int) -> list[Position]:
    venue, some = population.venue, slice(first, last)
    names, inverse = venue.names, venue.inverse.tolist()
    lots, decimals = venue.lots.tolist(), venue.decimals.tolist()
    made: list[Position] = []
    for symbol, quantity, entry, is_isolated in zip(
        population.symbols[some].tolist(),
        population.quantities[some].tolist(),
        population.entries[some].tolist(),
        population.isolated[some].tolist(),
        strict=True,
    ):
        size, price = Decimal(quantity).scaleb(-lots[symbol]), Decimal(entry).scaleb(-decimals[symbol])
        if is_isolated:
            value = abs(size) * CONTRACT_USD / price if inverse[symbol] else abs(size) * price
            wallet = (value * _ISOLATED_SHARE).quantize(_PLACES)
            made.append(Position(names[symbol], Side.BOTH, size, price, MarginType.ISOLATED, wallet))
        else:
            made.append(Position(names[symbol], Side.BOTH, size, price))
    return made


def _balances(
    wallet: Decimal, mode: MarginMode, positions: list[Position], population: Population
) -> dict[str, Decimal]:
    """Return a wallet as balances: in multi-asset mode partly in coins.

    In single-asset mode inverse positions bring a wallet in their own coin.
    """
    if mode is MarginMode.MULTI_ASSET:
        coins = {coin: (wallet * _SHARE_IN_COINS / 2 / Decimal(COINS[coin])).quantize(_PLACES) for coin in _HELD}
        return {"USDT": wallet * (1 - _SHARE_IN_COINS), **coins}
    balances = {"USDT": wallet}
    if mode is MarginMode.SINGLE_ASSET and population.mix.inverse:
        for position in positions:
            coin = population.venue.settles[position.symbol]
            if coin != "USDT" and position.margin_type is MarginType.CROSS:
                needed = abs(position.quantity) * CONTRACT_USD / position.entry_price * _COIN_SHARE
                balances[coin] = (balances.get(coin, Decimal(0)) + needed).quantize(_PLACES)
    return balances
