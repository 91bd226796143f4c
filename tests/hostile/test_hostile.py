"""Tests of the whole under hostile input, short: the long run is `make fuzz`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from monitor.app.ports import OutputRecord
from monitor.app.reading import Fault
from monitor.app.records import RecordMaker
from tests.app.lab import VirtualLoop
from tests.hostile.campaign import Campaign, Report
from tests.hostile.files import Files
from tests.rules.bench import CODEC, Bench


def attacked(seed: int, messages: int) -> Report:
    """Return the report of a campaign."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(Campaign(seed, messages).run())


@pytest.mark.timeout(600)
def test_thousands_of_hostile_messages_change_nothing() -> None:
    """What is bad becomes a dead letter once, what is good is judged as by a twin that was not attacked."""
    report = attacked(7, 1_500)
    assert report.judge.complaints == []
    assert report.judge.refused.total() > 700
    assert report.judge.witness_events > 3


def test_a_lost_dead_letter_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge complains of an instance that swallows a refusal: it can fail."""
    honest = RecordMaker.dead_letter

    def forgetful(self: RecordMaker, fault: Fault) -> OutputRecord:
        letter = honest(self, fault)
        return letter._replace(key=b"other") if fault.code == "bad_amount" else letter

    monkeypatch.setattr(RecordMaker, "dead_letter", forgetful)
    assert any("another ['key']" in complaint for complaint in attacked(7, 400).judge.complaints)


def events() -> list[dict[str, Any]]:
    """Return events of several kinds."""
    bench = Bench()
    told: list[dict[str, Any]] = []
    bench._keep = lambda outcome: told.extend(  # type: ignore[method-assign,assignment]
        json.loads(CODEC.encode(event.body)) for account in outcome.accounts.values() for event in account.events
    )
    bench.instrument("X")
    bench.price(X="100")
    bench.account(balances={"USDT": "30"}, positions={"X": ("1", "100")}, settings={"drawdown_stops": ["0.1"]})
    bench.price(X="72")
    bench.price(X="60")
    return told


def test_hostile_files_end_with_an_answer(tmp_path: Path) -> None:
    """Every command takes or refuses any file, environment, profile and input line, with exit code 0, 1 or 2."""
    attack = Files(3, tmp_path, events())
    attack.run(20)
    assert attack.complaints == []
    for kind in ("evaluate", "compare", "verify", "explain", "profile", "config check", "environment", "input"):
        assert attack.codes[f"{kind} 2"], kind
