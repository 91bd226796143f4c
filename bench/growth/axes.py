"""What came out along one axis: what each point took, how steeply that grows, as a table and as plain data.

The drawing is in `drawing`, what the axes are is said by the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from bench.measures import Measure
from bench.report import table
from bench.rounds import Ratio


@dataclass(frozen=True)
class Axis:
    """Hold lines over an axis: of each line, by place on the axis, the least and the median of what was measured.

    `scale` makes of what was measured what is printed in `unit`. `beside` are columns of words.
    """

    name: str
    title: str
    x: str
    unit: str
    scale: float
    lines: Mapping[str, Mapping[float, Ratio]]
    beside: Mapping[str, Mapping[float, str]] = field(default_factory=dict)

    @property
    def places(self) -> list[float]:
        """The places on the axis, each once."""
        return sorted({place for line in self.lines.values() for place in line})

    def text(self) -> str:
        """Return the table: least and median of every line, and the power of x that each grows by."""
        headings = (self.x, *(f"{name}, {self.unit}" for name in self.lines), *self.beside, "")
        rows = [
            (
                f"{place:,g}",
                *(_pair(line[place], self.scale) if place in line else "" for line in self.lines.values()),
                *(words.get(place, "") for words in self.beside.values()),
                "",
            )
            for place in self.places
        ]
        steep = [f"{power(line):.2f}" if len(line) > 1 else "" for line in self.lines.values()]
        rows.append(("grows by the power of", *steep, *("" for _ in self.beside), ""))
        return f"{self.title}: least (median)\n{table(headings, rows)}"

    def body(self) -> dict[str, Any]:
        """Return it as it goes into JSON."""
        lines = {
            name: [{"x": place, "least": one.minima, "median": one.median} for place, one in sorted(line.items())]
            for name, line in self.lines.items()
        }
        beside = {
            name: {f"{place:g}": words for place, words in sorted(of.items())} for name, of in self.beside.items()
        }
        shape = {"title": self.title, "x": self.x, "unit": self.unit, "scale": self.scale}
        return {**shape, "lines": lines, "beside": beside}


@dataclass(frozen=True)
class Found:
    """Hold what a part has found; `faults` are wrong results, in words."""

    axes: Sequence[Axis] = ()
    measures: Sequence[Measure] = ()
    said: Sequence[str] = ()
    faults: Sequence[str] = ()


def power(line: Mapping[float, Ratio]) -> float:
    """Return p of x^p from the first place above 0 to the last one, by minima: 1 is in proportion, 0 not at all."""
    first, last = min(place for place in line if place > 0), max(line)
    return log(line[last].minima / line[first].minima) / log(last / first) if first < last else 0.0


def _pair(measured: Ratio, scale: float) -> str:
    return f"{measured.minima * scale:,.3g} ({measured.median * scale:,.3g})"
