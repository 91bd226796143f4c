"""Mutants: the application broken on purpose, one rule at a time, to see that the simulation notices each.

A mutant is a patch of one verb of the product for as long as a story lasts; the judge and its oracle stay whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partialmethod
from typing import Any
from unittest.mock import patch

from monitor.app import reading
from monitor.app.account_intake import AccountIntake
from monitor.app.intake import Intake
from monitor.app.ledger import Ledger, LedgerSettings
from monitor.app.records import RecordMaker
from monitor.app.step import StepMaker
from monitor.app.step_writing import Draft, StepWriter
from monitor.app.takeover import Takeover
from monitor.core import bookkeeping
from monitor.core.board import MarketBoard
from monitor.core.bookkeeping import Bookkeeper
from monitor.core.engine import MarginEngine
from monitor.core.ladder import Ladder
from monitor.core.teller import Teller
from tests.simulation.__main__ import say, seeds_of, warm_up
from tests.simulation.seeds import live

Mutant = Callable[[], AbstractContextManager[Any]]


def unknown_is_committed() -> AbstractContextManager[Any]:
    """A transaction of unknown outcome is taken for committed without asking the log."""
    real = Ledger._was_committed

    async def asked(self: Ledger, *meta: Any) -> bool:
        await real(self, *meta)
        return True

    return patch.object(Ledger, "_was_committed", asked)


def unknown_is_lost() -> AbstractContextManager[Any]:
    """A transaction of unknown outcome is written again without asking the log."""

    async def asked(self: Ledger, *meta: Any) -> bool:
        await self.fence()
        return False

    return patch.object(Ledger, "_was_committed", asked)


def nobody_is_fenced() -> AbstractContextManager[Any]:
    """Every writer has a transactional id of its own: nobody locks anybody out."""
    made = iter(range(10**9))
    own: dict[int, str] = {}

    def name(self: LedgerSettings) -> str:
        return own.setdefault(id(self), f"{self.group}-{self.shard}-{next(made)}")

    return patch.object(LedgerSettings, "transactional_id", property(name))


def parts_use_their_message_up() -> AbstractContextManager[Any]:
    """The first of several transactions already states the positions past their message."""
    real = Ledger.commit_parts

    async def commit(
        self: Ledger, parts: Any, before: Any, inputs: Any, consumed: Any = None, *, goes_on: bool = False
    ) -> None:
        await real(self, parts, inputs, inputs, consumed, goes_on=goes_on)

    return patch.object(Ledger, "commit_parts", commit)


def only_the_first_turn_is_taken() -> AbstractContextManager[Any]:
    """A message that is judged in turns is used up with the first."""
    real = MarginEngine.in_turns

    def in_turns(self: MarginEngine, item: Any, now_ms: int) -> Iterator[Any]:
        outcome = next(real(self, item, now_ms))
        outcome.goes_on = self._is_amid = False
        yield outcome

    return patch.object(MarginEngine, "in_turns", in_turns)


def everybody_dead_letters() -> AbstractContextManager[Any]:
    """Every shard tells what was wrong with the global inputs."""
    return patch.object(StepMaker, "owns_globals", True)


def catching_up_is_left_out() -> AbstractContextManager[Any]:
    """The account events that came while nobody owned the shard are passed over."""

    def absorb(self: StepMaker, records: Sequence[Any], now_ms: int) -> Any:
        from monitor.app.results import Step

        return Step()

    return patch.object(StepMaker, "absorb", absorb)


def missed_prices_are_not_judged() -> AbstractContextManager[Any]:
    """What came while nobody owned the shard is taken without judging anybody."""
    return patch.object(StepMaker, "judge_missed", partialmethod(StepMaker.take, judging=False))


def missed_prices_are_judged_backwards() -> AbstractContextManager[Any]:
    """What came while nobody owned the shard is judged from the newest to the oldest."""
    real = StepMaker.judge_missed

    def judge(self: StepMaker, entries: Sequence[Any], now_ms: int) -> Any:
        return real(self, list(reversed(entries)), now_ms)

    return patch.object(StepMaker, "judge_missed", judge)


def positions_are_old() -> AbstractContextManager[Any]:
    """A shard goes on one message before where the last owner had come."""
    real = Takeover._is_judged

    def is_judged(self: Takeover, entry: Any) -> bool:
        before: Mapping[Any, int] = self._positions
        return real(self, replace(entry, offset=entry.offset + 1)) or entry.offset + 1 < before.get(entry.where, 0)

    return patch.object(Takeover, "_is_judged", is_judged)


def memory_is_not_read() -> AbstractContextManager[Any]:
    """A new owner does not know what was told before."""
    real = MarginEngine.restore

    def restore(self: MarginEngine, facts: Any, memory: Any, *more: Any) -> None:
        real(self, facts, {}, *more)

    return patch.object(MarginEngine, "restore", restore)


def memory_is_not_written() -> AbstractContextManager[Any]:
    """An event is written without the record that remembers it."""
    real = RecordMaker.account

    def account(self: RecordMaker, outcome: Any) -> Any:
        return real(self, replace(outcome, memory=None) if outcome.events else outcome)

    return patch.object(RecordMaker, "account", account)


def old_versions_count() -> AbstractContextManager[Any]:
    """An account event counts also when it is older than what is known."""
    return patch.object(bookkeeping, "is_news", lambda event, known: True)


def late_prices_count() -> AbstractContextManager[Any]:
    """The last price to arrive counts, whatever its time."""
    real = MarketBoard.take_all

    def take_all(self: MarketBoard, updates: Sequence[Any], *place: int) -> Any:
        for update in updates:
            self.quotes.pop(update.symbol, None)
        return real(self, updates, *place)

    return patch.object(MarketBoard, "take_all", take_all)


def hysteresis_is_forgotten() -> AbstractContextManager[Any]:
    """A status is left upwards where it was entered."""
    return patch.object(
        Ladder, "told", lambda self, last, equity, requirement, floor: self.raw(equity, requirement, floor)
    )


def nobody_is_suspect() -> AbstractContextManager[Any]:
    """A rejected message leaves no mark on its account."""
    return patch.object(Bookkeeper, "suspect", lambda self, message, now_ms, outcome: None)


def doubtful_terms_count() -> AbstractContextManager[Any]:
    """New terms are never held."""
    return patch.object(reading, "why_doubtful", lambda old, new, most: None)


def wrong_partitions_count() -> AbstractContextManager[Any]:
    """An account is taken from whatever partition it comes in."""
    return patch.object(AccountIntake, "_check_partition", lambda self, account_id: None)


def ends_are_not_told() -> AbstractContextManager[Any]:
    """A scope that ceases to exist is not told of."""
    return patch.object(Teller, "tell_ends", lambda self, moment, outcome, of=None: None)


def batches_are_read_twice() -> AbstractContextManager[Any]:
    """The last batch of account events is taken up once more, as one held over a rebalance would be."""
    real = Intake.take
    kept: dict[int, list[Any]] = {}

    def take(self: Intake) -> list[Any]:
        found = real(self)
        if found:
            kept[id(self)] = found
            return found
        return kept.pop(id(self), [])

    return patch.object(Intake, "take", take)


def steps_are_not_written_in_turn() -> AbstractContextManager[Any]:
    """A step is begun to be written while the last one still is."""

    async def settled(self: StepWriter) -> None:
        if self._under_way is not None and self._under_way.done():
            self._under_way.result()

    return patch.object(StepWriter, "settled", settled)


def shown_counts_before_it_is_written() -> AbstractContextManager[Any]:
    """What was shown by the time a step is judged is said to stand in the log with the step before."""
    real = StepWriter.hand_over

    async def hand_over(self: StepWriter, draft: Draft) -> None:
        self._ledger.shown_before = max(self._ledger.shown_before, self._ledger.image.next_offset)
        await real(self, draft)

    return patch.object(StepWriter, "hand_over", hand_over)


MUTANTS: tuple[Mutant, ...] = (
    unknown_is_committed,
    unknown_is_lost,
    nobody_is_fenced,
    parts_use_their_message_up,
    only_the_first_turn_is_taken,
    everybody_dead_letters,
    catching_up_is_left_out,
    missed_prices_are_not_judged,
    missed_prices_are_judged_backwards,
    positions_are_old,
    memory_is_not_read,
    memory_is_not_written,
    old_versions_count,
    late_prices_count,
    hysteresis_is_forgotten,
    nobody_is_suspect,
    doubtful_terms_count,
    wrong_partitions_count,
    ends_are_not_told,
    batches_are_read_twice,
    steps_are_not_written_in_turn,
    shown_counts_before_it_is_written,
)


@contextmanager
def broken_by(mutant: Mutant) -> Iterator[None]:
    """Run what follows with the application broken."""
    with mutant():
        yield


def noticed_at(mutant: Mutant, seeds: range) -> tuple[int | None, str]:
    """Return the first seed whose judge notices a mutant, and what it says; None where none of them does."""
    with broken_by(mutant):
        for seed in seeds:
            if complaints := live(seed).complaints:
                return seed, complaints[0]
    return None, ""


def try_all(text: str) -> int:
    """Try every mutant on these seeds; return 0 when each is noticed."""
    warm_up()
    missed = 0
    for mutant in MUTANTS:
        seed, complaint = noticed_at(mutant, seeds_of(text))
        missed += seed is None
        say(f"{mutant.__name__:36} {'NOT NOTICED' if seed is None else f'seed {seed}: {complaint[:120]}'}")
    say(f"{len(MUTANTS)} mutants, {missed} not noticed in {text}")
    return 1 if missed else 0
