"""The gate against an oracle that looks everything up anew, and against itself begun elsewhere."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from monitor.core.inputs import Origin
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.judging import judged as judged_again
from monitor.core.quality.settings import QualitySettings
from tests.quality.histories import drawn, judged
from tests.quality.oracle import verdicts
from tests.quality.recorded import FOLDER, messages_of

HORIZON_MS = 16 * 60_000


@pytest.mark.parametrize("seed", range(4))
def test_every_verdict_is_the_oracles(seed: int) -> None:
    """Reasons and belief of every price follow from the history before it as the document says."""
    rng = Random(seed)
    settings = QualitySettings(delay_ms=rng.choice([0, 2_500, 5_000]), confirmations=rng.choice([2, 10]))
    history = drawn(rng, minutes=rng.choice([8, 20]), symbols=rng.choice([1, 7]), troubles=14)[:800]
    found = [(set(quality.reasons), quality.is_believed) for quality in judged(PartitionGate(settings), history)]
    assert found == [(set(one.reasons), one.believed) for one in verdicts(history, settings)]


def test_the_histories_hold_every_reason() -> None:
    """What the seeds draw is worth judging: every reason occurs, and prices are believed after a delay."""
    seen: Counter[str] = Counter()
    for seed in (1, 2):
        rng = Random(seed)
        history = drawn(rng, minutes=25, symbols=7, troubles=40)
        for quality in judged(PartitionGate(QualitySettings()), history):
            seen.update(quality.reasons or ("good",))
            seen["confirmed"] += quality.is_doubted and quality.is_believed
    assert min(seen[reason] for reason in (*QualitySettings().warn, "good", "confirmed")) > 0, seen


@pytest.mark.parametrize("seed", range(3))
def test_where_a_reader_began_is_forgotten(seed: int) -> None:
    """A gate begun anywhere makes the verdicts of one that began earlier, once it has read its horizon and a delay."""
    rng = Random(1_000 + seed)
    history = drawn(rng, minutes=45, symbols=3, troubles=20)
    whole = judged(PartitionGate(QualitySettings()), history)
    begin = rng.randrange(1, len(history) // 2)
    later = judged(PartitionGate(QualitySettings()), history[begin:], first=begin)
    settled_ms = history[begin].log_ms + HORIZON_MS + 5_000
    pairs = [
        (one, other)
        for said, one, other in zip(history[begin:], whole[begin:], later, strict=True)
        if said.log_ms > settled_ms
    ]
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
