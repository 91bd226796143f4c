"""The chart: how far each measure is from its goal, and what a position costs each way, as one SVG of our own.

Both axes are logarithmic; bars to the right of the line meet their goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import NamedTuple

from bench.measures import Measure, Result

_LEFT, _WIDTH, _RIGHT, _ROW, _TOP = 430, 470, 190, 22, 56
_MET, _MISSED, _PLAIN = "#2e7d32", "#c62828", "#4a6fa5"


class Bar(NamedTuple):
    """Hold one bar: its name, its length on the axis, what stands beside it, and its colour."""

    name: str
    value: float
    label: str
    colour: str


def write(results: Sequence[Result], folder: Path) -> Path:
    """Draw what was measured into a folder; return where it is."""
    measures = [measure for result in results for measure in result.measures if measure.goal is not None]
    costs = [
        Bar(f"{result.part}: {case}", min(seconds) * 1e9, f"{min(seconds) * 1e9:,.2f} ns a {result.unit}", _PLAIN)
        for result in results
        for case, seconds in result.timings.seconds.items()
    ]
    goals = _panel("Measured / goal (right of the line: met)", [_distance(one) for one in measures], 0, from_one=True)
    below = _height(len(measures))
    times = _panel("Least processor time", costs, below, from_one=False)
    folder.mkdir(parents=True, exist_ok=True)
    return _save(goals + times, below + _height(len(costs)), folder / "bench.svg")


def write_bars(panels: Sequence[tuple[str, Sequence[Bar]]], path: Path) -> Path:
    """Draw panels of bars, one below the other; return where they are."""
    drawn, top = [], 0
    for title, bars in panels:
        drawn.append(_panel(title, bars, top, from_one=False))
        top += _height(len(bars))
    return _save("".join(drawn), top, path)


def _save(drawn: str, height: int, path: Path) -> Path:
    path.write_text(page(_LEFT + _WIDTH + _RIGHT, height, drawn))
    return path


def page(width: int, height: int, drawn: str) -> str:
    """Return what was drawn as a picture of its own, on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{drawn}</svg>\n'
    )


def _distance(measure: Measure) -> Bar:
    """Return how far a measure is from its goal, by whichever of its two figures is worse."""
    assert measure.goal is not None
    limit, least = measure.goal.limit, measure.goal.is_least
    value = min(measure.measured) / limit if least else limit / max(measure.measured)
    worse = min(measure.measured) if least else max(measure.measured)
    colour = _MET if measure.goal.is_met(measure.measured) else _MISSED
    return Bar(measure.name, value, f"{worse:,.3g} ({measure.goal})", colour)


def _height(bars: int) -> int:
    return _TOP + bars * _ROW + 24


def _panel(title: str, bars: Sequence[Bar], top: int, *, from_one: bool) -> str:
    """Return a heading, decades with their lines, and the bars."""
    values = [bar.value for bar in bars] or [1.0]
    low, high = floor(log10(min(values)) - 0.05), ceil(log10(max(values)) + 0.05)
    low, high = (min(low, -1), max(high, 1)) if from_one else (low, max(high, low + 1))

    def at(value: float) -> float:
        return _LEFT + (log10(value) - low) / (high - low) * _WIDTH

    drawn = [f'<text x="10" y="{top + 22}" font-size="15" font-weight="bold">{escape(title)}</text>']
    bottom = top + _TOP + len(bars) * _ROW
    for decade in range(low, high + 1):
        x, stroke = at(10.0**decade), "#444" if from_one and decade == 0 else "#ddd"
        drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + _TOP - 6}" y2="{bottom}" stroke="{stroke}"/>')
        drawn.append(
            f'<text x="{x:.1f}" y="{top + _TOP - 10}" text-anchor="middle" fill="#666">{10.0**decade:g}</text>'
        )
    start = at(1.0) if from_one else float(_LEFT)
    for number, bar in enumerate(bars):
        y, end = top + _TOP + number * _ROW, at(bar.value)
        x, length = min(start, end), abs(end - start)
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>')
        drawn.append(f'<rect x="{x:.1f}" y="{y + 2}" width="{length:.1f}" height="15" fill="{bar.colour}"/>')
        drawn.append(f'<text x="{max(start, end) + 5:.1f}" y="{y + 13}" fill="#333">{escape(bar.label)}</text>')
    return "".join(drawn)
