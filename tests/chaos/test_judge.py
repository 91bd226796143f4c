"""Tests of the judge of chaos runs: it passes a run without fault, and finds whatever is doctored into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.campaign import PORTFOLIO
from tests.chaos.doctoring import PARTITIONS, Doctor, changed, doubled, good_run, misplaced, moved, removed
from tests.chaos.dump import Dump
from tests.chaos.judge import judge
from tests.chaos.verdict import CHAIN, DUPLICATE, LETTER, LOSS, POSITION, STATE, STATUS

ERRORS: dict[str, tuple[Doctor, str]] = {
    "an event is missing": (removed("liquidations", 0), LOSS),
    "an event stands twice": (doubled("margin-calls", 0), DUPLICATE),
    "the last event is missing": (removed("adl-events", 2), LOSS),
    "a previous status is wrong": (changed("liquidations", 0, previous_status="watch"), CHAIN),
    "an event id is wrong": (changed("margin-calls", 0, event_id="0" * 32), CHAIN),
    "an episode is wrong": (changed("adl-events", 0, episode=2), CHAIN),
    "an event type is wrong": (changed("margin-calls", 0, event_type="watch"), CHAIN),
    "an event stands on another topic": (moved("liquidations", 0, "margin-calls"), CHAIN),
    "an event stands in another partition": (misplaced("margin-calls", 0), CHAIN),
    "an event is told of the next message": (
        changed("margin-calls", 0, cause={"kind": "mark_price", "offset": 2}),
        CHAIN,
    ),
    "a status was never entered": (changed("margin-calls", 0, raw_status="watch"), STATE),
    "a version never was": (changed("margin-calls", 0, account_version=7), STATE),
    "an adl_watch is missing": (removed("adl-events", 1), LOSS),
    "an adl_watch stands twice": (doubled("adl-events", 1), DUPLICATE),
    "a dead letter is missing": (removed("dead-letters", 0), LOSS),
    "a dead letter stands twice": (doubled("dead-letters", 0), DUPLICATE),
    "a good message is a dead letter": (removed("mark-prices", 5), LETTER),
    "a final status is wrong": (changed("account-status", 0, status="watch"), STATUS),
    "a final status is missing": (removed("account-status", 0), STATUS),
    "an account is shown suspect": (changed("account-status", 0, suspect=True), STATUS),
    "a status has another sequence": (changed("account-status", 0, sequence=3), CHAIN),
    "a shard did not come to the end": (changed("liqmon-state", 1, inputs={}), POSITION),
}


def test_a_good_run_passes() -> None:
    """A run that keeps the contract gives no complaint, and is judged whole."""
    verdict = judge(good_run(), PORTFOLIO, PARTITIONS)
    assert verdict.is_good, verdict.body()
    assert verdict.figures["events in chains"] == verdict.figures["events of witnesses"] == 4


@pytest.mark.parametrize("error", ERRORS)
def test_the_judge_finds(error: str) -> None:
    """What is doctored into a good run is complained of under its name."""
    doctor, kind = ERRORS[error]
    dump = good_run()
    doctor(dump.records)
    verdict = judge(dump, PORTFOLIO, PARTITIONS)
    assert verdict.complaints.get(kind), verdict.body()


def test_a_dump_comes_back(tmp_path: Path) -> None:
    """What a failed run keeps is what was judged."""
    dump = good_run()
    dump.save(tmp_path / "topics.gz")
    assert Dump.load(tmp_path / "topics.gz") == dump
