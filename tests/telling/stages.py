"""CPU time by stage: functions of the daemon wrapped where they are called, each counted without what it calls."""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

STAGES: dict[str, tuple[str, ...]] = {
    "kernel": ("monitor.core.store:MarginStore.judge_symbols",),
    "asking": ("monitor.core.herald.herald:Herald._begun",),
    "tables": ("monitor.core.herald.tables:MarketTables.market",),
    "compiled": ("monitor.core.herald.batch:tell_scopes",),
    "event and digest": ("monitor.core.herald.outputs:Outputs.event",),
    "adl_watch": ("monitor.core.herald.outputs:Outputs.adl_watch", "monitor.core.teller:adl_watch_event"),
    "claims": ("monitor.core.herald.herald:Herald._claim", "monitor.core.fund.claimant:Claimant.told"),
    "status": ("monitor.core.herald.herald:status_of",),
    "herald, the rest": ("monitor.core.herald.herald:Herald.decide",),
    "plain: facts": ("monitor.core.book:AccountBook.account",),
    "plain: exact figures": ("monitor.core.teller:judge",),
    "plain: plan": ("monitor.core.teller:Teller._plan",),
    "plain: evidence": ("monitor.core.evidence:Witness.of",),
    "plain: event and digest": ("monitor.core.teller:change_event",),
    "plain: report": ("monitor.core.teller:scope_report",),
    "plain: show": ("monitor.core.teller:Teller._show",),
    "remembering": ("monitor.core.teller:Teller.close",),
    "decide, the rest": ("monitor.core.teller:Teller.decide",),
    "apply, the rest": ("monitor.core.engine:MarginEngine.apply",),
    "encoding": ("monitor.adapters.wire.codec:WireCodec.encode",),
    "records": ("monitor.app.step:StepMaker.finish",),
}
"""Where each stage is called: module and name there."""


class Clock:
    """Add up the CPU time of the stages of this thread; a call costs about a microsecond that is counted as well."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._stack: list[str] = []
        self._since = 0.0

    def _turn(self) -> None:
        now = time.thread_time()
        if self._stack:
            self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time counts for a stage."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._turn()
            self._stack.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._turn()
                self._stack.pop()
                self.calls[stage] += 1

        return wrapped

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count while this lasts. A name that is gone is an error: the table above must follow the code."""
        patches = []
        for stage, names in STAGES.items():
            for name in names:
                module, _, path = name.partition(":")
                *holders, last = path.split(".")
                target = importlib.import_module(module)
                for holder in holders:
                    target = getattr(target, holder)
                patches.append(patch.object(target, last, self.timed(stage, getattr(target, last))))
        for one in patches:
            one.start()
        try:
            yield
        finally:
            for one in patches:
                one.stop()
