"""Scores: the published formulas that order the holders of one side, each as one function.

What the figures of a holder are is in `holders`, how scores of many are put in order in `queue`. A float twin of these
formulas, which only decides who is scored exactly, is in `kernels_adl`; it must be changed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from monitor.core.adl.settings import AdlRanking
from monitor.core.amounts import format_quotient


class Figures(NamedTuple):
    """Hold what a score is made of, in the unit of the holder's scope: its asset, or USD.

    `unrealized_pnl` and `notional` are those of the holding (what is ranked), the other amounts those of its scope.
    """

    is_long: bool
    unrealized_pnl: Fraction
    notional: Fraction
    entry_price: Fraction
    mark_price: Fraction
    wallet_balance: Fraction
    equity: Fraction
    maintenance_margin: Fraction


def leverage_pnl_2019(of: Figures) -> Fraction | None:
    """Return PnLpct·marginRatio: max(0, uPnL)/max(1, wallet) · MM/E; None for a holder that does not win.

    The 1 is one unit of the scope. Source: Aster docs "ADL", identical to Binance's text of 2019; uPnL is the symbol's,
    wallet and margin ratio are the account's.
    """
    if of.unrealized_pnl <= 0 or of.equity <= 0:
        return None
    return of.unrealized_pnl / max(Fraction(1), of.wallet_balance) * of.maintenance_margin / of.equity


def binance_v2(of: Figures) -> Fraction | None:
    """Return PnLpct·EffLev for a winner, PnLpct/EffLev for a loser: PnLpct = uPnL/N, EffLev = N/E.

    That is uPnL/E, and uPnL·E/N² below 0. Source: Binance support FAQ "What Is Auto-Deleveraging", present text.
    """
    if of.equity <= 0 or of.notional <= 0:
        return None
    if of.unrealized_pnl >= 0:
        return of.unrealized_pnl / of.equity
    return of.unrealized_pnl * of.equity / (of.notional * of.notional)


def hyperliquid(of: Figures) -> Fraction | None:
    """Return mark/entry · N/E of a long holder, entry/mark · N/E of a short one.

    Source: Hyperliquid docs "Auto-deleveraging"; as written there the first factor is mark/entry for everybody, which
    rewards only longs: entry/mark for shorts is our reading.
    """
    if of.equity <= 0:
        return None
    gain = of.mark_price / of.entry_price if of.is_long else of.entry_price / of.mark_price
    return gain * of.notional / of.equity


SCORES: Mapping[AdlRanking, Callable[[Figures], Fraction | None]] = {
    AdlRanking.LEVERAGE_PNL_2019: leverage_pnl_2019,
    AdlRanking.BINANCE_V2: binance_v2,
    AdlRanking.HYPERLIQUID: hyperliquid,
}
"""The formula of each ranking; None: the holder is not in the queue."""


def rounded(score: Fraction) -> Decimal:
    """Return a score at 40 significant digits: what is compared, so that every shard and reader agrees on ties."""
    return Decimal(format_quotient(Decimal(score.numerator), Decimal(score.denominator)))


def score_of(ranking: AdlRanking, figures: Figures) -> Decimal | None:
    """Return the score a holder is ranked by, None where it is not in the queue."""
    score = SCORES[ranking](figures)
    return None if score is None else rounded(score)
