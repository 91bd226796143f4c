"""The statistics of the soak: growth is told from noise, and what a daemon says is read as it is meant."""

from __future__ import annotations

import math
from random import Random

import pytest

from tests.soak.report import rows, table
from tests.soak.sampling import Life, totals_of
from tests.soak.slopes import LEAST_SAMPLES, Allowed, Sample, slope_of

LENGTH = 2400


def _wandering(random: Random, per_hour: float, *, keep: float = 0.99) -> list[Sample]:
    """Return forty minutes of a figure around 100 that remembers where it was, and rises besides."""
    found, off = [], 0.0
    for at in range(LENGTH):
        off = keep * off + random.gauss(0, 0.1)
        found.append(Sample(float(at), 100 + off + per_hour * at / 3600))
    return found


@pytest.mark.parametrize("keep", [0.0, 0.9, 0.99])
def test_noise_is_not_called_growth(keep: float) -> None:
    """Of 60 figures that go nowhere hardly one is called growing, though samples follow each other closely."""
    allowed = Allowed(0.0)
    called = sum(allowed.grows(slope_of(_wandering(Random(seed), 0.0, keep=keep))) for seed in range(60))
    assert called <= 2


@pytest.mark.parametrize("per_hour", [10.0, 25.0])
def test_growth_is_called_growth(per_hour: float) -> None:
    """A leak of a tenth of the level in an hour is found in forty minutes, and its rate is about right."""
    for seed in range(10):
        slope = slope_of(_wandering(Random(seed), per_hour, keep=0.9))
        assert Allowed(5.0).grows(slope)
        assert abs(slope.per_hour - per_hour) < 4 * slope.error


def test_a_short_life_is_not_judged() -> None:
    """Too few samples make no line, whatever they do."""
    slope = slope_of([Sample(float(at), float(at**3)) for at in range(LEAST_SAMPLES - 1)])
    assert not slope.is_known
    assert not Allowed(0.0).grows(slope)
    minute = slope_of([Sample(float(at), float(at)) for at in range(60)])
    assert minute.per_hour == pytest.approx(3600)
    assert not Allowed(0.0).grows(minute)


def test_a_figure_that_never_moves_is_flat() -> None:
    """A constant has no slope and no error, and a step of one handle is found."""
    still = [Sample(float(at), 12.0) for at in range(LENGTH)]
    assert (slope_of(still).per_hour, slope_of(still).error) == (0.0, 0.0)
    assert not Allowed(0.0).grows(slope_of(still))
    leaking = [Sample(float(at), 12.0 + at // 100) for at in range(LENGTH)]
    assert Allowed(2.0).grows(slope_of(leaking))


def test_the_table_names_what_grows_and_leaves_the_warm_up_out() -> None:
    """A process that fills its caches first and is steady then is flat; one that goes on growing is named."""
    random, lives = Random(1), []
    for number, leak in enumerate((0.0, 80.0)):
        life = Life(number, 0.0)
        for at in range(LENGTH):
            filling = 50 * (1 - math.exp(-at / 60))
            life.note(float(at), "RSS MB", 200 + filling + leak * at / 3600 + random.gauss(0, 0.5))
        lives.append(life)
    found = {row.process: row.verdict for row in rows(lives, 600) if row.figure == "RSS MB"}
    assert found == {0: "flat", 1: "GROWS"}
    assert "GROWS" in table(rows(lives, 600))


def test_an_exposition_is_added_up_over_labels() -> None:
    """Counters of all labels are one figure, comments and other metrics none."""
    text = (
        "# HELP liqmon_tasks Tasks\n# TYPE liqmon_tasks gauge\nliqmon_tasks 17.0\n"
        'liqmon_audit_faults_total{column="base"} 1.0\nliqmon_audit_faults_total{column="sizes"} 2.0\npython_info 1\n'
    )
    assert totals_of(text) == {"liqmon_tasks": 17.0, "liqmon_audit_faults_total": 3.0}


def test_rates_come_from_what_was_added_between_two_samples() -> None:
    """The time of a step and the commits of a second are differences, and the first sample has none."""
    life = Life(0, 0.0)
    first = {"liqmon_kernel_seconds_sum": 1.0, "liqmon_kernel_seconds_count": 100.0}
    life.metrics(10.0, first | {"liqmon_transaction_seconds_count": 5.0})
    assert "commits a second" not in life.series
    second = {"liqmon_kernel_seconds_sum": 1.2, "liqmon_kernel_seconds_count": 200.0}
    life.metrics(12.0, second | {"liqmon_transaction_seconds_count": 11.0})
    assert life.series["kernel ms a step"][0].value == pytest.approx(2.0)
    assert life.series["commits a second"][0].value == pytest.approx(3.0)
