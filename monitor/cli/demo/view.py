"""The demo's view: a live picture on a terminal, plain lines on a pipe, and the summary at the end.

What is shown comes from the tally; nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitor.cli.demo.tally import Tally
from monitor.core.ladder import MarginStatus

_COLOURS = {
    "healthy": "green",
    "watch": "cyan",
    "warning": "yellow",
    "margin_call": "dark_orange",
    "liquidation": "red",
    "critical": "bold red",
    "takeover": "magenta",
    "bankrupt": "bold magenta",
    "unknown": "dim",
}
_BAR = 30
_NEAREST = 8


class View:
    """Show the course of the demo; `live` on a terminal, lines otherwise."""

    def __init__(self, tally: Tally, console: Console, title: str) -> None:
        self._tally = tally
        self._console = console
        self._title = title
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._first: dict[str, Decimal] = {}
        self._events_before = 0

    def __enter__(self) -> View:
        """Begin to show."""
        self._console.print(self._title, style="bold", soft_wrap=True)
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the live picture."""
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Show a line of progress."""
        self._console.print(text, style="dim")

    def update(self, second: float, marks: Mapping[str, Decimal]) -> None:
        """Show how things stand at a second of the play."""
        self._first = self._first or dict(marks)
        total = self._tally.events.total()
        rate, self._events_before = total - self._events_before, total
        if self._live is not None:
            self._live.update(self._picture(second, marks, rate))
        else:
            self._console.print(self._line(second, marks, rate), soft_wrap=True)

    def _line(self, second: float, marks: Mapping[str, Decimal], rate: int) -> str:
        statuses = self._tally.by_status()
        counts = " ".join(f"{status}={statuses[status]}" for status in _COLOURS if statuses[status])
        prices = " ".join(f"{name}={mark}" for name, mark in marks.items())
        times = f"p50={self._tally.percentile_ms(0.5):.1f}ms p99={self._tally.percentile_ms(0.99):.1f}ms"
        return f"{second:5.1f}s {prices} | {counts} | events +{rate} | engine {times}"

    def _picture(self, second: float, marks: Mapping[str, Decimal], rate: int) -> RenderableType:
        header = Text(
            f"{second:.0f} s · {self._tally.ticks} price messages · {rate} new events · engine step "
            f"p50 {self._tally.percentile_ms(0.5):.1f} ms, p99 {self._tally.percentile_ms(0.99):.1f} ms"
        )
        return Group(header, self._prices(marks), self._statuses(), self._nearest())

    def _prices(self, marks: Mapping[str, Decimal]) -> Table:
        table = Table(title="mid prices, standing for marks", box=None, title_justify="left", padding=(0, 2))
        for column in ("symbol", "mark", "since the start"):
            table.add_column(column, justify="left" if column == "symbol" else "right")
        for name, mark in marks.items():
            change = 100 * (mark / self._first[name] - 1)
            table.add_row(name, f"{mark}", Text(f"{change:+.2f} %", style="red" if change < 0 else "green"))
        return table

    def _statuses(self) -> Table:
        statuses = self._tally.by_status()
        most = max(statuses.values(), default=1)
        table = Table(title="scopes by status, events so far", box=None, title_justify="left", padding=(0, 2))
        for column in ("status", "scopes", "", "events"):
            table.add_column(column, justify="right" if column in ("scopes", "events") else "left")
        for status, colour in _COLOURS.items():
            told = self._tally.events["recovered" if status == "healthy" else status]
            bar = "█" * max(bool(statuses[status]), round(_BAR * statuses[status] / most))
            table.add_row(Text(status, style=colour), str(statuses[status]), Text(bar, style=colour), str(told))
        return table

    def _nearest(self) -> Table:
        table = Table(title="nearest to liquidation", box=None, title_justify="left", padding=(0, 2))
        for column in ("account", "scope", "symbol", "status", "ratio", "distance"):
            table.add_column(column, justify="right" if column in ("ratio", "distance") else "left")
        for near in self._tally.nearest(_NEAREST):
            ratio = "–" if near.margin_ratio is None else f"{100 * Decimal(near.margin_ratio):.1f} %"
            status = Text(near.status, style=_COLOURS[near.status])
            table.add_row(near.account_id, near.scope, near.symbol, status, ratio, f"{100 * near.distance:.3f} %")
        return table

    def summary(self, played_seconds: float, accounts: int) -> None:
        """Print what has happened in all."""
        tally = self._tally
        told = ", ".join(f"{name} {count}" for name, count in tally.events.most_common()) or "none"
        statuses = tally.by_status()
        standing = ", ".join(f"{status} {statuses[status]}" for status in map(str, MarginStatus) if statuses[status])
        lines = (
            f"{accounts} accounts, {len(tally.statuses)} scopes",
            f"price messages judged: {tally.ticks} in {played_seconds:.1f} s",
            f"scopes re-margined: {tally.scopes_judged:,}",
            f"engine time for a step: p50 {tally.percentile_ms(0.5):.1f} ms, p99 {tally.percentile_ms(0.99):.1f} ms",
            f"events told: {told}",
            f"scopes at the end: {standing}",
            f"dead letters: {tally.dead_letters}",
        )
        for line in lines:
            self._console.print(line, soft_wrap=True)
