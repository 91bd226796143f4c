"""What a part has measured: figures with their goals, histograms, and what was wrong; as text and for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.e2e.latency import Latencies
from bench.measures import Goal
from bench.report import table


@dataclass(frozen=True)
class Figure:
    """Hold one figure; without a goal it is there to explain another one."""

    name: str
    value: float
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met, None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal.limit if self.goal.is_least else self.value <= self.goal.limit

    def row(self) -> tuple[str, str, str, str, str]:
        """Return it as it stands in the table."""
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        goal = "" if self.goal is None else f"{self.goal} {self.unit}"
        return self.name, f"{_rounded(self.value)} {self.unit}", goal, verdict, self.note


@dataclass
class Result:
    """Hold what a part has measured. `complaints` are wrong results, which no speed makes up for."""

    part: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    latencies: list[Latencies] = field(default_factory=list)
    complaints: Sequence[str] = ()

    def text(self) -> str:
        """Return histograms and table."""
        lines = [line for one in self.latencies for line in (*one.lines(), "")]
        rows = [one.row() for one in self.figures]
        wrong = [f"WRONG  {complaint}" for complaint in self.complaints]
        return "\n".join([self.title, "", *lines, table(("measure", "", "goal", "", ""), rows), *wrong])

    def body(self) -> dict[str, Any]:
        """Return everything as it goes into JSON."""
        return {
            "part": self.part,
            "title": self.title,
            "figures": [
                {
                    "name": one.name,
                    "value": one.value,
                    "unit": one.unit,
                    "goal": None if one.goal is None else {"limit": one.goal.limit, "at_least": one.goal.is_least},
                    "met": one.is_met,
                    "note": one.note,
                }
                for one in self.figures
            ],
            "latencies": {one.name: one.body() for one in self.latencies},
            "complaints": list(self.complaints),
        }


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
