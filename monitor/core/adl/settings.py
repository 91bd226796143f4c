"""How a venue deleverages: when it does, at which price, in which order, and how much of the market is seen here.

Only the choices live here; what each means is computed by the rooms that use it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class AdlTrigger(StrEnum):
    """Name when a fund stops paying and counterparties are deleveraged instead."""

    SHORTFALL = "shortfall"
    """What is left of the fund is less than the claim (Aster, Binance, Hyperliquid, dYdX)."""
    FUND_DRAWDOWN = "fund_drawdown"
    """What is left of the fund has fallen by `drawdown` from its peak in the window, or is too little (OKX)."""
    SYMBOL_PNL_DRAWDOWN = "symbol_pnl_drawdown"
    """One contract has cost the fund more than `drawdown` of its peak in the window, or too little is left (Bybit)."""


class AdlRanking(StrEnum):
    """Name the formula that orders counterparties."""

    LEVERAGE_PNL_2019 = "leverage_pnl_2019"
    BINANCE_V2 = "binance_v2"
    HYPERLIQUID = "hyperliquid"


class AdlPrice(StrEnum):
    """Name the price at which a deleveraged position changes hands."""

    BANKRUPTCY = "bankruptcy"
    MARK = "mark"
    PREVIOUS_MARK = "previous_mark"


class AdlPopulation(StrEnum):
    """Name how much of the market is seen: every account of a venue, or those of one desk."""

    ALL = "all"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class AdlSettings:
    """Hold how a venue deleverages.

    Attributes:
        trigger: when a fund stops paying.
        drawdown: fall from the peak, as a fraction, that the two drawdown triggers wait for.
        window_ms: how far back the peak and the cost of a contract are looked for.
        price: at which price a deleveraged position changes hands.
        ranking: the formula that orders counterparties.
        population: with `desk` only some accounts are seen: nobody is said to be deleveraged.
        refresh_ms: how often the queue, and each position's place in it, is counted anew.
        candidates: so many of the first in the queue are listed per symbol and side, by each shard and in all.
    """

    trigger: AdlTrigger = AdlTrigger.SHORTFALL
    drawdown: Decimal = field(default=Decimal("0.3"), metadata={"above": 0, "at_most": 1})
    window_ms: int = field(default=28_800_000, metadata={"at_least": 1_000})
    price: AdlPrice = AdlPrice.BANKRUPTCY
    ranking: AdlRanking = AdlRanking.LEVERAGE_PNL_2019
    population: AdlPopulation = AdlPopulation.ALL
    refresh_ms: int = field(default=30_000, metadata={"at_least": 1_000})
    candidates: int = field(default=128, metadata={"at_least": 1, "at_most": 1_024})
