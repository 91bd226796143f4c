"""Steady: one array of all prices a second and many account messages a second; how long until an event is readable.

Where the daemon cannot take the rate asked for, lower ones are tried until it keeps up, and both are told.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import Final, NamedTuple

from bench.e2e.book import Book
from bench.e2e.clients import Message, Place
from bench.e2e.judging import Told, Verdict, chains_of, compare, verify
from bench.e2e.latency import Latencies
from bench.e2e.oracle import HEALTHY, Oracle
from bench.e2e.result import Figure, Result
from bench.e2e.roles import Mover, cast
from bench.e2e.spending import cores, counted, lateness, transactions
from bench.e2e.stage import Ground, Moment, Stage, now_ms
from bench.e2e.trading import Trading
from bench.measures import Goal
from bench.sizes import Sizes

SLOT_SECONDS: Final = 0.01
KEPT_UP_SECONDS: Final = 1.0
"""A rate is kept up with where half of the last quarter's events are readable within this."""
LOWER: Final = (0.9, 0.75, 0.6, 0.45, 0.3)
"""Shares of what was taken under too high a rate that are tried next."""
REPOSE: Final = 5.0
"""Each mover is moved once in so many seconds."""
GOAL_MS: Final = 80.0


@dataclass(frozen=True)
class Plan:
    """Hold how large a run is: `swings` events by prices a second, `changes` events by account messages a second."""

    sizes: Sizes
    rate: int
    seconds: float
    warm_seconds: float
    swings: int
    changes: int


class Slot(NamedTuple):
    """Hold what is handed over at one moment; the movers' messages are the last."""

    messages: list[tuple[int, Message]]
    moved: list[tuple[int, int]]
    """Account and the status it has from then on."""


@dataclass(frozen=True)
class Phase:
    """Hold what happened at one rate."""

    rate: int
    before: Moment
    after: Moment
    late: Latencies
    prices: Latencies
    accounts: Latencies
    kept_up: bool
    drain_seconds: float

    @property
    def taken(self) -> float:
        """Account messages that took effect, a second."""
        return counted(self.before, self.after, "liqmon_account_events_total") / (self.after.at - self.before.at)


class Run:
    """Run phases on one stage."""

    def __init__(self, plan: Plan, ground: Ground) -> None:
        self.plan, self.ground = plan, ground
        self.cast = cast(plan.sizes, plan.swings, round(plan.changes * REPOSE))
        self.book = Book(self.cast.population, ground.shards)
        venue = self.cast.population.venue
        self.stage = Stage(ground, "steady", self.book, venue.marks)
        self._trading = Trading(self.book, self.cast.traded, plan.sizes.seed)
        self._next_mover = 0
        self._is_empty: set[int] = set()
        self._moves: list[tuple[int, int, Place]] = []
        self.told: list[Told] = []
        self.applied = 0.0
        self._read = 0

    async def phase(self, rate: int, seconds: float) -> Phase:
        """Send at a rate for a while, then wait until all of it is told."""
        stage, late = self.stage, []
        slots = await self._prepare(rate, seconds)
        before, begun = await stage.moment(), time.perf_counter()
        gc.disable()
        for number, slot in enumerate(slots):
            due = begun + number * SLOT_SECONDS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late.append(max(0.0, time.perf_counter() - due))
            places = await stage.send_accounts(slot.messages)
            moved = zip(slot.moved, places[len(places) - len(slot.moved) :], strict=True)
            self._moves += [(account, status, place) for (account, status), place in moved]
        ended = time.perf_counter()
        after = await stage.moment()
        gc.enable()
        await stage.drained()
        drained = time.perf_counter()
        prices, accounts = self._latencies(begun, ended)
        tail = Latencies("", [one for at, one in accounts if at > ended - (ended - begun) / 4])
        kept_up = tail.percentile(0.5) <= KEPT_UP_SECONDS * 1000
        return Phase(
            rate,
            before,
            after,
            Latencies("slots handed over late", late),
            Latencies(f"caused by prices, {rate:,} account messages/s beside", [one for _, one in prices]),
            Latencies(f"caused by account messages, {rate:,}/s", [one for _, one in accounts]),
            kept_up,
            drained - ended,
        )

    async def _prepare(self, rate: int, seconds: float) -> list[Slot]:
        """Make all messages of a phase before it begins."""
        moves, slots, base = min(self.plan.changes, rate), [], now_ms()
        for number in range(round(seconds / SLOT_SECONDS)):
            now = base + round(number * SLOT_SECONDS * 1000)
            sent, moving = (_share(each * SLOT_SECONDS, number) for each in (rate, moves))
            messages = self._trading.messages(sent - moving, now)
            moved = [self._move(now) for _ in range(moving if self.cast.movers else 0)]
            slots.append(Slot(messages + [one for one, _ in moved], [to for _, to in moved]))
            await asyncio.sleep(0)
        return slots

    def _move(self, now: int) -> tuple[tuple[int, Message], tuple[int, int]]:
        """Return the message that empties or fills the next mover's wallet, and the status that brings about."""
        mover: Mover = self.cast.movers[self._next_mover]
        self._next_mover = (self._next_mover + 1) % len(self.cast.movers)
        was_empty = mover.account in self._is_empty
        self._is_empty ^= {mover.account}
        wallet, status = (mover.full, HEALTHY) if was_empty else (mover.empty, mover.status)
        return (mover.account, self.book.paid(mover.account, wallet, now)), (mover.account, status)

    def _latencies(self, begun: float, ended: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return when each message that caused an event was handed over, and how long until the event was readable."""
        stage = self.stage
        new = chains_of(stage.told.records, self.book.numbers, self._read)
        self._read = len(stage.told.records)
        self.told += new
        found: dict[str, list[tuple[float, float]]] = {
            stage.topic("mark-prices"): [],
            stage.topic("account-events"): [],
        }
        for one in new:
            at = None if one.place is None else stage.feeder.at(one.place)
            if one.place is not None and at is not None and begun <= at <= ended:
                found[one.place.topic].append((at, one.at - at))
        prices, accounts = found.values()
        return prices, accounts

    def verdict(self) -> tuple[Verdict, int]:
        """Hold what was told against what had to be told; return it and how many proofs were computed again."""
        stage, verdict = self.stage, Verdict()
        self.told += chains_of(stage.told.records, self.book.numbers, self._read)
        venue, oracle = self.cast.population.venue, Oracle(self.cast.population)
        prices = venue.prices(0), venue.prices(1)
        oracle.judge(prices[0], None)
        last = 0
        for tick in stage.ticks:
            if tick.which != last:
                oracle.judge(prices[tick.which], stage.place(tick))
                last = tick.which
        for account, status, place in self._moves:
            oracle.expect(account, status, place)
        compare(oracle.chains, self.told, verdict)
        applied = self.applied
        if applied != sum(stage.sent):
            verdict.complain("not applied", f"{applied:,.0f} of {sum(stage.sent):,} account messages took effect")
        return verdict, verify(stage.daemon, stage.told.records, self.told, stage.folder, verdict)


async def measure(plan: Plan, ground: Ground) -> Result:
    """Run at the rate asked for, and at lower ones until one is kept up with; return what came out."""
    run = Run(plan, ground)
    stage = run.stage
    phases: list[Phase] = []
    async with stage.open():
        stage.is_toggling = True
        await run.phase(min(plan.rate, 2_000), plan.warm_seconds)
        rates = [plan.rate]
        for share in (1.0, *LOWER):
            phase = await run.phase(rates[-1], plan.seconds)
            phases.append(phase)
            ground.say(
                f"{phase.rate:,} account messages/s: {'kept up' if phase.kept_up else 'NOT kept up'}, "
                f"{phase.taken:,.0f}/s taken, all told {phase.drain_seconds:.1f} s after the last"
            )
            if phase.kept_up or share == LOWER[-1]:
                break
            rates.append(max(100, 100 * round(phases[0].taken * LOWER[len(phases) - 1] / 100)))
        await stage.end()
        run.applied = (await stage.moment()).metrics.value("liqmon_account_events_total")
    verdict, proofs = run.verdict()
    return _result(run, phases, verdict, proofs)


def _result(run: Run, phases: list[Phase], verdict: Verdict, proofs: int) -> Result:
    plan, asked, last = run.plan, phases[0], phases[-1]
    title = (
        f"steady: {plan.sizes.accounts:,} accounts, {plan.sizes.positions:,} positions, {plan.sizes.symbols} symbols "
        f"in one array a second, {run.ground.shards} shards, {plan.rate:,} account messages/s for {plan.seconds:.0f} s"
    )
    kept = last.rate if last.kept_up else 0
    figures = [
        Figure("account messages kept up with", kept, "/s", Goal(plan.rate), f"offered {plan.rate:,}/s"),
        Figure(f"taken when {plan.rate:,}/s are offered", asked.taken, "/s"),
    ]
    for phase in {id(one): one for one in (asked, last)}.values():
        figures += _figures(phase)
    figures += [
        Figure("events expected, told, compared", len(run.told), "", note=f"{proofs} proofs computed again"),
    ]
    latencies = [
        kind for phase in {id(one): one for one in (asked, last)}.values() for kind in (phase.prices, phase.accounts)
    ]
    return Result("steady", title, figures, latencies, verdict.lines())


def _figures(phase: Phase) -> list[Figure]:
    goal = Goal(GOAL_MS, is_least=False)
    ticks = round(phase.after.at - phase.before.at)
    return [
        Figure(f"— at {phase.rate:,}/s —", phase.rate, "/s", note="kept up" if phase.kept_up else "not kept up"),
        Figure("bytes in → event readable, prices, p99", phase.prices.percentile(0.99), "ms", goal, f"{ticks} arrays"),
        Figure("bytes in → event readable, accounts, p99", phase.accounts.percentile(0.99), "ms", goal),
        Figure("messages handed over late, p99", phase.late.percentile(0.99), "ms", note="by the bench"),
        *lateness(phase.before, phase.after),
        *transactions(phase.before, phase.after),
        *cores(phase.before, phase.after),
    ]


def _share(each: float, number: int) -> int:
    """Return how many of a rate fall on a slot."""
    return int((number + 1) * each) - int(number * each)
