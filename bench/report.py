"""What came out, as a table on the terminal and as JSON; the chart is in `chart`.

A goal that is missed says so; a part that was left out says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measures import Measure, Result

_HEADINGS = ("measure", "by minima", "median", "goal", "", "")
_TIMES = ("case", "min ns", "median ns", "per")


@dataclass(frozen=True)
class Report:
    """Hold one run of the bench."""

    command: str
    machine: Mapping[str, object]
    population: Mapping[str, object]
    rounds: int
    results: Sequence[Result]

    @property
    def measures(self) -> list[Measure]:
        """All measures in their order."""
        return [measure for result in self.results for measure in result.measures]

    def text(self) -> str:
        """Return the tables."""
        times = [
            (case, f"{min(seconds) * 1e9:,.2f}", f"{_median(seconds) * 1e9:,.2f}", result.unit)
            for result in self.results
            for case, seconds in result.timings.seconds.items()
        ]
        skipped = [f"left out of {result.part}: {why}" for result in self.results for why in result.skipped]
        goals = [measure for measure in self.measures if measure.goal is not None]
        missed = sum(measure.verdict == "MISSED" for measure in goals)
        summary = f"{len(goals) - missed} of {len(goals)} goals met, {missed} missed; ratios of {self.rounds} rounds"
        return "\n".join([measures_table(self.measures), "", table(_TIMES, times), "", *skipped, summary])

    def body(self) -> dict[str, Any]:
        """Return everything as it goes into JSON."""
        return {
            "command": self.command,
            "machine": self.machine,
            "population": self.population,
            "rounds": self.rounds,
            "measures": [measure_body(measure) for measure in self.measures],
            "skipped": {result.part: list(result.skipped) for result in self.results if result.skipped},
            "times": {result.part: {"per": result.unit, "seconds": result.timings.seconds} for result in self.results},
        }

    def write(self, folder: Path) -> Path:
        """Write the JSON into a folder; return where it is."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "bench.json"
        path.write_text(json.dumps(self.body(), indent=1) + "\n")
        return path


def lines_about(facts: Mapping[str, object]) -> Iterable[str]:
    """Yield what is to be known before the figures, a line each."""
    for name, fact in facts.items():
        said = ", ".join(f"{key} {value}" for key, value in fact.items()) if isinstance(fact, Mapping) else fact
        yield f"{name.replace('_', ' ')}: {said}"


def measures_table(measures: Sequence[Measure]) -> str:
    """Return measures with their goals, and whether these are met."""
    rows = [
        (
            measure.name,
            *(_figure(one) for one in measure.measured),
            "" if measure.goal is None else f"{measure.goal} {measure.unit}",
            measure.verdict,
            measure.note or ("" if measure.goal or measure.unit == "×" else measure.unit),
        )
        for measure in measures
    ]
    return table(_HEADINGS, rows)


def measure_body(measure: Measure) -> dict[str, Any]:
    """Return a measure as it goes into JSON."""
    goal = measure.goal
    return {
        "part": measure.part,
        "name": measure.name,
        "by_minima": measure.measured.minima,
        "median": measure.measured.median,
        "unit": measure.unit,
        "goal": None if goal is None else {"limit": goal.limit, "at_least": goal.is_least},
        "met": None if goal is None else goal.is_met(measure.measured),
        "note": measure.note,
    }


def _median(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 1_000 else f"{number:.1f}" if number >= 100 else f"{number:.2f}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns; the first and the last are set left, figures right."""
    every = [tuple(headings), *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(headings))]
    last = len(headings) - 1
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
