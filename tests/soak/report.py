"""The table of a soak: of every process and figure its level, its rise an hour, and whether that is growth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tests.soak.sampling import Life
from tests.soak.slopes import Allowed, Sample, Slope, slope_of

LIMITS = {
    "RSS MB": Allowed(8.0, 0.03),
    "tasks": Allowed(2.0),
    "threads": Allowed(1.0),
    "handles": Allowed(2.0),
    "loop lag ms": Allowed(5.0),
    "kernel ms a step": Allowed(0.5, 0.1),
}
"""What may rise in an hour before it is called growth; the machine's other work moves times by as much."""
ROBUST = ("loop lag ms", "kernel ms a step")
"""Times are taken at the median of a block: what else the machine does makes some of them long."""
SHOWN = (*LIMITS, "commits a second")


@dataclass(frozen=True)
class Row:
    """Hold one line of the table."""

    process: int
    minutes: float
    figure: str
    slope: Slope
    verdict: str

    @property
    def is_bad(self) -> bool:
        """Whether the figure grows."""
        return self.verdict == "GROWS"


def rows(lives: Iterable[Life], warm_up_seconds: float) -> list[Row]:
    """Return a row for every process and figure, without what a process does while it warms up."""
    return [_row(life, figure, warm_up_seconds) for life in lives for figure in SHOWN]


def _row(life: Life, figure: str, warm_up_seconds: float) -> Row:
    samples = [sample for sample in life.series.get(figure, []) if sample.at >= life.began + warm_up_seconds]
    slope = slope_of(samples, median if figure in ROBUST else fmean)
    verdict = "flat" if slope.is_long else "too short"
    if figure not in LIMITS:
        verdict = "shown only"
    elif LIMITS[figure].grows(slope):
        verdict = "GROWS"
    return Row(life.number, _minutes(samples), figure, slope, verdict)


def _minutes(samples: Sequence[Sample]) -> float:
    return (samples[-1].at - samples[0].at) / 60 if samples else 0.0


def table(lines: Sequence[Row]) -> str:
    """Return the rows as text; lives that are too short to be judged are counted, not listed."""
    names = "".join(f"{name:>10}" for name in ("level", "highest", "an hour", "± error"))
    head = f"{'process':>7} {'minutes':>7}  {'figure':<18}{names}  verdict"
    known = [row for row in lines if row.slope.is_known]
    text = [head, *[
        f"{row.process:>7} {row.minutes:>7.1f}  {row.figure:<18}{row.slope.level:>10.2f}{row.slope.most:>10.2f}"
        f"{row.slope.per_hour:>+10.2f}{row.slope.error:>10.2f}  {row.verdict}"
        for row in known
    ]]  # fmt: skip
    short = {row.process for row in lines} - {row.process for row in known}
    return "\n".join([*text, *([f"{len(short)} lives were too short for a line"] if short else [])])
