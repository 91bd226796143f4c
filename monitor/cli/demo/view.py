"""The demo's view: a live picture on a terminal, plain lines on a pipe, and the summary at the end.

What is shown comes from the tally; nothing is counted here but how fast that grows.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
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
_RATE_SECONDS = 2.0
_WIDEST_BAR = 40
_MOST_NEAR = 10
_LINES_BETWEEN = 17
_NARROW = 90


class View:
    """Show the course of the demo; `live` on a terminal, lines otherwise."""

    def __init__(self, tally: Tally, console: Console, title: str) -> None:
        self._tally = tally
        self._console = console
        self._title = Text(title, style="bold")
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._first: dict[str, Decimal] = {}
        self._past: deque[tuple[float, Counter[str]]] = deque([(time.monotonic(), Counter())])

    def __enter__(self) -> View:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
            self._live.update(self._title, refresh=True)
        else:
            self._console.print(self._title, soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        """End the live picture."""
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._console.print(text, style="dim", soft_wrap=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """Show how far something has come that takes a while."""
        line = f"{text}: {done} of {total}"
        if self._live is None:
            self._console.print(line, style="dim", soft_wrap=True)
            return
        bar = ProgressBar(total=total, completed=done, width=min(60, self._console.width))
        self._live.update(Group(self._title, Text(line, style="dim"), bar), refresh=True)

    def update(self, second: float, marks: Mapping[str, Decimal], behind: int) -> None:
        """Show how things stand at a second of the play, `behind` price messages after the market."""
        self._first = self._first or dict(marks)
        rates = self._rates()
        if self._live is not None:
            self._live.update(self._picture(second, marks, behind, rates), refresh=True)
        else:
            self._console.print(self._line(second, marks, behind, rates), soft_wrap=True)

    def _rates(self) -> dict[str, float]:
        """Return the events a second, by type, over the last moments."""
        now, events = time.monotonic(), Counter(self._tally.events)
        while len(self._past) > 1 and now - self._past[1][0] >= _RATE_SECONDS:
            self._past.popleft()
        since, before = self._past[0]
        self._past.append((now, events))
        return {name: (count - before[name]) / max(now - since, 0.1) for name, count in events.items()}

    def _times(self) -> str:
        return f"tick p50 {self._tally.percentile_ms(0.5):.2f} ms, p99 {self._tally.percentile_ms(0.99):.2f} ms"

    def _line(self, second: float, marks: Mapping[str, Decimal], behind: int, rates: Mapping[str, float]) -> str:
        statuses = self._tally.by_status()
        counts = " ".join(f"{status}={statuses[status]}" for status in _COLOURS if statuses[status])
        prices = " ".join(f"{name}={mark.normalize():f}" for name, mark in marks.items())
        told = " ".join(f"{name}={rate:.0f}" for name, rate in rates.items() if rate >= 0.5) or "none"
        return f"{second:5.1f} s | {prices} | {counts} | events/s {told} | {self._times()} | behind {behind}"

    def _picture(
        self, second: float, marks: Mapping[str, Decimal], behind: int, rates: Mapping[str, float]
    ) -> RenderableType:
        head = f"{second:.0f} s · {self._tally.ticks} price messages judged, {behind} behind · {self._times()}"
        wrapped = sum(-(-len(line) // self._console.width) for line in (self._title, head))
        rows = max(1, min(_MOST_NEAR, self._console.height - _LINES_BETWEEN - wrapped))
        return Group(self._title, Text(head), self._prices(marks), self._statuses(rates), self._nearest(rows, marks))

    def _prices(self, marks: Mapping[str, Decimal]) -> Table:
        table = _table("symbol", "mid as mark", "since the start")
        for name, mark in marks.items():
            change = 100 * (mark / self._first[name] - 1)
            style = "red" if change < 0 else "green"
            table.add_row(name, f"{mark.normalize():f}", Text(f"{change:+.2f} %", style=style))
        return table

    def _statuses(self, rates: Mapping[str, float]) -> Table:
        """Return scopes and events by status; a bar's length is the logarithm of its count, so that few show too."""
        statuses = self._tally.by_status()
        most = max(statuses.values(), default=1).bit_length()
        room = max(5, min(_WIDEST_BAR, self._console.width - 50))
        table = _table("status", "scopes", "events", "a second", "(bars are logarithmic)")
        table.columns[-1].justify = "left"
        for status, colour in _COLOURS.items():
            event = "recovered" if status == "healthy" else status
            bar = Text("█" * round(room * statuses[status].bit_length() / most), style=colour)
            rate = rates.get(event, 0.0)
            counts = (str(statuses[status]), str(self._tally.events[event]), f"{rate:.0f}" if rate >= 0.5 else "")
            table.add_row(Text(status, style=colour), *counts, bar)
        return table

    def _nearest(self, rows: int, marks: Mapping[str, Decimal]) -> Table:
        narrow = self._console.width < _NARROW
        table = _table("nearest to liquidation", "distance", "status", *(() if narrow else ("ratio", "symbol")))
        for distance, near in self._tally.nearest(rows, marks):
            ratio = "–" if near.margin_ratio is None else f"{100 * Decimal(near.margin_ratio):.1f} %"
            status = Text(near.status, style=_COLOURS[near.status])
            rest = () if narrow else (ratio, near.symbol)
            table.add_row(f"{near.account_id} {near.scope}", f"{100 * distance:.3f} %", status, *rest)
        return table

    def summary(self, played_seconds: float, accounts: int, behind: int) -> None:
        """Print what has happened in all."""
        tally = self._tally
        told = ", ".join(f"{name} {count}" for name, count in tally.events.most_common()) or "none"
        statuses = tally.by_status()
        standing = ", ".join(f"{status} {statuses[status]}" for status in map(str, MarginStatus) if statuses[status])
        late = f" ({behind} more were not judged in time)" if behind else ""
        liquidated = sum(statuses[name] for name in ("liquidation", "critical", "takeover", "bankrupt"))
        lines = (
            f"{accounts} accounts, {len(tally.statuses)} scopes",
            f"price messages judged: {tally.ticks} in {played_seconds:.1f} s{late}",
            f"scopes re-margined: {tally.scopes_judged:,}",
            f"time of a price message on one shard: {self._times().removeprefix('tick ')}",
            f"events told: {told}",
            f"scopes at the end: {standing or 'none'}; in liquidation or worse: {liquidated}",
            f"dead letters: {tally.dead_letters}",
        )
        if self._live is not None:
            self._console.print(self._title, soft_wrap=True)
        for line in lines:
            self._console.print(line, soft_wrap=True)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True, overflow="ellipsis")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True, overflow="ellipsis")
    return table
