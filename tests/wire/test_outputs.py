"""Tests of what is written: every record of a real shard keeps the schema that is published for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from monitor.adapters.wire import WireCodec, decode_document
from monitor.adapters.wire.schemas import schemas
from monitor.app.ports import OutputRecord, Record
from monitor.app.reading import Fault, Held
from monitor.app.records import RecordMaker
from monitor.app.topics import TopicNames
from monitor.core.board import MarketBoard
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.freshness import FreshnessSettings
from monitor.core.inputs import AccountMessage, AssetTerms, Input, InstrumentTerms, Origin, Prices
from monitor.core.ladder import Ladder
from monitor.core.quality.gate import QualityChange
from monitor.core.quality.judging import Observation, judged
from monitor.core.quality.settings import QualitySettings, limits_of
from monitor.core.verdict import Ladders
from tests.wire.samples import COLLATERAL, LIMITS, TERMS, text

TOPICS = TopicNames()
CODEC = WireCodec(LIMITS)
MAKER = RecordMaker(3, 8, TOPICS, CODEC)
SCHEMA_OF = {
    TOPICS.margin_calls: "event",
    TOPICS.liquidations: "event",
    TOPICS.adl_events: "event",
    TOPICS.account_status: "account-status",
    TOPICS.data_quality: "data-quality",
}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of an output."""
    return Draft202012Validator(json.loads(schemas()[f"{name}.json"]))


def errors(record: OutputRecord) -> list[str]:
    """Return what is wrong with a record by the schema of its topic."""
    body = json.loads(record.value or b"null")
    event_type = str(body.get("event_type", ""))
    name = event_type.replace("_", "-") if event_type.startswith("adl_") else SCHEMA_OF[record.topic]
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(body)]


def inputs() -> Iterator[Input]:
    """Yield a market and accounts that fall through the whole ladder, recover, become unknown, and close."""
    place = Origin("anywhere", 0, 0)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        message = CODEC.instrument(text(TERMS | {"symbol": symbol, "status": "trading"}), symbol.encode())
        yield InstrumentTerms(symbol, message.instrument, place)
    asset = CODEC.asset(text(COLLATERAL | {"asset": "USDT", "event_time_ms": 1}), b"USDT")
    yield AssetTerms("USDT", asset.asset, place, 1)
    yield price("60000", 1)
    for number, mode in enumerate(("single_asset", "multi_asset")):
        yield account(f"a{number}", 1, snapshot=True, margin_mode=mode, balances={"USDT": "3100"}, positions=BOOK)
    yield from (price(mark, 2 + step) for step, mark in enumerate(("54500", "54050", "53000", "60000", "54050")))
    yield account("a0", 2, positions=[{"symbol": "BTCUSDT", "quantity": "0"}], settings={"labels": ["x"]})
    yield InstrumentTerms("BTCUSDT", None, place)
    yield account("a1", 2, deleted=True)


BOOK = [
    {"symbol": "BTCUSDT", "quantity": "0.5", "entry_price": "60000", "leverage": "20"},
    {
        "symbol": "ETHUSDT",
        "quantity": "-1",
        "entry_price": "60000",
        "margin_type": "isolated",
        "isolated_wallet": "-5900",
    },
]


def price(mark: str, moment: int) -> Prices:
    """Return a message that prices both contracts."""
    bodies = [
        {"symbol": s, "mark_price": mark, "index_price": mark, "event_time_ms": moment} for s in ("BTCUSDT", "ETHUSDT")
    ]
    return Prices(CODEC.prices(text(bodies)).prices, Origin("mark-prices", 0, moment), moment)


def account(name: str, version: int, **parts: Any) -> AccountMessage:
    """Return an account message."""
    body = {"account_id": name, "version": version, "event_time_ms": version, **parts}
    return AccountMessage(CODEC.account_event(text(body), name.encode()), Origin("account-events", 3, version))


@pytest.fixture(scope="module")
def records() -> list[OutputRecord]:
    """Return every record a shard writes while it takes the inputs, step by step."""
    board = MarketBoard(FreshnessSettings(max_age_ms=0, unknown_after_ms=0))
    engine = MarginEngine(EngineSettings(Ladders.same(Ladder.build())), board, use_numba=False)
    written = []
    for moment, message in enumerate(inputs(), 10):
        for outcome in engine.apply([message], moment).worst_first():
            written += [record for record in MAKER.account(outcome) if record.topic != TOPICS.state]
    return written


def test_real_events_and_statuses_keep_their_schema(records: list[OutputRecord]) -> None:
    """Every event and status of a fall, a recovery, an unknown and an end is what docs/schemas promises."""
    assert [found for record in records if record.value is not None for found in errors(record)] == []
    told = {json.loads(record.value)["event_type"] for record in records if record.topic != TOPICS.account_status}
    assert told & {"liquidation", "critical", "takeover"}
    assert {"bankrupt", "recovered", "adl_watch", "adl_candidate", "closed", "unknown"} <= told
    assert any(record.value is None for record in records), "a scope that is gone leaves a tombstone"


def test_evidence_is_a_document(records: list[OutputRecord]) -> None:
    """What an event was decided from can be read as a document of its own."""
    bodies = [json.loads(record.value or b"{}") for record in records]
    documents = [body["evidence"]["document"] for body in bodies if "document" in body.get("evidence", {})]
    assert documents
    for document in documents:
        decode_document(text(document), LIMITS)


def test_dead_letters_keep_their_schema() -> None:
    """The headers of a dead letter are those of the schema, for each way a message can be bad."""
    source = Record("mark-prices", 1, 2, 3, b"key", b"x" * 600_000)
    for fault in (
        Fault(source, "wrong_type", "why", "[3].mark_price"),
        Fault(source._replace(value=None), "gap", "why"),
    ):
        letter = MAKER.dead_letter(fault)
        headers = {name: value.decode() for name, value in letter.headers}
        assert list(validator("dead-letter-headers").iter_errors(headers)) == []
        assert letter.key == b"key"


OBSERVED = Observation(
    4.0, 1.0, 5, False, False, 1.3, 9, None, 1.3, None, False, 0, 0, None, None, None, None, None, ()
)


def test_data_quality_records_keep_their_schema() -> None:
    """Held terms, unjudged and doubted prices and lost account messages are told in records of the schema."""
    source = Record("account-events", 1, 2, 3, None, None)
    for record in (
        MAKER.held(Held("BTCUSDT", "the rate …", Origin("instruments", 0, 1)), 5),
        MAKER.unjudged("mark-prices", {"0": {"from": 1, "to": 2}}, 5),
        MAKER.lost(source, 9, 5)[1],
        MAKER.note(QualityChange("BTCUSDT", judged(OBSERVED, limits_of(QualitySettings())), Origin("m", 0, 1)), 5),
    ):
        assert errors(record) == []
