"""Runs of account messages as results: the same transactions as one message at a time would fill."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from monitor.adapters.wire import WireCodec
from monitor.app.account_intake import AccountIntake
from monitor.app.observing import SilentObserver
from monitor.app.ports import Record
from monitor.app.records import RecordMaker
from monitor.app.results import Step, StepResult
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.ladder import Ladder
from monitor.core.limits import Limits
from monitor.core.verdict import Ladders
from tests.engine.test_restoring import new_engine

CODEC = WireCodec(Limits())
TOPICS = TopicNames()


def records_of(seed: int) -> list[Record]:
    """Return account messages: most are good, some late, contradictory, unreadable, or in the wrong partition."""
    random, versions = Random(seed), dict.fromkeys(range(9), 0)
    records = []
    for offset in range(60):
        who = random.randrange(9)
        versions[who] += random.choice((1, 1, 1, 1, 0))
        position = {"symbol": "AUSDT", "quantity": random.choice(("1", "-40", "0", "x")), "entry_price": "1.5"}
        body: dict[str, Any] = {"account_id": f"a{who}", "version": versions[who], "event_time_ms": 1}
        body |= {"snapshot": random.random() < 0.4, "balances": {"USDT": random.choice(("5", "1000", "-3"))}}
        body["positions"] = [position] * random.choice((1, 1, 1, 1, 2))
        key = random.choice((f"a{who}".encode(),) * 9 + (b"other", None, b"\xff"))
        value = random.choice((json.dumps(body).encode(),) * 9 + (b"{", None))
        records.append(Record(TOPICS.account_events, 0, offset, 5, key, value, ()))
    return records


def taken(records: list[Record], most: int, *, runs: bool) -> Step:
    """Return a step made of records, in runs or one by one."""
    engine, step, done = new_engine(), Step(), 0
    intake = AccountIntake(0, 1, CODEC, RecordMaker(0, 1, TOPICS, CODEC), engine.book, SilentObserver())
    while done < len(records):
        run = intake.run_at(records, done) if runs else records[done : done + 1]
        assert len({record.key for record in run}) == len(run), "no account is twice in a run"
        for result in intake.take(run, engine.apply, 7, step.room(most)):
            step.add(result, most)
        done += len(run)
    return step


def plain(result: StepResult) -> list[Any]:
    """Return what a result has written, and past which messages."""
    accounts = {
        name: ([event.body for event in one.events], one.statuses, one.facts, one.memory, one.claims)
        for name, one in result.outcome.accounts.items()
    }
    return [list(accounts), accounts, result.outcome.refusals, result.tail, result.inputs, result.dead_letters]


@pytest.mark.parametrize("most", [3, 8, 25, 20_000])
def test_runs_fill_the_transactions_that_single_messages_fill(most: int) -> None:
    """The same results, in the same order, each past the same messages; no message is torn apart."""
    seen = Counter[str]()
    for seed in range(6):
        records = records_of(seed)
        in_runs, alone = taken(records, most, runs=True), taken(records, most, runs=False)
        assert [plain(result) for result in in_runs.results] == [plain(result) for result in alone.results]
        for name in ("duplicates", "account_events"):
            counts = [sum(getattr(result.outcome, name) for result in step.results) for step in (in_runs, alone)]
            assert counts[0] == counts[1]
            seen[name] += counts[0]
        seen.update(code for result in alone.results for _, code in result.dead_letters)
    assert {"duplicates", "account_events", "contradiction", "wrong_key", "bad_amount", "malformed_json"} <= seen.keys()


def test_who_comes_first_is_kept_where_there_is_no_more_room() -> None:
    """In a run with accounts too many the later ones are refused, whether they are read in columns or not."""
    settings = EngineSettings(Ladders.same(Ladder.build()), limits=Limits(max_accounts=1))
    engine = MarginEngine(settings, MarketBoard(FreshnessSettings(), ("USD",)))
    intake = AccountIntake(0, 1, CODEC, RecordMaker(0, 1, TOPICS, CODEC), engine.book, SilentObserver())
    head = {"version": 1, "event_time_ms": 1}
    bodies: list[dict[str, Any]] = [
        head | {"account_id": f"a{number}", "balances": {"USDT": "5"}} for number in range(5)
    ]
    bodies[0]["snapshot"] = True
    values = [(body["account_id"].encode(), json.dumps(body).encode()) for body in bodies]
    run = [Record(TOPICS.account_events, 0, offset, 5, key, value, ()) for offset, (key, value) in enumerate(values)]
    [result] = intake.take(run, engine.apply, 7, 100)
    assert list(engine.book.ids()) == ["a0"]
    assert [refusal.origin.offset for refusal in result.outcome.refusals] == [1, 2, 3, 4]
    assert [code for _, code in result.dead_letters] == ["limit_accounts"] * 4


def test_a_run_that_causes_much_makes_the_next_one_short() -> None:
    """The time of a step is looked at between runs only; a portfolio is as much as many records."""
    engine = new_engine()
    intake = AccountIntake(0, 1, CODEC, RecordMaker(0, 1, TOPICS, CODEC), engine.book, SilentObserver())

    def message(number: int, mode: str) -> Record:
        body = {"account_id": str(number), "version": number, "event_time_ms": 1, "snapshot": True, "margin_mode": mode}
        return Record(TOPICS.account_events, 0, number, 5, str(number).encode(), json.dumps(body).encode(), ())

    many = [message(number, "single_asset") for number in range(1, 200)]
    lengths = []
    for _ in range(3):
        run = intake.run_at(many, 0)
        lengths.append(len(run))
        intake.take(run, engine.apply, 7, 20_000)
    assert lengths == [32, 64, 128]
    intake.take([message(number, "portfolio") for number in range(1_000, 1_020)], engine.apply, 7, 20_000)
    assert len(intake.run_at(many, 0)) == 5
