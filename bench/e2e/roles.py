"""Who does what in the steady bench: a population whose accounts have parts to play.

Half of the accounts are quiet: nobody sends messages about them, and some stand so near a line that every price takes
them over it. The other half is busy: deep in money and traded all the time, except for the movers, whose wallets are
emptied and filled again, each time over a line. So it is known of every message whether an event comes of it, in
whatever order prices and messages of accounts meet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from bench.e2e.book import wallet_of
from bench.e2e.oracle import HYSTERESIS, LINES, Oracle, rank
from bench.population import WALLET_DECIMALS, Population, draw
from bench.sizes import LINEAR, Sizes
from bench.venue import F8, I8

_DEEP: Final = 10.0
"""Wallets of busy accounts, over what their positions are worth: healthy whatever they trade."""
_SPARE: Final = 10.0
_MIDDLES: Final = (1.37, 1.17, 1.05, 0.955)
"""Ratios amid a status, where emptied wallets lead."""
_SWING_LINES: Final = LINES[:4]
_ROOM: Final = 0.002
"""The least part of a line's equity that must lie between where a swinger stands and either side of the line."""


class Mover(NamedTuple):
    """Hold an account whose wallet is emptied and filled, and the status it has when it is empty."""

    account: int
    full: int
    empty: int
    status: int


@dataclass(frozen=True)
class Cast:
    """Hold the population and the roles in it."""

    population: Population
    traded: I8
    movers: list[Mover]
    swingers: int


def cast(sizes: Sizes, swings: int, movers: int) -> Cast:
    """Return a population with so many swingers and movers, or as many as can be had."""
    drawn = draw(sizes, LINEAR)
    oracle, venue = Oracle(drawn), drawn.venue
    prices = venue.prices(0), venue.prices(1)
    holding = np.random.default_rng([sizes.seed, 7]).permutation(np.nonzero(np.diff(drawn.ends) > 0)[0])
    quiet, busy = holding[: len(holding) // 2], holding[len(holding) // 2 :]
    oracle.wallets[busy] = (_DEEP * oracle.gross(prices[0]) + _SPARE)[busy]
    swingers = _swing(oracle, prices, quiet, swings)
    for both in prices:
        oracle.wallets[oracle.close_calls(both)] += 1.0
    wallets = wallet_of(oracle.wallets)
    chosen = _movers(oracle, prices, busy, movers, wallets)
    traded = np.setdiff1d(busy, [one.account for one in chosen])
    return Cast(replace(drawn, wallets=wallets), traded, chosen, swingers)


def _swing(oracle: Oracle, prices: tuple[F8, F8], quiet: I8, wanted: int) -> int:
    """Give quiet accounts wallets with which each change between the two prices changes their status."""
    gains, required = [oracle.gains(p) for p in prices], [oracle.required(p) for p in prices]
    done = 0
    for number, account in enumerate(quiet.tolist()):
        if done >= wanted:
            break
        line = _SWING_LINES[number % len(_SWING_LINES)]
        needs = [line * float(m[account]) - float(g[account]) for g, m in zip(gains, required, strict=True)]
        better = 0 if needs[0] < needs[1] else 1
        scale = line * float(required[better][account])
        least, most = needs[better] + HYSTERESIS * scale, needs[1 - better]
        if most - least > 2 * _ROOM * scale:
            oracle.wallets[account] = (least + most) / 2
            done += 1
    return done


def _movers(oracle: Oracle, prices: tuple[F8, F8], busy: I8, wanted: int, wallets: I8) -> list[Mover]:
    """Return busy accounts with a wallet that is as good as empty, which gives them the same status at both prices."""
    gains, required = [oracle.gains(p)[busy] for p in prices], [oracle.required(p)[busy] for p in prices]
    ratios = np.array(_MIDDLES)[np.arange(len(busy)) % len(_MIDDLES)]
    empty = wallet_of(ratios * required[0] - gains[0])
    dollars = empty / 10.0**WALLET_DECIMALS
    found = [
        rank(dollars + gain, need, scale)
        for gain, need in zip(gains, required, strict=True)
        for scale in (1.0, 1 + HYSTERESIS)
    ]
    sure = np.logical_and.reduce([one == found[0] for one in found]) & (found[0] > 0)
    places = np.nonzero(sure)[0][:wanted]
    columns = busy[places], wallets[busy[places]], empty[places], found[0][places]
    return [Mover(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]
