"""A fund's keeper as its shard drives it: a desk, the records that survive it, and small words to claim with."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from monitor.core.accounts import Side
from monitor.core.adl.queue import AdlQueue
from monitor.core.adl.settings import AdlSettings
from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.fund.claims import BankruptScope, Claim, ClaimedPosition, FundFigure, PriceMark, Release
from monitor.core.fund.desk import FundDesk
from monitor.core.fund.settings import FundSettings
from monitor.core.funds import InsuranceFund
from monitor.core.inputs import FundRecord, FundTerms, Origin
from monitor.core.outcome import FundOutcome

NOW = 1_000_000_000


def claim(
    account: str,
    amount: str,
    *,
    fund: str = "main",
    costs: dict[str, str] | None = None,
    suspect: bool = False,
    seen: tuple[str, int] = ("100", 0),
) -> Claim:
    """Return a claim of one bankrupt account; `costs` by symbol, `seen` the balance its shard saw and where."""
    positions = [
        ClaimedPosition(
            symbol, Side.BOTH, Decimal(10), Decimal(100), Decimal(90), None, Decimal(92), Decimal(cost), MARK
        )
        for symbol, cost in (costs or {"XUSDT": amount}).items()
    ]
    number = hashlib.sha256(f"{account}\ncross:USDT\nclaim:{fund}\n2".encode()).hexdigest()[:32]
    cause = {"kind": "mark_price", "symbol": "XUSDT"}
    bankrupt = BankruptScope(account, "cross:USDT", 2, 1, "e" * 32, 7, suspect, f"-{amount}", cause, NOW)
    figure = FundFigure(fund, "USDT", Decimal(seen[0]), 1, 0, seen[1])
    return Claim(number, Decimal(amount), bankrupt, figure, tuple(positions))


MARK = PriceMark(0, 3, NOW - 10)


class Keeper:
    """Hold a desk, and what its outcomes gave to keep and to tell."""

    def __init__(self, adl: AdlSettings | None = None, settle_ms: int = 60_000) -> None:
        self._adl = adl or AdlSettings()
        self._settings = FundSettings(settle_ms)
        self.desk = self._make()
        self.claims: dict[str, dict[str, Any]] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self.promises: dict[str, list[list[Any]]] = {}
        self.queue = AdlQueue()
        self.desk.selector.join(self.queue, 1)
        self.told: list[dict[str, Any]] = []
        self.decisions: list[str] = []
        self._offset = 0
        self._fund_offset = 0
        self._last: list[FundTerms] = []

    def _make(self) -> FundDesk:
        self.board = MarketBoard(FreshnessSettings(), fund_window_ms=self._adl.window_ms)
        return FundDesk(self.board, self._adl, self._settings)

    def fund(self, balance: str | None, now_ms: int = NOW, *, at_ms: int | None = None, name: str = "main") -> None:
        """State what a fund holds; None deletes it."""
        time_ms = now_ms if at_ms is None else at_ms
        terms = None if balance is None else InsuranceFund(name, "USDT", Decimal(balance), time_ms)
        item = FundTerms(name, terms, Origin("insurance-funds", 0, self._fund_offset))
        self._fund_offset += 1
        self._last = [one for one in self._last if one.fund != name] + [item]
        self._take(lambda outcome: self.desk.terms(item, now_ms, outcome))

    def receive(self, message: Claim | Release, now_ms: int = NOW) -> None:
        """Hand over the next message of the fund topic."""
        item = FundRecord(message, Origin("liqmon-fund", 0, self._offset), now_ms)
        self._offset += 1
        self._take(lambda outcome: self.desk.record(item, now_ms, outcome))

    def release(self, one: Claim, event_ms: int | None, now_ms: int = NOW) -> None:
        """Hand over the release of a claim."""
        self.receive(Release(one.claim_id, one.fund, event_ms), now_ms)

    def clock(self, now_ms: int) -> None:
        """Let time pass."""
        self._take(lambda outcome: self.desk.clock(now_ms, outcome))

    def restart(self, now_ms: int = NOW) -> None:
        """Throw the desk away and build another from the last figures of the funds and from what was kept."""
        self.desk = self._make()
        for item in self._last:
            self.desk.terms(item, now_ms, FundOutcome())
        self.desk.restore(self.claims, self.windows, self.promises)
        self.desk.selector.join(self.queue, 1)

    def left(self, now_ms: int = NOW, name: str = "main") -> str:
        """Return what is left of a fund."""
        view = self.desk.view(name, now_ms)
        assert view is not None
        return str(view.left)

    def _take(self, work: Any) -> None:
        outcome = FundOutcome()
        work(outcome)
        for number, body in outcome.claims.items():
            if body is None:
                self.claims.pop(number, None)
            else:
                self.claims[number] = body
        for name in outcome.windows:
            window = self.desk.window(name)
            if window is None:
                self.windows.pop(name, None)
            else:
                self.windows[name] = window
        for name, promised in outcome.promises.items():
            if promised is None:
                self.promises.pop(name, None)
            else:
                self.promises[name] = promised
        self.told += [dict(request.body["event"]) for request in outcome.requests]
        self.decisions += list(outcome.decisions.elements())
