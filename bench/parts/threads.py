"""Two kernel threads: two shards of half the accounts each, ticked at once, as two instances of the engine are.

The one measure that needs a clock on the wall. Where other programs take the cores it says nothing, so how much of a
core the single thread got is told beside it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Final

from bench import rounds as timing
from bench.equality import against_exact
from bench.loading import Book
from bench.measures import Goal, Measure, Result
from bench.parts.context import Context
from bench.rounds import Case, Ratio
from bench.sizes import LINEAR

THREADS: Final = 2
_ONE, _TWO = "one thread", "two threads"
_SAMPLE: Final = 50
_STUCK_SECONDS: Final = 120


class KernelThreads:
    """Measure how much quicker two threads are than one."""

    def __init__(self, context: Context) -> None:
        half = context.sizes.with_accounts(context.sizes.accounts // THREADS)
        self._shards = [context.book(LINEAR, replace(half, seed=half.seed + shard)) for shard in range(THREADS)]

    def check(self) -> list[str]:
        """Compare a sample of each shard with exact arithmetic."""
        sample = min(_SAMPLE, self._shards[0].population.sizes.accounts)
        return [fault for shard in self._shards for fault in against_exact(shard, sample, 6)]

    def measure(self, rounds: int) -> Result:
        """Time both ways by the wall."""
        positions = sum(shard.store.counts()["cells"] for shard in self._shards)
        with ThreadPoolExecutor(THREADS) as threads:

            def beside(which: int) -> None:
                del which
                done = wait([threads.submit(_tick, shard) for shard in self._shards], _STUCK_SECONDS).done
                for one in done:
                    one.result()
                assert len(done) == THREADS, "a kernel thread is stuck"

            cases = [Case(_ONE, positions, self._in_turn, self._turn), Case(_TWO, positions, beside, self._turn)]
            timings = timing.run(cases, rounds, clock=time.perf_counter)
            spent_by = timing.run(cases, rounds)
        start, spent = time.perf_counter(), time.process_time()
        self._in_turn(0)
        got = (time.process_time() - spent) / (time.perf_counter() - start)
        note = f"by the wall; one thread got {got:.0%} of a core"
        most = Ratio(*(THREADS * share for share in spent_by.share(_TWO, _ONE)))
        measures = (
            Measure("threads", "two kernel threads / one", timings.share(_TWO, _ONE), Goal(1.6), note=note),
            Measure(
                "threads", "the most that can be by processor time", most, note="two cores of their own, no waiting"
            ),
        )
        return Result("threads", measures, timings, "position")

    def _turn(self, which: int) -> None:
        for shard in self._shards:
            shard.turn(which)

    def _in_turn(self, which: int) -> None:
        del which
        for shard in self._shards:
            _tick(shard)


def _tick(shard: Book) -> None:
    shard.store.judge_symbols(shard.names)
