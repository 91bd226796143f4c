"""The gate against an oracle that looks everything up anew, and against itself begun elsewhere."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from monitor.core.inputs import Origin
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.judging import Quality
from monitor.core.quality.judging import judged as judged_again
from monitor.core.quality.settings import JUDGED, QualitySettings, Source
from tests.quality.histories import START_MS, drawn, judged
from tests.quality.oracle import Said, verdicts
from tests.quality.recorded import FOLDER, messages_of

SOURCES = {"S0": [Source("S0@0", Decimal(2)), Source("S0@1"), Source("S0@2")]}
HORIZON_MS = 31 * 60_000


Verdicts = list[tuple[set[str], bool]]


def by_both(seed: int) -> tuple[Verdicts, Verdicts]:
    """Return what the gate and the oracle say of the prices that a seed draws."""
    rng = Random(seed)
    tight = {"jump_floor": Decimal("0.0001"), "jump_sigmas": Decimal(3)} if seed % 4 >= 2 else {}
    settings = QualitySettings(delay_ms=rng.choice([0, 2_500, 5_000]), confirmations=rng.choice([2, 10]), **tight)
    history = drawn(rng, rng.choice([8, 20]), symbols=rng.choice([1, 7]), troubles=14, venues=3 * (seed % 2))[:800]
    gate = PartitionGate(settings, SOURCES if seed else {})
    found = [(set(quality.reasons), quality.is_believed) for quality in judged(gate, history)]
    weights = {name: {one.symbol: float(one.weight) for one in some} for name, some in SOURCES.items()}
    expected = verdicts(history, settings, weights if seed else {})
    return found, [(set(one.reasons), one.believed) for one in expected]


@pytest.mark.parametrize("seed", range(4))
def test_every_verdict_is_the_oracles(seed: int) -> None:
    """Reasons and belief of every price follow from the history before it as the document says."""
    found, expected = by_both(seed)
    assert found == expected


def test_the_histories_hold_every_reason() -> None:
    """What the seeds draw is worth judging: every reason occurs, and prices are believed after a delay."""
    seen: Counter[str] = Counter()
    for seed in (1, 2):
        rng = Random(seed)
        history = drawn(rng, minutes=25, symbols=7, troubles=40, venues=3)
        for quality in judged(PartitionGate(QualitySettings(), SOURCES), history):
            seen.update(quality.reasons or ("good",))
            seen["confirmed"] += quality.is_believed and "jump" in quality.reasons
    assert min(seen[reason] for reason in (*JUDGED, "time_back", "good", "confirmed")) > 0, seen


def begun_later(seed: int) -> list[tuple[Quality, Quality]]:
    """Return the verdicts of a gate and of one begun later, once that has read its horizon and a delay."""
    rng = Random(1_000 + seed)
    history = drawn(rng, minutes=60, symbols=3, troubles=25)
    whole = judged(PartitionGate(QualitySettings()), history)
    begin = rng.randrange(1, len(history) // 3)
    later = judged(PartitionGate(QualitySettings()), history[begin:], first=begin)
    settled_ms = history[begin].log_ms + HORIZON_MS + 5_000
    return [
        (one, other)
        for said, one, other in zip(history[begin:], whole[begin:], later, strict=True)
        if said.log_ms > settled_ms
    ]


@pytest.mark.parametrize("seed", range(3))
def test_where_a_reader_began_is_forgotten(seed: int) -> None:
    """A gate begun anywhere makes the verdicts of one that began earlier, once it has read its horizon and a delay."""
    pairs = begun_later(seed)
    assert pairs
    assert [one for one, _ in pairs] == [other for _, other in pairs]


def test_a_verdict_follows_from_what_it_states() -> None:
    """Observation and limits alone give the verdict again: that is what `verify` does with an event's evidence."""
    history = drawn(Random(3), minutes=20, symbols=6, troubles=30)
    found = judged(PartitionGate(QualitySettings()), history)
    assert all(judged_again(quality.observed, quality.limits) == quality for quality in found)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no recorded series beside the repository")
def test_the_recorded_market_is_not_doubted() -> None:
    """No price of the recorded series is quarantined, once a second as a venue tells marks."""
    gate = PartitionGate(QualitySettings())
    messages = messages_of(FOLDER, 1_000)
    found = [gate.judge(updates, Origin("m", 0, offset), at)[0] for offset, (at, updates) in enumerate(messages)]
    assert len(found) > 100
    assert all(quality.is_believed for qualities in found for quality in qualities)


def walked(marks: list[float], indices: list[float | None], base: float | None) -> list[Quality]:
    """Return what a gate says of one price a second, after four calm minutes at 100 with an index that moves along."""
    rng = Random(7)
    calm = [100 * (1 + rng.gauss(0, 0.0003)) for _ in range(240)]
    stated = [(mark, None if base is None else base * mark / 100) for mark in calm]
    history = [
        Said(START_MS + 1_000 * second, START_MS + 1_000 * second, "S", mark, index)
        for second, (mark, index) in enumerate([*stated, *zip(marks, indices, strict=True)])
    ]
    return judged(PartitionGate(QualitySettings()), history)[240:]


def test_a_doubt_one_is_used_to_lets_no_jump_through() -> None:
    """A contract that is always far from its index is believed, and still waits for a jump of its own."""
    found = walked([100.0, *[80.0] * 8], [70.0] * 9, 70.0)
    assert found[0].reasons == ("index_divergence",)
    assert [quality.is_believed for quality in found] == [True, *[False] * 5, *[True] * 3]
    assert "jump" in found[1].reasons


def test_a_reason_that_joins_a_doubt_does_not_prolong_it() -> None:
    """A crash whose index lags ever further is believed when the first doubt of it has lasted, not the last."""
    found = walked([80.0] * 8, [None, None, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0], None)
    assert found[0].reasons == ("jump",)
    assert found[2].reasons == ("jump", "index_divergence")
    assert [quality.is_believed for quality in found] == [*[False] * 5, *[True] * 3]


def test_a_crash_that_was_waited_for_lets_no_other_price_through() -> None:
    """A further step beyond the ceiling has a delay of its own, although the crash before it has outlasted its."""
    found = walked([*[80.0] * 6, *[30.0] * 6], [None] * 12, None)
    assert [quality.is_believed for quality in found] == [*[False] * 5, True, *[False] * 5, True]


def test_a_price_in_another_unit_is_refused_whatever_its_index_says() -> None:
    """Mark and index a thousand times smaller are not believed after any delay, nor what is merely a small part."""
    for factor in (0.001, 0.15, 40.0):
        found = walked([100 * factor] * 30, [100 * factor] * 30, 100.0)
        assert not any(quality.is_believed for quality in found)
        assert all("unit_change" in quality.reasons for quality in found)
