"""How cost grows, in small: every part runs, counts what is there, and a wrong result ends it with code 1."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench import facts, inside
from bench.growth import __main__ as command
from bench.growth import churn, instances, resident, ticks, worker
from bench.growth.axes import Axis, power
from bench.growth.setting import Setting
from bench.loading import Book
from bench.packing import records
from bench.population import draw
from bench.rounds import Ratio
from bench.sizes import LINEAR, MIXES, PORTFOLIOS, Mix, Sizes
from monitor.core.facts import pack

SMALL = Sizes(accounts=600, positions=3_000, symbols=40, seed=3)
SETTING = Setting(2_000, 3, 1, 1_000, 40, lambda _: None)


@pytest.mark.parametrize("mix", [LINEAR, PORTFOLIOS, *MIXES], ids=lambda mix: mix.name)
def test_facts_written_at_once_are_those_packed_from_accounts(mix: Mix) -> None:
    """Text written straight from the arrays is, byte for byte, what the daemon packs of the same accounts."""
    population = draw(SMALL, mix)
    accounts = facts.accounts(population)
    assert list(records(population)) == [(account.account_id, pack(account)) for account in accounts]


def test_a_run_prints_draws_and_writes_what_it_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every axis has all its points in table, JSON and chart; measures with goals say whether these are met."""
    arguments = ["--most", "2000", "--events", "1000", "--symbols", "40", "--rounds", "1", "--out", str(tmp_path)]
    assert command.main([*arguments, "--parts", "accounts,portfolio,pace,churn,paper"]) == 0
    printed = capsys.readouterr().out
    parts = json.loads((tmp_path / "growth.json").read_text())["parts"]
    chart = "".join(ET.parse(tmp_path / "growth.svg").getroot().itertext())
    axes = {axis for part in parts.values() for axis in part["axes"]}
    assert axes == {"accounts", "portfolio", "pace"}
    for axis in (axis for part in parts.values() for axis in part["axes"].values()):
        assert axis["title"] in printed
        assert axis["title"] in chart
        assert all(point["least"] > 0 for line in axis["lines"].values() for point in line)
    assert [point["x"] for point in parts["accounts"]["axes"]["accounts"]["lines"][ticks.FULL]] == [200, 600, 2_000]
    assert {measure["name"] for measure in parts["churn"]["measures"]} >= {"full tick / made anew"}
    assert "a fleet on paper" in parts["paper"]["said"][0]
    assert "nothing is wrong" in printed


def test_a_wrong_result_ends_with_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Figures that are not within their bounds of exact arithmetic are told, and nothing of that part is timed."""
    monkeypatch.setattr(ticks, "unlike_exact", lambda book, seed: ["two and two are five"])
    arguments = ["--most", "2000", "--symbols", "40", "--rounds", "1", "--out", str(tmp_path)]
    assert command.main([*arguments, "--parts", "accounts"]) == 1
    printed = capsys.readouterr().out
    assert "WRONG accounts: accounts 200: two and two are five" in printed
    assert ticks.FULL not in printed


def test_a_store_that_churn_has_spoilt_is_found() -> None:
    """One figure that differs by its last bit from that of a store made anew is told with its place."""
    population = draw(SMALL, LINEAR)
    book, fresh = Book(population), Book(population)
    assert churn._unlike(book, fresh) == []
    columns = inside.columns_of(book.store)
    row = columns.scopes[columns.first[17], 0]
    columns.figures[row, 2] = np.nextafter(columns.figures[row, 2], np.inf)
    assert [fault for fault in churn._unlike(book, fresh) if "1 of 600 differ: [17]" in fault]


def test_memory_is_counted_where_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of a population taken over from a file the columns in use hold exactly its positions, and facts their text."""
    population = draw(SMALL, LINEAR)
    rows = list(records(population))
    path = tmp_path / "accounts"
    path.write_bytes(b"".join(name.encode() + b"\t" + packed + b"\n" for name, packed in rows))
    resident.main(json.dumps({"file": str(path), "symbols": 40, "seed": 3, "traced": False}))
    found = json.loads(capsys.readouterr().out)
    used = {column["name"]: column["used"] for column in found["columns"]}
    count = len(population.symbols)
    assert found["counts"]["cells"] == count
    assert (used["sizes"], used["entries"], used["figures"]) == (8 * count, 4 * count, 32 * 600)
    assert all(column["used"] <= column["reserved"] for column in found["columns"])
    text = sum(len(packed.split(b"\x1e")[2]) for _, packed in rows)
    assert found["held"]["facts: text of positions"] == text


def test_an_instance_ticks_as_often_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process says what it holds, then answers each line with what so many ticks took."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n2\n"))
    worker.main(json.dumps({"accounts": 300, "symbols": 40, "seed": 3, "core": None}))
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[0] == {"positions": len(draw(Sizes(300, 1_500, 40, 3), LINEAR).symbols)}
    assert all(turn["wall"] > 0 and turn["processor"] > 0 for turn in said[1:])
    assert len(said) == 3


def test_two_instances_are_compared_with_each_alone() -> None:
    """Two that are as quick beside each other as alone do twice as much; one that gets half a core says so."""
    turn, half = instances.Turn(0.1, 0.1), instances.Turn(0.2, 0.1)
    found: Any = instances._found(SETTING, [[turn], [turn]], [[turn], [half]])
    wall, processor, model = (measure.measured for measure in found.measures)
    assert wall == Ratio(1.5, 1.5)
    assert processor == Ratio(2.0, 2.0)
    assert model == Ratio(1.5, 1.5)


def test_the_power_of_growth_is_that_of_the_line() -> None:
    """What is a hundred times as much at ten times the place grows by the power of 2; a place at 0 says nothing."""
    line = {0.0: Ratio(5.0, 5.0), 1.0: Ratio(1.0, 1.0), 10.0: Ratio(100.0, 100.0)}
    assert power(line) == pytest.approx(2.0)
    axis = Axis("a", "title", "x", "ms", 1e3, {"line": line})
    assert "2.00" in axis.text()
