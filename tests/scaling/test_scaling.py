"""Measuring handovers finds what it is there to find, and a short run on a real Kafka has nothing to complain of."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.broker import shared_broker
from tests.scaling.following import Account, Line, Told
from tests.scaling.measuring import Act, Findings, measure, percentile
from tests.scaling.report import table
from tests.scaling.stage import Plan, Stage

ACTS = [Act("kill", 1_350, 2_500)]


def _written(*, owners: str = "aaabbb") -> tuple[list[Line], list[Told]]:
    """Return a line and an event for each price from offset 10 on, a second apart at the handover, else 0.1 s."""
    lines, told, now = [], [], 1_000
    for number, writer in enumerate(owners):
        now += 1_000 if number and owners[number - 1] != writer else 100
        lines.append(Line(now, writer, number, 11 + number))
        told.append(Told(now, now - 5, number + 1, 10 + number))
    return lines, told


def _measured(lines: list[Line], told: list[Told], last_tick: int = 15) -> Findings:
    return measure(Account({0: lines}, {0: told}), ACTS, 10, last_tick)


def test_a_handover_is_measured_from_event_to_event() -> None:
    """The gap lies between the last event of the old owner and the first of the new one; nothing is wrong with it."""
    found = _measured(*_written())
    assert found.complaints == []
    assert [(one.act.kind, one.gap_ms, one.since_act_ms) for one in found.handovers] == [("kill", 1_000, 950)]


def test_what_is_lost_doubled_or_forked_is_found() -> None:
    """A price not told, one told twice, a transaction beside the chain and a handover nobody caused are complaints."""
    lines, told = _written()
    assert any("1 prices not told" in one for one in _measured(lines, told, 16).complaints)
    assert any("1 told twice" in one for one in _measured(lines, [*told, told[-1]._replace(sequence=7)]).complaints)
    forked = [*lines[:4], lines[3]._replace(writer="a"), *lines[4:]]
    assert any("transaction 3 follows 3" in one for one in _measured(forked, told).complaints)
    before = [*told[:3], told[3]._replace(decided_at_ms=1_000), *told[4:]]
    assert any("judged before the old one had ended" in one for one in _measured(lines, before).complaints)
    late, events = _written(owners="abbbbb")
    assert any("for no reason" in one for one in measure(Account({0: late}, {0: events}), [], 10, 15).complaints)


def test_percentiles_are_those_of_the_values() -> None:
    """The share 1 is the largest value; of nothing everything is 0."""
    assert [percentile([3, 1, 2], share) for share in (0.0, 0.5, 1.0)] == [1, 2, 3]
    assert percentile([], 0.5) == 0


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_warm_standby_takes_over_on_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """After the owner is killed every price is told once by one owner, and shards were taken over from warm copies."""
    servers = shared_broker(request).bootstrap_servers
    plan = Plan(2, 2, 200, session_seconds=2.0, settle_seconds=2.0, rounds=1, faults=("kill",), scales=False)
    stage = Stage(plan, servers, tmp_path, standby=True)
    account = asyncio.run(stage.run())
    found = measure(account, stage.acts, stage.load.first_tick, stage.load.first_tick + stage.load.ticks - 1)
    print(table("warm", plan, stage, found))  # noqa: T201 - the figures, for whoever looks
    assert found.complaints == []
    assert any(one.act.kind == "kill" for one in found.handovers)
    assert stage.images()["standby"] > 0
