"""Insurance funds: what each holds, which contracts it stands behind, and how high it stood within a window.

Which of two figures counts and which fund a contract belongs to is decided here; what a fund pays for is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from monitor.core.amounts import format_amount


@dataclass(frozen=True, slots=True)
class InsuranceFund:
    """Hold the state of one fund; without `symbols` it stands behind every contract settled in its asset."""

    fund: str
    asset: str
    balance: Decimal
    event_time_ms: int
    symbols: frozenset[str] | None = None


def fund_object(fund: InsuranceFund) -> dict[str, Any]:
    """Return the plain form of a fund's state, as it stands in its message."""
    body: dict[str, Any] = {
        "fund": fund.fund,
        "asset": fund.asset,
        "balance": format_amount(fund.balance),
        "event_time_ms": fund.event_time_ms,
    }
    return body if fund.symbols is None else body | {"symbols": sorted(fund.symbols)}


def fund_of(body: Mapping[str, Any]) -> InsuranceFund:
    """Return the fund whose plain form this is."""
    symbols = None if "symbols" not in body else frozenset(body["symbols"])
    return InsuranceFund(body["fund"], body["asset"], Decimal(body["balance"]), body["event_time_ms"], symbols)


class Place(NamedTuple):
    """Point at the message a figure came from."""

    partition: int
    offset: int


class FundShelf:
    """Hold every fund that is known, with the peaks of its window."""

    GRAINS: ClassVar = 480
    """A window is counted in so many parts: of eight hours, minutes."""

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self.funds: dict[str, InsuranceFund] = {}
        self.places: dict[str, Place] = {}
        """Where the last message about each fund stood, its deletion included."""
        self._levels: dict[str, dict[int, Decimal]] = {}
        self.serial = 0
        """Rises when what is known of the funds changes: whoever keeps copies looks here."""

    def take(self, name: str, fund: InsuranceFund | None, place: Place) -> bool:
        """Take a figure over if it counts: one not newer by `event_time_ms` is late. Return whether so.

        A deletion always counts; whatever comes after it begins anew.
        """
        last = self.funds.get(name)
        self.serial += 1
        if fund is None:
            self.places[name] = place
            self._levels.pop(name, None)
            self.funds.pop(name, None)
            return True
        if last is not None and fund.event_time_ms <= last.event_time_ms:
            return False
        self.places[name] = place
        self.funds[name] = fund
        self._raise(name, fund.event_time_ms, fund.balance if last is None else max(last.balance, fund.balance))
        return True

    def fund_for(self, symbol: str, settle_asset: str) -> InsuranceFund | None:
        """Return the fund that names a contract, else the one of its settle asset that names none.

        Where several would do it is the first by name, so that every shard agrees.
        """
        named = [fund for fund in self.funds.values() if fund.symbols is not None and symbol in fund.symbols]
        general = (fund for fund in self.funds.values() if fund.symbols is None and fund.asset == settle_asset)
        return min(named or general, key=lambda fund: fund.fund, default=None)

    def peak(self, name: str, now_ms: int) -> Decimal | None:
        """Return the highest balance within the window up to a time; None for a fund that is not known.

        The window is counted in 480ths: a level that held at the beginning of its first part still counts.
        """
        fund = self.funds.get(name)
        if fund is None:
            return None
        oldest = self.grain(now_ms - self.window_ms)
        return max([fund.balance, *(level for at, level in self._levels.get(name, {}).items() if at >= oldest)])

    def levels(self, name: str) -> dict[int, Decimal]:
        """Return the peaks of the window, by the number of its part."""
        return dict(self._levels.get(name, {}))

    def restore_levels(self, name: str, levels: Mapping[int, Decimal]) -> None:
        """Join peaks that were counted elsewhere."""
        mine = self._levels.setdefault(name, {})
        for at, level in levels.items():
            mine[at] = max(level, mine.get(at, level))

    def grain(self, time_ms: int) -> int:
        """Return the number of the part of the window that a time lies in."""
        return time_ms // max(1, self.window_ms // self.GRAINS)

    def stated(self) -> Iterator[tuple[str, InsuranceFund | None, Place, dict[int, Decimal]]]:
        """Return every fund, None where it was deleted, with the place of its last message and its peaks."""
        for name, place in self.places.items():
            yield name, self.funds.get(name), place, self.levels(name)

    def restore(self, fund: InsuranceFund, place: Place, levels: Mapping[int, Decimal]) -> None:
        """Join what was remembered of a fund: compaction keeps the last message, even one that came late.

        A fund the topic does not know any more is not brought back.
        """
        known = self.funds.get(fund.fund)
        if known is None:
            return
        self.restore_levels(fund.fund, levels)
        if known.event_time_ms < fund.event_time_ms:
            self.serial += 1
            self.funds[fund.fund], self.places[fund.fund] = fund, max(place, self.places[fund.fund])

    def _raise(self, name: str, time_ms: int, level: Decimal) -> None:
        """Note a level in the part it was stated in: what held before held until then."""
        at, oldest = self.grain(time_ms), self.grain(time_ms - self.window_ms)
        levels = self._levels.get(name, {})
        kept = {part: peak for part, peak in levels.items() if part >= oldest}
        kept[at] = max(level, kept.get(at, level))
        self._levels[name] = kept
