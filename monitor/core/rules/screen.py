"""The screen: which accounts a price message may have brought across a line of their rules, told by floats.

It returns candidates for exact readings and decides nothing. Accounts it has no rows of are candidates always, and so
are those that have changed since the columns were made. The arithmetic is in `screen_judging`, the audit of the columns
in `screen_audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import nan

import numpy as np

from monitor.core.amounts import Number
from monitor.core.audit.fault import Fault
from monitor.core.market import Market
from monitor.core.rules.screen_audit import mended
from monitor.core.rules.screen_columns import AccountLines, Columns
from monitor.core.rules.screen_judging import candidates
from monitor.core.rules.screen_prices import ScreenPrices
from monitor.core.rules.screen_rows import AccountRows

WAITING = 64
"""So many changed accounts at least are judged exactly before the columns are made anew."""


_NOTHING = object()


class Screen:
    """Keep the rows of all accounts with rules on ticks side by side."""

    def __init__(self, market: Market, lines_of: Callable[[int, AccountRows], AccountLines]) -> None:
        self._prices = ScreenPrices(market)
        self._lines_of = lines_of
        self._rows: dict[int, AccountRows | None] = {}
        self._waiting: set[int] = set()
        self._exact: set[int] = set()
        self._places: dict[int, int] = {}
        self._columns = Columns([], self._prices)
        self._is_current = True

    def put(self, number: int, rows: AccountRows | None) -> None:
        """Replace the rows of an account; None: only exact arithmetic can tell."""
        self._rows[number] = rows
        (self._exact if rows is None else self._waiting).add(number)
        (self._waiting if rows is None else self._exact).discard(number)

    def drop(self, number: int) -> None:
        """Forget an account."""
        self._rows.pop(number, None)
        self._waiting.discard(number)
        self._exact.discard(number)

    def relined(self, number: int) -> None:
        """Take over the lines of an account whose memory may have changed."""
        place, rows = self._places.get(number), self._rows.get(number)
        if place is not None and rows is not None and number not in self._waiting:
            self._columns.set_lines(place, self._lines_of(number, rows))

    def rebased(self, number: int, high: Number | None) -> None:
        """Take over another high of an account, its levels being what they were."""
        place = self._places.get(number)
        if place is not None and number not in self._waiting and high is not None:
            self._columns.base[place] = float(high)

    def refresh(self, symbols: Iterable[str], assets: Iterable[str], *, terms: bool) -> None:
        """Read prices anew; `terms`: those of the contracts too."""
        self._prices.refresh(symbols, assets, terms=terms)

    def outdate(self) -> None:
        """Note that any price may have changed unseen: all are read anew before they are used."""
        self._is_current = False

    def candidates(self, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return those of some accounts that are to be read exactly, and those that can only have a new high."""
        if len(self._waiting) > max(WAITING, len(self._rows) // 16):
            self._build()
        if not self._is_current:
            self._prices.refresh_all()
            self._is_current = True
        exact = [number for number in numbers if number in self._waiting or number in self._exact]
        known = [number for number in numbers if number not in self._waiting and number not in self._exact]
        if not known:
            return exact, []
        places = np.array([self._places[number] for number in known], dtype=np.int64)
        crossing, rising = (found[places] for found in candidates(self._columns, places, self._prices))
        by_number = np.array(known, dtype=np.int64)
        return sorted(exact + by_number[crossing].tolist()), by_number[rising & ~crossing].tolist()

    def audited(self, number: int, rows: AccountRows | None) -> list[Fault]:
        """Compare what is kept of an account with the rows it must have; set right what differs, and return it."""
        place, is_waiting = self._places.get(number), number in self._waiting
        is_lost = self._rows.get(number, _NOTHING) != rows or (number in self._exact) is not (rows is None)
        if is_lost or not (rows is None or is_waiting or place is not None):
            self.put(number, rows)
            return [Fault("rules_rows", nan, nan)]
        if rows is None or is_waiting or place is None:
            return []
        faults = mended(self._columns, place, rows, self._lines_of(number, rows), self._prices)
        if faults is None:
            self._build()
            return [Fault("rules_places", nan, nan)]
        return faults

    def audited_symbol(self, name: str) -> list[Fault]:
        """Compare what is kept of a symbol with the market; set right what differs, and return it."""
        return self._prices.audited_symbol(name) if self._is_current else []

    def audited_asset(self, name: str) -> list[Fault]:
        """Compare what is kept of an asset with the market; set right what differs, and return it."""
        return self._prices.audited_asset(name) if self._is_current else []

    @property
    def assets(self) -> list[str]:
        """The assets that have ever been named."""
        return list(self._prices.assets.numbers)

    def _build(self) -> None:
        """Lay all rows side by side."""
        built = [(number, rows) for number, rows in self._rows.items() if rows is not None]
        self._waiting = set()
        self._places = {number: place for place, (number, _) in enumerate(built)}
        self._columns = Columns([rows for _, rows in built], self._prices)
        self._prices.refresh_all()
        self._is_current = True
        for place, (number, rows) in enumerate(built):
            self._columns.set_lines(place, self._lines_of(number, rows))
