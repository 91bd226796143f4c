"""A short run of the whole chain, and the judge held to what it must find."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.broker import shared_broker
from tests.chain.__main__ import report
from tests.chain.chain import Chain, Plan
from tests.chain.judge import judge_journal, judge_subscriber, judge_topics


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_no_subscriber_loses_or_doubles_an_event(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Feed, daemon, gateway, webhooks and the client are killed; each event of the topics is told once to each."""
    broker = shared_broker(request)
    plan = Plan(seconds=6, seed=1, pause=(0.3, 0.9))
    verdict = asyncio.run(Chain(plan, broker.bootstrap_servers, tmp_path).run())
    said = report(verdict, "", plan.seed, 0)
    assert verdict.is_good, said
    assert verdict.figures["events in the topics"] > 10, said
    assert sum(verdict.kills.values()) > 2, said


def event(sequence: int, name: str = "") -> dict[str, Any]:
    """Return an event of one chain."""
    return {"event_id": name or f"e{sequence}", "account_id": "a", "scope": "s", "sequence": sequence}


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (["e1", "e2"], ""),
        (["e1"], "never told e2"),
        (["e1", "e2", "e2"], "told e2 2 times"),
        (["e1", "e2", "e3"], "told e3, which stands in no topic"),
    ],
)
def test_the_judge_finds_what_a_subscriber_lacks_or_has_twice(told: list[str], wrong: str) -> None:
    """A missing, a doubled and an invented event are each one complaint; the right ones are none."""
    found = judge_subscriber("x", ["e1", "e2"], told)
    assert len(found) == bool(wrong)
    assert wrong in "".join(found)


def test_the_judge_finds_gaps_and_repetitions_in_the_topics() -> None:
    """A chain that lacks a number and an event that stands twice are complaints; a whole chain is none."""
    assert judge_topics([event(2), event(1)]) == []
    assert len(judge_topics([event(1), event(3)])) == 1
    assert len(judge_topics([event(1), event(2), event(3, "e2")])) == 1


def test_the_judge_finds_a_client_that_had_to_begin_anew_or_was_told_out_of_order() -> None:
    """A second beginning, an expired token and an event before its predecessor are complaints."""
    begin, first, second = {"type": "snapshot_begin"}, *({"type": "event", "said": event(n)} for n in (1, 2))
    assert judge_journal([begin, first, second]) == []
    assert len(judge_journal([begin, first, begin, second])) == 1
    assert len(judge_journal([begin, second, first])) == 2
    assert len(judge_journal([begin, {"type": "expired", "said": {}}])) == 1
