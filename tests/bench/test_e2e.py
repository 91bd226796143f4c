"""The bench of the whole way: wrong events are found, figures are of what happened, and it runs on a Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.e2e import __main__ as command
from bench.e2e import october, steady, storm
from bench.e2e.book import text
from bench.e2e.clients import Place
from bench.e2e.judging import Told, Verdict, compare
from bench.e2e.latency import Latencies, quantile_of
from bench.e2e.oracle import STATUSES, Chains, Oracle, told_after
from bench.e2e.result import Figure, Result
from bench.e2e.roles import cast
from bench.e2e.servers import NoServers, Servers
from bench.e2e.stage import Ground
from bench.measures import Goal
from bench.sizes import Sizes
from tests.broker import shared_broker

SIZES = Sizes(accounts=600, positions=3_000, symbols=30, seed=5)
PRICE = Place("mark-prices", 0, 7)


def _told(sequence: int, previous: str, status: str, place: Place | None = PRICE, account: int = 3) -> Told:
    return Told(0.0, "margin-calls", account, sequence, previous, status, "mark_price", place, sequence)


def _complaints(told: list[Told]) -> list[str]:
    """Compare with the chain healthy → watch → healthy of account 3."""
    chains, verdict = Chains(), Verdict()
    chains.add(3, STATUSES.index("watch"), PRICE)
    chains.add(3, STATUSES.index("healthy"), None)
    compare(chains, told, verdict)
    return verdict.lines()


def test_what_is_wrong_with_events_is_found() -> None:
    """A chain as it should be is no complaint; a missing, doubled, uncalled for or wrongly caused event is."""
    good = [_told(1, "healthy", "watch"), _told(2, "watch", "healthy", None)]
    assert _complaints(good) == []
    assert any(one.startswith("missing") for one in _complaints(good[:1]))
    assert any(one.startswith("missing") for one in _complaints([]))
    assert any(one.startswith("missing") for one in _complaints(good[1:]))
    assert any(one.startswith("told twice") for one in _complaints([*good, good[1]]))
    assert any(one.startswith("not called for") for one in _complaints([*good, _told(3, "healthy", "watch")]))
    assert any(
        one.startswith("not called for") for one in _complaints([*good, _told(1, "healthy", "watch", account=4)])
    )
    other = Place("mark-prices", 0, 8)
    assert any(one.startswith("wrong cause") for one in _complaints([_told(1, "healthy", "watch", other), good[1]]))
    assert any(one.startswith("wrong:") for one in _complaints([_told(1, "healthy", "warning"), good[1]]))
    assert any(one.startswith("broken chain") for one in _complaints([good[0], _told(2, "warning", "healthy", None)]))
    assert any(one.startswith("out of order") for one in _complaints(good[::-1]))


def test_the_oracle_keeps_the_ladder_of_the_contract() -> None:
    """A status begins strictly below its line and is left upwards half a percent above it; no equity is bankrupt."""
    ratios = [1.5, 1.499, 1.2, 1.05, 0.95, 0.8, 0.5, 0.0, -1.0]
    fallen = told_after(np.zeros(9, np.int64), np.array(ratios), np.ones(9))
    names = [STATUSES[rank] for rank in fallen.tolist()]
    assert names[:4] == ["healthy", "watch", "warning", "margin_call"]
    assert names[4:] == ["liquidation", "critical", "takeover", "bankrupt", "bankrupt"]
    watch = np.full(3, STATUSES.index("watch"), np.int64)
    assert told_after(watch, np.array([1.507, 1.508, 1.249]), np.ones(3)).tolist() == [1, 0, 2]


def test_roles_do_what_they_are_there_for() -> None:
    """Every price takes every swinger over a line, a mover's wallets lead to two statuses, nobody stands on a line."""
    played = cast(SIZES, 20, 30)
    assert played.swingers == 20
    assert len(played.movers) == 30
    assert all(one.empty < one.full and one.status > 0 for one in played.movers)
    oracle, venue = Oracle(played.population), played.population.venue
    oracle.judge(venue.prices(0), None)
    for which in (1, 0, 1):
        assert not oracle.close_calls(venue.prices(which)).any()
        changed = oracle.judge(venue.prices(which), None)
        assert len(changed) >= played.swingers
        assert not set(changed.tolist()) & {*played.traded.tolist(), *(one.account for one in played.movers)}


def test_a_storm_is_as_large_as_was_asked_for() -> None:
    """All who are to change status do so when prices fall, about as many severely as wanted, and recover after it."""
    population, marks = storm.population_for(storm.Plan(SIZES, changes=200, severe=0.25, storms=1))
    oracle, (before, after) = Oracle(population), [one / 10.0**population.venue.decimals for one in marks]
    assert len(oracle.judge(before, None)) == 0
    changed = oracle.judge(after, None)
    assert len(changed) == 200
    assert 25 <= np.count_nonzero(oracle.told >= STATUSES.index("liquidation")) <= 75
    assert len(oracle.judge(before, None)) == 200
    assert not oracle.told.any()


def test_october_has_as_many_messages_as_were_published() -> None:
    """Messages are the share of 3.24 million, the burst that of 22,558; prices fall and recover in part."""
    for share in (1.0, 0.01):
        counts = october.messages_by_second(share)
        assert sum(counts) == round(3_240_000 * share)
        assert len(counts) == 720
        around = counts[october.BURST_SECOND - 1 : october.BURST_SECOND + 2]
        assert around[1] - (around[0] + around[2]) / 2 == pytest.approx(22_558 * share, abs=share * 100 + 2)
    path = october.path_of(cast(SIZES, 0, 0).population, 1)
    assert len(path) == 721
    assert path[300].sum() < path[720].sum() < path[0].sum()


def test_percentiles_and_bins_are_those_of_the_latencies() -> None:
    """A percentile is a latency that occurred, and every latency is in one bin."""
    kind = Latencies("x", [one / 1000 for one in range(1, 1001)])
    assert [kind.percentile(share) for share in (0.5, 0.99, 0.999, 1.0)] == pytest.approx([500, 990, 999, 1000])
    assert sum(one.count for one in kind.bins()) == 1000
    assert all(one.low_ms < one.high_ms for one in kind.bins())
    assert math.isnan(Latencies("none", []).percentile(0.5))
    assert quantile_of([(0.01, 90.0), (0.02, 99.0), (math.inf, 100.0)], 0.99) == 0.02


@pytest.mark.parametrize(("number", "places", "written"), [(15, 2, "0.15"), (-5, 4, "-0.0005"), (7, 0, "7")])
def test_amounts_are_written_exactly(number: int, places: int, written: str) -> None:
    """An integer and its decimals become a plain decimal text."""
    assert text(number, places) == written


@contextlib.contextmanager
def _no_broker(bootstrap: str | None, folder: Path) -> Iterator[Servers]:
    if bootstrap is None:
        raise NoServers("no Java")
    yield Servers(bootstrap)


def test_a_wrong_result_ends_with_1_and_a_missed_goal_with_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only wrong results are a failure; without a broker there is no run; what came out is kept as JSON and SVG."""
    monkeypatch.setattr(command, "servers", _no_broker)
    monkeypatch.setattr(command, "narrow", lambda cores: None)
    missed = Figure("p99", 99.0, "ms", Goal(80.0, is_least=False))
    found = Result("steady", "a run", [missed], [Latencies("caused by prices", [0.01, 0.02])])

    async def measured(*_: Any) -> Result:
        return found

    monkeypatch.setattr(command, "measured", measured)
    arguments = ["--parts", "steady", "--out", str(tmp_path)]
    assert command.main(arguments) == 3
    assert command.main([*arguments, "--bootstrap", "somewhere:9092"]) == 0
    [kept] = json.loads((tmp_path / "e2e.json").read_text())["parts"]
    assert kept["figures"][0]["met"] is False
    assert "caused by prices" in (tmp_path / "e2e.svg").read_text()
    found.complaints = ["missing: one"]
    assert command.main([*arguments, "--bootstrap", "somewhere:9092"]) == 1


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_steady_on_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The latencies are of the events that prices and account messages caused, all of which were told once."""
    servers = Servers(shared_broker(request).bootstrap_servers)
    said: list[str] = []
    plan = steady.Plan(SIZES, rate=200, seconds=3.0, warm_seconds=1.0, swings=10, changes=20)
    result = asyncio.run(steady.measure(plan, Ground(servers, tmp_path, 2, said.append)))
    print(result.text(), *said, sep="\n")  # noqa: T201 - the figures, for whoever looks
    assert list(result.complaints) == []
    prices, accounts = result.latencies[:2]
    assert len(prices.seconds) >= 2 * 10
    assert len(accounts.seconds) == 3 * 20
    assert all(0 < one < 60 for one in (*prices.seconds, *accounts.seconds))
