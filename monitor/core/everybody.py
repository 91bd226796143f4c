"""Judging everybody: every scope against what was told, as after a restore, so many at a time, the worst first.

Whoever judges shards that stay in the same thread takes their turns in between; nothing else is done to the engine
until the last turn. A turn tells whole scopes, so whoever dies between two is followed by somebody who tells the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from monitor.core.engine import MarginEngine
from monitor.core.events import Moment
from monitor.core.inputs import Cause, CauseKind
from monitor.core.outcome import Outcome
from monitor.core.teller import Scopes
from monitor.core.turns import turns

S = TypeVar("S", Scopes, Sequence[int])
JUDGED_AT_ONCE = 200
"""Scopes decided, or accounts whose rules are looked at, in one turn: some 60 to 200 ms where all of them are told."""


def judged_in_turns(engine: MarginEngine, now_ms: int) -> Iterator[Outcome]:
    """Judge every scope and every rule; yield what each turn has brought about."""
    moment, store = Moment(Cause(CauseKind.START), now_ms), engine.store
    outcome = Outcome()
    engine.teller.tell_ends(moment, outcome)
    engine.claimant.release_emptied(list(engine.claimant.open), outcome)
    yield _closed(engine, outcome)
    for scopes in turns(store.judge_all(), JUDGED_AT_ONCE, store):
        engine.teller.decide(scopes, moment, outcome := Outcome())
        yield _closed(engine, outcome)
    for scopes in _parts(store.unscreened(np.nonzero(store.is_live())[0])):
        engine.teller.decide(scopes, moment, outcome := Outcome())
        yield _closed(engine, outcome)
    for numbers in _parts(engine.rules.everybody()):
        engine.rules.judge_anew(numbers, moment, outcome := Outcome())
        yield _closed(engine, outcome)


def _closed(engine: MarginEngine, outcome: Outcome) -> Outcome:
    engine.teller.close(outcome)
    engine.rules.close(outcome)
    return outcome


def _parts(everybody: S) -> Iterator[S]:
    for start in range(0, len(everybody), JUDGED_AT_ONCE):
        yield everybody[start : start + JUDGED_AT_ONCE]
