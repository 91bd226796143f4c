"""The demo's recorded market: what the series holds, and how it is played."""

from __future__ import annotations

import gzip
import importlib.util
import json
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.wire.codec import WireCodec
from monitor.app.topics import TopicNames
from monitor.cli.demo import market
from monitor.cli.demo.market import ASSETS, INSTRUMENTS, STEP_MS, played, price_message, recorded, standing_inputs
from monitor.core.limits import Limits
from tests.house.source import PACKAGE, ROOT

FOLDER = PACKAGE / "cli" / "demo"


def test_the_series_is_whole() -> None:
    """It holds every symbol at each step of five and a half minutes, above 0, the two BTC contracts close together."""
    rows = recorded()
    assert {later.time_ms - row.time_ms for row, later in pairwise(rows)} == {STEP_MS}
    assert len(rows) * STEP_MS > 330_000
    for row in rows:
        assert row.marks.keys() == INSTRUMENTS.keys()
        assert abs(row.marks["BTCUSD_PERP"] / row.marks["BTCUSDT"] - 1) < Decimal("0.002")
    assert len({row.marks["BTCUSDT"] for row in rows}) > 100


def test_the_recording_is_small_and_carries_its_licence() -> None:
    """The file stays below 300 kB, and source, copyright and permission lie beside it."""
    assert (FOLDER / "recording.csv.gz").stat().st_size < 300_000
    text = (FOLDER / "RECORDING.md").read_text()
    for part in (
        "hftbacktest",
        "Copyright (c) 2022 nkaz001",
        "Permission is hereby granted",
        "mid of best bid and ask",
    ):
        assert part in text


def test_it_is_played_there_and_back_with_a_shock_over_some_rows() -> None:
    """Before the shock rows are as recorded, over its rows the factor falls in equal steps, then it stays."""
    series = recorded()
    shock_at = len(series) + 10
    rows = list(islice(played(Decimal("-0.1"), shock_at, 4), 2 * len(series) + 3))
    there_and_back = [*series, *reversed(series), *series[:3]]
    assert [row.marks for row in rows[: shock_at + 1]] == [row.marks for row in there_and_back[: shock_at + 1]]
    factors = [row.marks["BTCUSDT"] / plain.marks["BTCUSDT"] for row, plain in zip(rows, there_and_back, strict=True)]
    for number, factor in enumerate(factors[shock_at : shock_at + 4]):
        assert abs(factor - (1 - Decimal("0.025") * number)) < Decimal("1e-7")
    assert all(abs(factor - Decimal("0.9")) < Decimal("1e-7") for factor in factors[shock_at + 4 :])


def test_a_message_states_every_mark_as_text() -> None:
    """A row becomes one array, its prices decimal texts under one time."""
    message = price_message(recorded()[0], 17)
    assert [element["symbol"] for element in message] == list(INSTRUMENTS)
    assert all(element["event_time_ms"] == 17 and isinstance(element["mark_price"], str) for element in message)


def test_collateral_follows_contracts_that_are_played() -> None:
    """Every asset that is no dollar takes its index from a symbol of the series."""
    assert {body.get("index_symbol") for body in ASSETS.values()} <= {None, *INSTRUMENTS}


def _reducing() -> Any:
    spec = importlib.util.spec_from_file_location("reduce_recording", ROOT / "tools" / "reduce_recording.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_recording_is_reduced_to_exact_mids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool writes the exact mid of the latest quotes at each step, from the moment all symbols are known."""
    reducing = _reducing()
    quotes = {
        "BTCUSDT": [(10, "100.1", "100.2"), (260, "100.3", "100.3")],
        "ETHUSDT": [(20, "10", "10.01")],
        "BTCUSD_PERP": [(30, "101", "102")],
        "ETHUSD_PERP": [(251, "9.9", "10.1"), (600, "9", "9")],
    }
    for symbol, frames in quotes.items():
        with gzip.open(tmp_path / reducing.FILES[symbol], "wt") as lines:
            lines.write('5000000 {"lastUpdateId":1,"bids":[]}\n')
            for time_ms, bid, ask in frames:
                data = {"e": "bookTicker", "s": symbol, "b": bid, "a": ask}
                lines.write(f"{time_ms * 1_000_000} {json.dumps({'stream': 's', 'data': data})}\n")
    target = tmp_path / "recording.csv.gz"
    reducing.main(tmp_path, target)
    monkeypatch.setattr(market, "files", lambda _: tmp_path)
    rows = recorded()
    assert [(row.time_ms, *map(str, row.marks.values())) for row in rows] == [(500, "100.3", "10.005", "101.5", "10")]


def test_what_stands_before_anything_is_priced_is_read_as_it_is_meant() -> None:
    """Terms, collateral and insurance funds are messages the daemon takes, and every settle asset has a fund."""
    topics, limits = TopicNames(), Limits()
    codec = WireCodec(limits)
    read = {
        topics.instruments: codec.instrument,
        topics.assets: codec.asset,
        topics.insurance_funds: codec.insurance_fund,
    }
    funded = set()
    for topic, key, body in standing_inputs(topics, 5):
        message = read[topic](json.dumps(body).encode(), key.encode())
        if topic == topics.insurance_funds:
            funded.add(message.fund.asset)
    assert {body["settle_asset"] for body in INSTRUMENTS.values()} <= funded
