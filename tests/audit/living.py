"""A shard that lives a random life under the twin, for the audit to look through.

Lives come from `tests/engine/lives`; nothing is compared here.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from monitor.core.audit.fault import Fault
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.inputs import Input
from monitor.core.outcome import Outcome
from monitor.core.showing import StatusSettings
from tests.engine.driving import Shard
from tests.engine.lives import FRESHNESS, KINDS, LADDERS, USD_ASSETS, Lives
from tests.engine.twin import Twin
from tests.engine.twin_portfolio import PORTFOLIOS, RULES, terms_of

SHOWING = StatusSettings(publish_interval_ms=100, healthy_interval_ms=100, min_change=Decimal(0))
WITHOUT_HYSTERESIS = LADDERS[1]
"""A status is then what the last inputs make it, whichever it was before."""
_KINDS, _OFTEN = tuple(KINDS), tuple(KINDS.values())


class Living:
    """Lead one shard and the twin through a life drawn from one seed."""

    def __init__(self, seed: int, *, use_numba: bool = True, hysteresis: bool = True) -> None:
        self.random = Random(seed)
        ladders, freshness = self.random.choice(LADDERS), self.random.choice(FRESHNESS)
        ladders = ladders if hysteresis else WITHOUT_HYSTERESIS
        usd, portfolio, rules = (self.random.choice(each) for each in (USD_ASSETS, PORTFOLIOS, RULES))
        self.twin = Twin(ladders, freshness, usd, portfolio, rules)
        self.lives = Lives(self.twin)
        settings, terms = EngineSettings(ladders, SHOWING), terms_of(portfolio, rules)
        self.shard = Shard(settings, freshness, usd, terms, use_numba=use_numba)
        self.apply(self.lives.beginning(self.random.getrandbits(32)))

    @property
    def engine(self) -> MarginEngine:
        """The engine that lives now."""
        return self.shard.engine

    def apply(self, items: list[Input]) -> Outcome:
        """Apply inputs to the twin and the shard."""
        for item in items:
            self.twin.step(item, self.lives.now_ms)
        return self.shard.apply(items, self.lives.now_ms)

    def live(self, inputs: int) -> Outcome:
        """Let so many inputs happen, one by one; return all they brought about."""
        whole = Outcome()
        for _ in range(inputs):
            (kind,) = self.random.choices(_KINDS, _OFTEN)
            whole.join(self.apply([self.lives.draw(kind, self.random.getrandbits(32))]))
        return whole


def whole_pass(engine: MarginEngine, now_ms: int) -> tuple[list[Fault], Outcome]:
    """Go on with the audit to the end of the pass under way, and through one more; return all that was found."""
    faults: list[Fault] = []
    told, passes = Outcome(), 0
    while passes < 2:
        findings, outcome = engine.auditor.step(now_ms)
        faults += findings.faults
        told.join(outcome)
        passes += findings.is_pass_over
        if findings.needs_new_store:
            break
    return faults, told
