"""Scores: the published formulas that order the holders of one side, each as one function.

What the figures of a holder are is in `holders`, how scores of many are put in order in `queue`. A float twin of these
formulas, which only decides who is scored exactly, is in `kernels_adl`; it must be changed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, NamedTuple

from monitor.core.adl.settings import AdlRanking
from monitor.core.amounts import N, Number, format_quotient


class Figures(NamedTuple, Generic[N]):
    """Hold what a score is made of, in the unit of the holder's scope: its asset, or USD; numbers of one kind.

    `unrealized_pnl` and `notional` are those of the holding (what is ranked), the other amounts those of its scope.
    """

    is_long: bool
    unrealized_pnl: N
    notional: N
    entry_price: N
    mark_price: N
    wallet_balance: N
    equity: N
    maintenance_margin: N


def leverage_pnl_2019(of: Figures[N]) -> tuple[N, N] | None:
    """Return PnLpct·marginRatio: max(0, uPnL)/max(1, wallet) · MM/E; None for a holder that does not win.

    The 1 is one unit of the scope. Source: Aster docs "ADL", identical to Binance's text of 2019; uPnL is the symbol's,
    wallet and margin ratio are the account's. Like every score here it is a dividend and its divisor.
    """
    if of.unrealized_pnl <= 0 or of.equity <= 0:
        return None
    divisor = of.wallet_balance * of.equity if of.wallet_balance > 1 else of.equity
    return of.unrealized_pnl * of.maintenance_margin, divisor


def binance_v2(of: Figures[N]) -> tuple[N, N] | None:
    """Return PnLpct·EffLev for a winner, PnLpct/EffLev for a loser: PnLpct = uPnL/N, EffLev = N/E.

    That is uPnL/E, and uPnL·E/N² below 0. Source: Binance support FAQ "What Is Auto-Deleveraging", present text.
    """
    if of.equity <= 0 or of.notional <= 0:
        return None
    if of.unrealized_pnl >= 0:
        return of.unrealized_pnl, of.equity
    return of.unrealized_pnl * of.equity, of.notional * of.notional


def hyperliquid(of: Figures[N]) -> tuple[N, N] | None:
    """Return mark/entry · N/E of a long holder, entry/mark · N/E of a short one.

    Source: Hyperliquid docs "Auto-deleveraging"; as written there the first factor is mark/entry for everybody, which
    rewards only longs: entry/mark for shorts is our reading.
    """
    if of.equity <= 0:
        return None
    gain, loss = (of.mark_price, of.entry_price) if of.is_long else (of.entry_price, of.mark_price)
    return gain * of.notional, loss * of.equity


SCORES: Mapping[AdlRanking, Callable[[Any], tuple[Number, Number] | None]] = {
    AdlRanking.LEVERAGE_PNL_2019: leverage_pnl_2019,
    AdlRanking.BINANCE_V2: binance_v2,
    AdlRanking.HYPERLIQUID: hyperliquid,
}
"""The formula of each ranking; None: the holder is not in the queue."""


def score_of(ranking: AdlRanking, figures: Figures[Decimal] | Figures[Fraction]) -> Decimal | None:
    """Return the score a holder is ranked by, None where it is not in the queue. Needs the exact context.

    At 40 significant digits: that is what is compared, so that every shard and reader agrees on ties.
    """
    score = SCORES[ranking](figures)
    return None if score is None else _rounded(*score)


def _rounded(dividend: Number, divisor: Number) -> Decimal:
    if isinstance(dividend, Decimal) and isinstance(divisor, Decimal):
        return Decimal(format_quotient(dividend, divisor))
    score = Fraction(dividend) / Fraction(divisor)
    return Decimal(format_quotient(Decimal(score.numerator), Decimal(score.denominator)))
