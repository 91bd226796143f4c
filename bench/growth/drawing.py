"""The charts of the axes: both scales logarithmic, one panel below the other, as one SVG of our own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import Final

from bench.chart import page
from bench.growth.axes import Axis

COLOURS: Final = ("#1f5fa8", "#c8591a", "#2e7d32", "#7b3fa0", "#8d6e00", "#00838f")
_LEFT, _WIDTH, _RIGHT, _HEIGHT, _TOP, _BOTTOM = 70, 520, 330, 230, 56, 56


def write(axes: Sequence[Axis], folder: Path) -> Path:
    """Draw the axes into a folder; return where it is."""
    tall = _TOP + _HEIGHT + _BOTTOM
    panels = "".join(_panel(axis, number * tall) for number, axis in enumerate(axes))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "growth.svg"
    path.write_text(page(_LEFT + _WIDTH + _RIGHT, max(tall * len(axes), tall), panels))
    return path


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten around some values, at least one decade."""
    least, most = min(values), max(values)
    low = floor(log10(least) + 1e-9)
    return low, max(ceil(log10(most) - 1e-9), low + 1)


def _panel(axis: Axis, top: int) -> str:
    """Return title, decades, lines with their points, and what each line is."""
    points = {
        name: [(place, one.minima * axis.scale) for place, one in sorted(line.items()) if place > 0 and one.minima > 0]
        for name, line in axis.lines.items()
    }
    everything = [point for line in points.values() for point in line]
    drawn = [f'<text x="10" y="{top + 22}" font-size="15" font-weight="bold">{escape(axis.title)}</text>']
    if not everything:
        return "".join(drawn)
    across, up = (_decades([point[side] for point in everything]) for side in (0, 1))
    bottom = top + _TOP + _HEIGHT

    def at(point: tuple[float, float]) -> tuple[float, float]:
        along, above = (
            (log10(value) - low) / (high - low) for value, (low, high) in zip(point, (across, up), strict=True)
        )
        return _LEFT + along * _WIDTH, bottom - above * _HEIGHT

    for decade in range(across[0], across[1] + 1):
        x, _ = at((10.0**decade, 10.0 ** up[0]))
        drawn.append(_rule(x, x, top + _TOP, bottom))
        drawn.append(_label(x, bottom + 16, "middle", f"{10.0**decade:,.15g}"))
    for decade in range(up[0], up[1] + 1):
        _, y = at((10.0 ** across[0], 10.0**decade))
        drawn.append(_rule(_LEFT, _LEFT + _WIDTH, y, y))
        drawn.append(_label(_LEFT - 6, y + 4, "end", f"{10.0**decade:,.15g}"))
    drawn.append(_label(_LEFT + _WIDTH / 2, bottom + 34, "middle", axis.x))
    drawn.append(_label(_LEFT - 6, top + _TOP - 10, "end", axis.unit))
    for number, (name, line) in enumerate(points.items()):
        colour, places = COLOURS[number % len(COLOURS)], [at(point) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = top + _TOP + 14 + number * 18
        drawn.append(f'<rect x="{_LEFT + _WIDTH + 16}" y="{y - 9}" width="12" height="4" fill="{colour}"/>')
        drawn.append(_label(_LEFT + _WIDTH + 34, y - 3, "start", name))
    return "".join(drawn)


def _rule(left: float, right: float, top: float, bottom: float) -> str:
    return f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#444">{escape(text)}</text>'
