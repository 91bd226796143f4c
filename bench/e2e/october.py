"""The crash of 2025-10-10: its twelve minutes by their published statistics, replayed as fast as the daemon takes them.

Published of the twelve minutes from 21:15 UTC: 3.24 million messages about 437,723 accounts in 162 contracts, 22,558
of them with one timestamp (21:16:04.831). Who held what is not published: positions, wallets, trades and the path of
prices are drawn with a seed, the path by its outline. A share scales accounts and messages alike, never the minutes or
the prices.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.e2e.book import Book
from bench.e2e.judging import Told, Verdict, chains_of, compare, verify
from bench.e2e.oracle import HYSTERESIS, STATUSES, Oracle, rank
from bench.e2e.result import Figure, Result
from bench.e2e.spending import cores, counted, lateness, transactions
from bench.e2e.stage import Ground, Moment, Stage, now_ms
from bench.e2e.trading import Trading
from bench.population import Population, draw
from bench.sizes import LINEAR, Sizes
from bench.venue import F8, I8

ACCOUNTS, MESSAGES, SYMBOLS, BURST = 437_723, 3_240_000, 162, 22_558
SECONDS: Final = 720
BURST_SECOND: Final = 64
_OUTLINE: Final = ((0, 0.0), (60, -0.02), (130, -0.08), (300, -0.14), (420, -0.11), (720, -0.08))
"""Second and what the market has lost by then; a contract loses its beta times as much."""
_BETAS: Final = (0.6, 2.2)
_NOISE: Final = 0.0005
_LEAST_LEFT: Final = 0.05
_QUIET_SHARE: Final = 0.1
"""Accounts nobody trades for: what has to be told of them is known price by price."""
_WINDOW_MESSAGES, _WINDOW_PRICES = 30_000, 240
"""So much may be on its way, so that prices and messages stay together."""


@dataclass(frozen=True)
class Plan:
    """Hold which share of the accounts and messages there is, and the seed."""

    share: float
    seed: int

    @property
    def sizes(self) -> Sizes:
        """The population."""
        accounts = max(100, round(ACCOUNTS * self.share))
        return Sizes(accounts, 5 * accounts, SYMBOLS, self.seed)


def messages_by_second(share: float) -> list[int]:
    """Return how many account messages fall on each second: a wave after the first minute, and the burst."""
    seconds = np.arange(SECONDS)
    weights = 1.0 + 3.0 * np.exp(-(((seconds - 150) / 90.0) ** 2))
    burst, rest = round(BURST * share), round(MESSAGES * share) - round(BURST * share)
    ends = np.rint(np.cumsum(weights) / weights.sum() * rest).astype(int)
    counts = np.diff(ends, prepend=0)
    counts[BURST_SECOND] += burst
    return [int(count) for count in counts]


def path_of(population: Population, seed: int) -> list[I8]:
    """Return the marks of every second, each in its contract's last decimal."""
    dice, first = np.random.default_rng([seed, 10]), population.venue.marks[0]
    betas = dice.uniform(*_BETAS, len(first))
    at, lost = zip(*_OUTLINE, strict=True)
    path = [first]
    for second in range(1, SECONDS + 1):
        left = 1.0 + betas * np.interp(second, at, lost) + _NOISE * dice.standard_normal(len(first))
        path.append(np.maximum(1, np.rint(first * np.maximum(left, _LEAST_LEFT))).astype(np.int64))
    return path


class Run:
    """Replay the story on one stage."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self.plan = plan
        self.population = draw(plan.sizes, LINEAR)
        self.book = Book(self.population, ground.shards)
        self.stage = Stage(ground, "october", self.book, path_of(self.population, plan.seed))
        dice = np.random.default_rng([plan.seed, 11])
        holding = dice.permutation(np.nonzero(np.diff(self.population.ends) > 0)[0])
        self.traded = holding[round(len(holding) * _QUIET_SHARE) :]
        self._trading = Trading(self.book, self.traded, plan.seed)
        self.told: list[Told] = []
        self.applied = 0.0

    async def replay(self) -> tuple[Moment, Moment]:
        """Send everything; return the moments before and when all of it is told."""
        stage = self.stage
        story = [self._trading.messages(count, now_ms()) for count in messages_by_second(self.plan.share)]
        stage.is_ticking = False
        await stage.drained()
        before = await stage.moment()
        for second, messages in enumerate(story, 1):
            await self._until_there_is_room()
            stage.which = second
            await stage.tick()
            await stage.send_accounts(messages)
        stage.is_ticking = True
        await stage.drained()
        after = await stage.moment()
        self.applied = after.metrics.value("liqmon_account_events_total")
        return before, after

    async def _until_there_is_room(self) -> None:
        stage = self.stage
        while True:
            shards = range(self.stage.ground.shards)
            waiting = sum(stage.sent[shard] - stage.judged(shard, "account-events", shard) for shard in shards)
            prices = min(stage.judged(shard, "mark-prices", 0) for shard in shards)
            if waiting <= _WINDOW_MESSAGES and len(stage.ticks) - prices <= _WINDOW_PRICES:
                return
            stage.check()
            await asyncio.sleep(0.01)

    def verdict(self) -> tuple[Verdict, int]:
        """Hold quiet accounts against every price, and everybody's last status against the last prices and facts."""
        stage, verdict, oracle = self.stage, Verdict(), Oracle(self.population)
        self.told = chains_of(stage.told.records, self.book.numbers)
        known = np.ones(len(self.book.keys), bool)
        known[self.traded] = False
        prices = [marks / 10.0**self.population.venue.decimals for marks in stage.marks]
        oracle.judge(prices[0], None, known)
        last = 0
        for tick in stage.ticks:
            if tick.which != last:
                oracle.judge(prices[tick.which], stage.place(tick), known)
                last = tick.which
        compare(oracle.chains, self.told, verdict, set(np.nonzero(known)[0].tolist()))
        self._hold_last(prices[-1], verdict)
        if self.applied != sum(stage.sent):
            verdict.complain("not applied", f"{self.applied:,.0f} of {sum(stage.sent):,} messages took effect")
        return verdict, verify(stage.daemon, stage.told.records, self.told, stage.folder, verdict)

    def _hold_last(self, prices: F8, verdict: Verdict) -> None:
        """Complain of everybody whose last told status is not between what the figures say with and without memory."""
        oracle = Oracle(self.population)
        oracle.amounts = np.array(self.book.quantities) / 10.0 ** self.population.venue.lots[oracle.symbols]
        equity, required = oracle.wallets + oracle.gains(prices), oracle.required(prices)
        least, most = rank(equity, required), rank(equity, required, 1 + HYSTERESIS)
        told = np.zeros(len(equity), np.int64)
        for one in sorted(self.told, key=lambda one: one.sequence):
            told[one.account] = STATUSES.index(one.status)
        wrong = ((told < least) | (told > most)) & ~oracle.close_calls(prices)
        for account in np.nonzero(wrong)[0].tolist():
            verdict.complain(
                "wrong at the end", f"account {account}: {STATUSES[told[account]]}, not {STATUSES[least[account]]}"
            )


async def measure(plan: Plan, ground: Ground) -> Result:
    """Replay; return what came out."""
    run = Run(plan, ground)
    async with run.stage.open():
        before, after = await run.replay()
    begun = time.perf_counter()
    verdict, proofs = run.verdict()
    ground.say(f"compared in {time.perf_counter() - begun:.0f} s")
    seconds = after.at - before.at
    messages = counted(before, after, "liqmon_account_events_total")
    title = (
        f"october: {SECONDS // 60} minutes of 2025-10-10 at a share of {plan.share:g}: {plan.sizes.accounts:,} "
        f"accounts, {messages:,.0f} messages, {SYMBOLS} symbols, {round(BURST * plan.share):,} of one timestamp"
    )
    figures = [
        Figure("times faster than real", SECONDS / seconds, "×", note=f"at a share of {plan.share:g}"),
        Figure("took", seconds, "s"),
        Figure("account messages", messages / seconds, "/s"),
        Figure("arrays of prices", SECONDS / seconds, "/s"),
        Figure("events", len([one for one in run.told if one.at >= before.at]) / seconds, "/s"),
        *lateness(before, after, None),
        *transactions(before, after),
        *cores(before, after),
        Figure("events told, chains compared", len(run.told), "", note=f"{proofs} proofs computed again"),
    ]
    return Result("october", title, figures, [], verdict.lines())
