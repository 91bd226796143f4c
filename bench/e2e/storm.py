"""Storm: all prices fall by a tenth in one message; when what it brings about is readable, and what goes on meanwhile.

The population is drawn so that a wanted number of accounts changes status, a wanted share of them to liquidation or
worse. After each fall prices go back, and everybody recovers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.e2e.book import Book, wallet_of
from bench.e2e.judging import Told, Verdict, chains_of, compare, verify
from bench.e2e.oracle import HEALTHY, HYSTERESIS, LIQUIDATION, STATUSES, Oracle, rank
from bench.e2e.result import Figure, Result
from bench.e2e.spending import cpu_seconds, lateness, transactions
from bench.e2e.stage import Ground, Moment, Stage
from bench.measures import Goal
from bench.population import Population, draw
from bench.sizes import LINEAR, Sizes
from bench.venue import F8, I8

LEFT: Final = 0.9
"""What is left of every price."""
SEVERE_MS: Final = 400.0
ALL_MS: Final = 4_000.0
MILD: Final = ((1.27, 1.48), (1.12, 1.23), (1.02, 1.08))
SEVERE: Final = ((0.93, 0.98), (0.7, 0.88), (0.1, 0.6), (-1.5, -0.1))
"""Ratios E/MM after the fall: watch to margin_call, liquidation to bankrupt."""
_DEEP: Final = 10.0
_PATIENCE_SECONDS: Final = 120.0
_CALM_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Plan:
    """Hold how large a storm is, how much of it is severe, and how many there are."""

    sizes: Sizes
    changes: int
    severe: float
    storms: int


class _Status(msgspec.Struct):
    account_id: str
    status: str


@dataclass(frozen=True)
class Fall:
    """Hold what became of one fall, in seconds after the prices were handed over."""

    severe: float
    severe_events: int
    told: float
    events: int
    shown: float
    before: Moment
    after: Moment
    missed: int
    silence: float
    answers: Sequence[tuple[int, float]]


def population_for(plan: Plan) -> tuple[Population, tuple[I8, I8]]:
    """Return who is hit so that as many as wanted change status, or as many as can; and the prices before and after."""
    drawn = draw(plan.sizes, LINEAR)
    dice = np.random.default_rng([plan.sizes.seed, 9])
    venue, owners, accounts = drawn.venue, drawn.owners, plan.sizes.accounts
    marks = venue.marks[0], np.maximum(1, np.rint(venue.marks[0] * LEFT).astype(np.int64))
    before, after = (one / 10.0**venue.decimals for one in marks)
    net = np.bincount(owners, drawn.amounts() * before[drawn.symbols], accounts)
    drawn = replace(drawn, quantities=np.where(net[owners] < 0, -drawn.quantities, drawn.quantities))
    oracle = Oracle(drawn)
    low, high = _bands(dice.random(accounts) < plan.severe).T
    ratios = low + (high - low) * dice.random(accounts)
    hit = wallet_of(ratios * oracle.required(after) - oracle.gains(after))
    oracle.wallets = hit / 1e4
    healthy = rank(oracle.wallets + oracle.gains(before), oracle.required(before), 1 + HYSTERESIS) == HEALTHY
    can = healthy & (np.diff(drawn.ends) > 0) & ~oracle.close_calls(after) & ~oracle.close_calls(before)
    chosen = dice.permutation(np.nonzero(can)[0])[: plan.changes]
    wallets = wallet_of(_DEEP * oracle.gross(before) + _DEEP)
    wallets[chosen] = hit[chosen]
    return replace(drawn, wallets=wallets), marks


def _bands(severe: NDArray[np.bool_]) -> F8:
    """Return the ratios between which each account is to fall."""
    number = np.arange(len(severe))
    bands: F8 = np.where(severe[:, None], np.array(SEVERE)[number % len(SEVERE)], np.array(MILD)[number % len(MILD)])
    return bands


class Run:
    """Let storms loose on one stage."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self.plan = plan
        self.population, marks = population_for(plan)
        self.book = Book(self.population, ground.shards)
        self.stage = Stage(ground, "storm", self.book, marks, extra=["account-status"])
        self.oracle = Oracle(self.population)
        decimals = self.population.venue.decimals
        self.prices = [one / 10.0**decimals for one in marks]
        self.oracle.judge(self.prices[0], None)
        self.told: list[Told] = []

    async def fall(self) -> Fall:
        """Let prices fall; return what came of it when everything is told and shown."""
        stage = self.stage
        before = await stage.moment()
        with stage.daemon.polled("/livez") as answers:
            since = await self._go_to(1)
        after = await stage.moment()
        changed = [one for one in self._new() if one.at >= since]
        severe = [one.at - since for one in changed if STATUSES.index(one.status) >= LIQUIDATION]
        shown = [one.at for one in stage.beside[0].records if one.at >= since]
        missed, silence = await stage.missed_heartbeats(since)
        return Fall(
            max(severe, default=0.0),
            len(severe),
            max((one.at - since for one in changed), default=0.0),
            len(changed),
            max(shown, default=since) - since,
            before,
            after,
            missed,
            silence,
            list(answers),
        )

    async def recover(self) -> None:
        """Let prices come back."""
        await self._go_to(0)
        self._new()

    async def _go_to(self, which: int) -> float:
        """Send the other prices; wait until everything is told and shown; return when they were handed over."""
        stage = self.stage
        stage.is_ticking = False
        await asyncio.sleep(_CALM_SECONDS)
        stage.which = which
        first = len(stage.beside[0].records)
        since = time.perf_counter()
        tick = await stage.tick()
        stage.is_ticking = True
        await tick.handed
        changed = self.oracle.judge(self.prices[which], stage.place(tick)).tolist()
        wanted = {self.book.keys[account].decode(): STATUSES[int(self.oracle.told[account])] for account in changed}
        await stage.drained()
        await stage.until(lambda: self._are_shown(wanted, first), "statuses to be shown", _PATIENCE_SECONDS)
        return since

    def _are_shown(self, wanted: dict[str, str], first: int) -> bool:
        """Whether every changed status stands in `account-status`."""
        records = self.stage.beside[0].records
        if len(records) - first < len(wanted):
            return False
        shown = {}
        for record in records[first:]:
            if record.value is not None:
                body = msgspec.json.decode(record.value, type=_Status)
                shown[body.account_id] = body.status
        return all(shown.get(account) == status for account, status in wanted.items())

    def _new(self) -> list[Told]:
        read = self.told[-1].record + 1 if self.told else 0
        new = chains_of(self.stage.told.records, self.book.numbers, read)
        self.told += new
        return new


async def measure(plan: Plan, ground: Ground) -> Result:
    """Let storms loose; return what came out."""
    run = Run(plan, ground)
    falls = []
    async with run.stage.open():
        for number in range(plan.storms):
            falls.append(await run.fall())
            await run.recover()
            ground.say(f"storm {number + 1} of {plan.storms}: {falls[-1].events:,} changes, {falls[-1].told:.2f} s")
    verdict = Verdict()
    compare(run.oracle.chains, run.told, verdict)
    proofs = verify(run.stage.daemon, run.stage.told.records, run.told, run.stage.folder, verdict)
    sizes = plan.sizes
    title = (
        f"storm: −{1 - LEFT:.0%} in one message, {sizes.accounts:,} accounts, {sizes.positions:,} positions, "
        f"{ground.shards} shards, {falls[0].events:,} changes of status, {falls[0].severe_events:,} of them severe"
    )
    figures = [figure for number, fall in enumerate(falls, 1) for figure in _figures(number, fall)]
    figures.append(Figure("events expected, told, compared", len(run.told), note=f"{proofs} proofs computed again"))
    return Result("storm", title, figures, [], verdict.lines())


def _figures(number: int, fall: Fall) -> list[Figure]:
    good = [seconds for code, seconds in fall.answers if code == 200]
    refused = len(fall.answers) - len(good)
    return [
        Figure(f"— storm {number} —", fall.events, "changes"),
        Figure("liquidations and worse readable after", fall.severe * 1000, "ms", Goal(SEVERE_MS, is_least=False)),
        Figure("all events readable after", fall.told * 1000, "ms", Goal(ALL_MS, is_least=False)),
        Figure("all statuses readable after", fall.shown * 1000, "ms", Goal(ALL_MS, is_least=False)),
        Figure("heartbeats missed", fall.missed, "", Goal(0, is_least=False), f"longest silence {fall.silence:.1f} s"),
        Figure(
            "/livez not answered with 200", refused, "", Goal(0, is_least=False), f"asked {len(fall.answers)} times"
        ),
        Figure("/livez, slowest answer", 1000 * max(good, default=float("nan")), "ms"),
        *lateness(fall.before, fall.after, None),
        *transactions(fall.before, fall.after),
        *cpu_seconds(fall.before, fall.after),
    ]
