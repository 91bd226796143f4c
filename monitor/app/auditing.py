"""The self-audit of a shard: when a piece of it is due, how long a turn may take, and what is said of what it finds.

What is compared is the core's business (`core/audit`); how what is told afterwards is committed is the shard's.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from monitor.app.audit_settings import AuditSettings
from monitor.app.observing import Observer
from monitor.app.results import Step
from monitor.app.step import StepMaker
from monitor.core.audit.fault import Fault
from monitor.core.audit.pace import AuditPace
from monitor.core.engine import MarginEngine

log = logging.getLogger(__name__)

TURN_SECONDS: Final = 0.002
"""A turn ends with the piece that passes this: a message that has come meanwhile waits so long, and one account."""
EVERY_SECONDS: Final = 0.05
SHARE: Final = 8
"""The audit may have one part in so many of the kernel thread's time, however many shards we have."""
PATIENCE_SECONDS: Final = 1.0
"""A turn waits for an idle moment, but no longer than this."""
_SAID_AT_ONCE: Final = 20
"""Faults of one turn that are told one by one."""


class StoreDamaged(Exception):
    """The layout of a shard's store is damaged: it must be made anew from the changelog."""


class ShardAudit:
    """Look over the engine of one shard, a turn at a time."""

    def __init__(
        self,
        shard: int,
        shards: int,
        settings: AuditSettings,
        engine: MarginEngine,
        steps: StepMaker,
        observer: Observer,
    ) -> None:
        self._shard = shard
        self._shards = shards
        self._engine = engine
        self._steps = steps
        self._observer = observer
        self._pace = AuditPace(settings.rate / shards, settings.full_pass_ms / 1000)
        self._is_on = settings.rate > 0
        self._due_at = 0.0

    def wait_seconds(self, now: float) -> float:
        """Return how long nothing needs to be looked at."""
        return max(0.0, self._due_at - now) if self._is_on else float("inf")

    def is_due(self, now: float, *, is_busy: bool) -> bool:
        """Return whether a turn should be taken; where messages wait, only if the last was long ago."""
        return self._is_on and now >= self._due_at + (PATIENCE_SECONDS if is_busy else 0.0)

    def turn(self, now: float, now_ms: int) -> Step:
        """Look at what is due; return what is to be told now. Raises `StoreDamaged`. For the kernel thread.

        `now` is the event loop's time.
        """
        started = time.perf_counter()
        step = Step()
        scopes = 0
        while self._pace.is_due(now, self._engine.auditor.progress):
            findings, outcome = self._engine.auditor.step(now_ms)
            self._pace.pay(max(1, findings.scopes))
            scopes += findings.scopes
            if findings.faults:
                self._tell(findings.faults)
                if findings.needs_new_store:
                    raise StoreDamaged(f"the store of shard {self._shard} is damaged")
                step.results += self._steps.tell(outcome).results
            if findings.is_pass_over:
                self._pace.begin(now)
                self._observer.audit_passed(self._shard)
            if time.perf_counter() - started > TURN_SECONDS:
                break
        took = time.perf_counter() - started
        self._due_at = now + max(EVERY_SECONDS, took * SHARE * self._shards)
        self._observer.audited(scopes, took)
        return step

    def _tell(self, faults: list[Fault]) -> None:
        """Count every fault, and say what is known of the first; what accounts hold is written for `debug` only."""
        for fault in faults:
            self._observer.audit_fault(fault.column)
        for fault in faults[:_SAID_AT_ONCE]:
            log.error(
                "shard %d: the store is not what the facts give: %s of %s, off by %.3g of it; %s",
                self._shard,
                fault.column,
                " ".join(filter(None, (fault.account_id, fault.scope, fault.symbol))) or "the store",
                fault.difference,
                "the shard is taken over anew" if fault.is_structure else "derived anew",
            )
            log.debug("shard %d: %s was stored as %r, must be %r", self._shard, fault.column, fault.stored, fault.right)
        if len(faults) > _SAID_AT_ONCE:
            log.error("shard %d: and %d more", self._shard, len(faults) - _SAID_AT_ONCE)
