"""The bench in small: everybody computes the same, what differs is found before anything is timed, goals are honest."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench import __main__ as command
from bench.compiler import loops_if_any
from bench.equality import against_exact
from bench.loading import Book
from bench.measures import Goal, Measure, Result
from bench.parts import PARTS
from bench.parts.context import Context
from bench.parts.full import FullTick
from bench.parts.peers import Peers
from bench.population import draw
from bench.rounds import Case, Ratio, Timings, run
from bench.sizes import LINEAR, Sizes

SMALL = Sizes(accounts=2_000, positions=10_000, symbols=40, seed=3)


@pytest.fixture(scope="module")
def context() -> Context:
    """Return a small context, with C loops where there is a compiler."""
    loops, why = loops_if_any()
    return Context(SMALL, SMALL.with_accounts(300), 400, loops, why, lambda _: None)


@pytest.mark.parametrize("name", [name for name in PARTS if name != "streams"])
def test_everybody_computes_the_same(name: str, context: Context) -> None:
    """In every part the daemon agrees with its C twin to the last bit, with exact arithmetic, and with each peer."""
    assert PARTS[name](context).check() == []


def test_a_twin_that_differs_is_found(context: Context) -> None:
    """A single size that a C twin has otherwise by one part in 10^15 is told, with the place."""
    if context.loops is None:
        pytest.skip(context.no_loops)
    part, twin = FullTick(context), context.tiles_twin
    assert twin is not None
    place = int(np.nonzero(twin.sizes)[0][17])
    kept = twin.sizes[place]
    twin.sizes[place] = np.nextafter(kept, 2 * kept)
    try:
        assert any("figures at price 1: 1 of" in fault for fault in part.check())
    finally:
        twin.sizes[place] = kept
    assert part.check() == []


def test_a_peer_that_is_not_installed_is_left_out_with_a_word(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that cannot be imported leaves the bench one peer fewer, and the report says which and why."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    result = Peers(context).measure(1)
    assert "pandas: pandas is not installed" in result.skipped
    assert any("plain dicts" in measure.name for measure in result.measures)
    assert not any("pandas" in measure.name for measure in result.measures)


def test_sizes_that_cannot_be_drawn_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """More positions than the popularity of the contracts allows are bad input, named before anything is loaded."""
    with pytest.raises(SystemExit, match="2"):
        command.main(["--accounts", "1000", "--symbols", "10", "--positions", "3001"])
    assert "make 3000 positions at most" in capsys.readouterr().err


def test_a_peer_that_differs_is_found(context: Context) -> None:
    """A peer that forgets one position is told by name."""
    part = Peers(context)
    dicts: Any = part._loaded[0][0]
    owner = next(account for account, positions in dicts._positions.items() if positions)
    dicts._positions[owner].popitem()
    assert any(fault.startswith("plain dicts: equity: 1 of") for fault in part.check())


def test_figures_that_are_not_exact_are_found() -> None:
    """A wallet that the store has a tenth of a cent otherwise is told by the sample of exact arithmetic."""
    book = Book(draw(SMALL, LINEAR))
    columns = book.store._space.columns
    columns.figures[columns.scopes[: SMALL.accounts, 0], 0] += 0.001
    book.store.judge_all()
    faults = against_exact(book, 5, 1)
    assert len([fault for fault in faults if "cross:USDT equity" in fault]) == 5


def test_nothing_is_timed_while_anything_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An inequality ends the bench with code 1 and in words, before the first round."""

    class Wrong:
        def __init__(self, context: Context) -> None:
            del context

        def check(self) -> list[str]:
            return ["two and two are five"]

        def measure(self, rounds: int) -> Result:
            raise AssertionError("it was timed")

    said: list[str] = []
    monkeypatch.setattr(command, "PARTS", {"wrong": Wrong})
    monkeypatch.setattr(command, "say", said.append)
    arguments = ["--accounts", "500", "--symbols", "20", "--parts", "wrong", "--out", str(tmp_path)]
    assert command.main(arguments) == 1
    assert any("wrong: two and two are five" in line for line in said)
    assert not list(tmp_path.iterdir())


def test_a_run_prints_and_writes_all_it_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Table, JSON and chart tell the same measures, each with its goal and whether it is met."""
    arguments = ["--accounts", "1000", "--symbols", "30", "--rounds", "3", "--parts", "numpy,events"]
    assert command.main([*arguments, "--mixed-accounts", "100", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    body = json.loads((tmp_path / "bench.json").read_text())
    chart = "".join(ET.parse(tmp_path / "bench.svg").getroot().itertext())
    named = {measure["name"]: measure for measure in body["measures"]}
    assert {"numpy-only fallback: time / numba", "account events applied and re-judged"} <= set(named)
    for name, measure in named.items():
        line = next(line for line in printed.splitlines() if line.startswith(name))
        if measure["goal"] is not None:
            assert ("MISSED" in line) is not measure["met"]
            assert name in chart
    assert body["population"]["seed"] == 1
    assert len(body["times"]["numpy"]["seconds"]["daemon, numba"]) == 3


@pytest.mark.parametrize(
    ("measured", "met"),
    [(Ratio(0.9, 0.95), True), (Ratio(0.95, 0.89), False), (Ratio(0.89, 0.95), False)],
)
def test_a_goal_is_met_by_minima_and_by_median(measured: Ratio, met: bool) -> None:
    """A measure that meets its goal by one of the two only is a miss."""
    assert Goal(0.9).is_met(measured) is met
    assert Measure("p", "m", measured, Goal(0.9)).verdict == ("met" if met else "MISSED")
    turned = Ratio(1 / measured.minima, 1 / measured.median)
    assert Goal(1 / 0.9 + 1e-12, is_least=False).is_met(turned) is met


def test_cases_take_turns_and_shares_are_of_rounds() -> None:
    """Every round runs each case once at one of the two prices; a share is of minima, and the median of rounds."""
    seen: list[tuple[str, int]] = []
    cases = [Case(name, 1, lambda which, name=name: seen.append((name, which))) for name in "ab"]
    run(cases, 2, warm=1)
    assert seen == [("a", 1), ("b", 1), ("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    timings = Timings({"ours": [2.0, 4.0, 5.0], "theirs": [1.0, 3.0, 5.0]})
    assert timings.share("ours", "theirs") == Ratio(0.5, 0.75)


def test_a_population_has_the_shape_it_is_said_to_have() -> None:
    """A seed gives the same accounts again; 30 % hold the first contract, fewer each other one, nobody twice."""
    one, other = draw(SMALL, LINEAR), draw(SMALL, LINEAR)
    assert np.array_equal(one.quantities, other.quantities)
    assert np.array_equal(one.wallets, other.wallets)
    held = np.bincount(one.symbols, minlength=SMALL.symbols)
    assert held[0] == round(0.3 * SMALL.accounts)
    assert (np.diff(held) <= 0).all()
    assert abs(len(one.symbols) - SMALL.positions) < 0.01 * SMALL.positions
    pairs = one.owners * SMALL.symbols + one.symbols
    assert len(np.unique(pairs)) == len(pairs)
    assert {len(terms.tiers) for terms in one.venue.instruments} <= set(range(5, 13))
