"""Judging by floats: which accounts may have passed a line, every sum made from scratch.

Sums are of at most some hundred terms each rounded a few times; an error of 1e-11 of the sum of magnitudes is allowed
for, a thousand times what can occur. A line is passed over only where the value is proven to be on this side of it.
Where a figure is not finite an input is missing: the exact reading would not be known either, so nothing happens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitor.core.rules.screen_columns import I8, Columns
from monitor.core.rules.screen_prices import F8, TIERS, ScreenPrices

B1 = NDArray[np.bool_]
_SLACK = 1e-11


def candidates(columns: Columns, places: I8, prices: ScreenPrices) -> tuple[B1, B1]:
    """Return by account whether a line may have been passed, and whether there may be a new high.

    Right for the accounts at the given places only.
    """
    wanted = np.zeros(len(columns.base), dtype=np.bool_)
    wanted[places] = True
    with np.errstate(all="ignore"):
        return _judge(columns, wanted, prices)


def _judge(columns: Columns, wanted: B1, prices: ScreenPrices) -> tuple[B1, B1]:
    cells = np.nonzero(wanted[columns.account])[0]
    symbol = columns.symbol[cells]
    size, entry, inverse = columns.size[cells], columns.entry[cells], columns.inverse[cells]
    mark = prices.mark[symbol]
    notional = np.where(inverse, np.abs(size) / mark, np.abs(size) * mark)
    at_entry = np.where(inverse, np.abs(size) / entry, np.abs(size) * entry)
    profit = np.where(inverse, size / entry - size / mark, size * (mark - entry))
    magnitude = notional + at_entry + np.abs(columns.wallet[cells])
    found, rising = _of_account(columns, wanted, prices, cells, profit, notional, magnitude)
    scopes = _of_scopes(columns, wanted, prices, cells, profit, notional, at_entry, magnitude)
    found |= np.bincount(columns.account_of_scope[scopes], minlength=len(found)).astype(np.bool_)
    return found, rising


def _of_account(
    columns: Columns, wanted: B1, prices: ScreenPrices, cells: I8, profit: F8, notional: F8, magnitude: F8
) -> tuple[B1, B1]:
    """Return the accounts whose total equity or sectors may have passed a line, and those that may be at a high."""
    count, account, asset = len(columns.base), columns.account[cells], columns.asset[cells]
    rate = np.where(columns.single[account], prices.index_alone[asset], prices.index[asset])
    worth = columns.wallet[cells] + profit
    worth = np.where(columns.isolated[cells], np.where(worth < 0, 0.0, worth), profit)
    held = np.nonzero(wanted[columns.wallet_account])[0]
    owner, held_asset = columns.wallet_account[held], columns.wallet_asset[held]
    held_rate = np.where(columns.single[owner], prices.index_alone[held_asset], prices.index[held_asset])
    equity = np.bincount(account, worth * rate, count) + np.bincount(owner, columns.wallet_net[held] * held_rate, count)
    gross = np.bincount(account, magnitude * rate, count)
    error = _SLACK * (gross + np.bincount(owner, columns.wallet_size[held] * held_rate, count) + np.abs(columns.base))
    fall, (fire, rearm) = columns.base - equity, columns.fall.T
    rising: B1 = columns.tracks & ((np.isfinite(equity) & np.isnan(columns.base)) | (fall <= error))
    found: B1 = (fall + error >= fire * columns.base) | (fall - error <= rearm * columns.base)
    rate = np.where(columns.linear_in_one[account], prices.index_alone[asset], prices.index[asset])
    delta = np.where(columns.inverse[cells], np.abs(columns.size[cells]), notional * rate)
    whole = np.bincount(account, delta, count)
    inside = columns.sector[cells] >= 0
    share = np.bincount(columns.sector[cells][inside], delta[inside], len(columns.sector_lines))
    of = whole[columns.account_of_sector]
    fire, rearm = columns.sector_lines.T
    crossed = (share + _SLACK * of >= fire * of) | (share - _SLACK * of <= rearm * of)
    crossed &= wanted[columns.account_of_sector]
    found |= np.bincount(columns.account_of_sector[crossed], minlength=count).astype(np.bool_)
    return found, rising


def _of_scopes(
    columns: Columns,
    wanted: B1,
    prices: ScreenPrices,
    cells: I8,
    profit: F8,
    notional: F8,
    at_entry: F8,
    magnitude: F8,
) -> I8:
    """Return the scopes whose initial margin, or equity after funding, may have passed a line."""
    pools, count, pool = len(columns.pool_wallet), len(columns.scope_k), columns.pool[cells]
    symbol, size = columns.symbol[cells], columns.size[cells]
    held = columns.pool_wallet + np.bincount(pool, profit, pools)
    sizes = np.abs(columns.pool_wallet) + np.bincount(pool, magnitude, pools)
    pay, rate = prices.pay_price[symbol], prices.rate[symbol]
    payment = np.where(columns.inverse[cells], size / pay, size * pay) * rate
    after = held - np.bincount(pool, payment, pools)
    chosen = np.nonzero(wanted[columns.pool_account])[0]
    scope, asset, in_usd = columns.pool_scope[chosen], columns.pool_asset[chosen], columns.pool_in_usd[chosen]
    plus, minus = np.where(in_usd, prices.plus[asset], 1.0), np.where(in_usd, prices.minus[asset], 1.0)
    unused = (sizes[chosen] == 0) & in_usd
    plus, minus = np.where(unused, 0.0, plus), np.where(unused, 0.0, minus)
    mine, left = held[chosen], after[chosen]
    equity = np.bincount(scope, np.where(mine < 0, minus, plus) * mine, count)
    rest = np.bincount(scope, np.where(left < 0, minus, plus) * left, count)
    dearest = np.maximum(plus, minus)
    error = _SLACK * np.bincount(scope, dearest * sizes[chosen], count)
    error_after = error + _SLACK * np.bincount(scope, dearest * np.abs(left), count)
    unit = np.where(columns.pool_in_usd[pool], prices.minus[columns.asset[cells]], 1.0)
    of_cell = columns.pool_scope[pool]
    initial, required = _margins(columns, prices, cells, notional, at_entry)
    least, most = (np.bincount(of_cell, margin * unit, count) for margin in initial)
    low, high = (np.bincount(of_cell, margin * unit, count) for margin in required)
    fire, rearm = columns.scope_lines.T
    crossed = np.isfinite(fire) & (most >= fire * (equity - error))
    crossed |= np.isfinite(rearm) & (least <= rearm * (equity + error))
    k, armed = columns.scope_k, columns.scope_armed
    falls = rest - error_after <= k * high * (1 + _SLACK)
    crossed |= np.where(armed, falls, rest + error_after >= k / 0.9 * low * (1 - _SLACK))
    crossed |= _times_differ(of_cell, prices.funding_time[symbol], count) & np.isfinite(k)
    return np.nonzero(crossed & wanted[columns.account_of_scope])[0]


def _margins(
    columns: Columns, prices: ScreenPrices, cells: I8, notional: F8, at_entry: F8
) -> tuple[tuple[F8, F8], tuple[F8, F8]]:
    """Return the bounds of each cell's initial margin and requirement, with the brackets on both sides of a doubt."""
    symbol, multiplier, named = columns.symbol[cells], columns.multiplier[cells], columns.leverage[cells]
    margined = np.where(prices.at_entry[symbol], at_entry, notional)
    floors = prices.floors[symbol] * multiplier[:, None]
    leverages: list[F8] = []
    requirements: list[F8] = []
    for end in (1 - _SLACK, 1 + _SLACK):
        tier = np.clip((floors <= (notional * end)[:, None]).sum(axis=1) - 1, 0, TIERS - 1)
        leverages.append(np.minimum(named, prices.caps[symbol, tier]))
        tier = np.clip((floors <= (margined * end)[:, None]).sum(axis=1) - 1, 0, TIERS - 1)
        charged = margined * end * prices.rates[symbol, tier] - prices.deductions[symbol, tier] * multiplier
        requirements.append(np.maximum(charged, 0.0))
    lower, upper = np.minimum(*leverages), np.maximum(*leverages)
    doubt = _SLACK * margined
    initial = notional * (1 - _SLACK) / upper, notional * (1 + _SLACK) / lower
    return initial, (np.minimum(*requirements) - doubt, np.maximum(*requirements) + doubt)


def _times_differ(scope: I8, times: F8, count: int) -> B1:
    """Return the scopes whose positions are not all charged at one time: there the sum is not what is due next."""
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, scope, times)
    np.maximum.at(last, scope, times)
    return first < last
