"""The verdict on one scope: its figures, its status, and what is doubtful about it.

How figures become a status when prices are missing, aged or stale is decided here; the figures come from `margin`, the
thresholds from `ladder`, and what the world is told from `told`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from monitor.core.accounts import Account
from monitor.core.amounts import exactly
from monitor.core.board import MarketBoard
from monitor.core.freshness import Age
from monitor.core.ladder import Ladder, MarginStatus, debt_floor_in
from monitor.core.margin import Assessment, assess
from monitor.core.market import Market
from monitor.core.scopes import ScopeKind, kind_of, positions_of
from monitor.core.shifted import Shifted


@dataclass(frozen=True, slots=True)
class Ladders:
    """Hold the ladder of each kind of scope."""

    cross: Ladder
    isolated: Ladder
    portfolio: Ladder

    @classmethod
    def same(cls, ladder: Ladder) -> Ladders:
        """Return one ladder for every kind of scope."""
        return cls(ladder, ladder, ladder)

    def all(self) -> tuple[Ladder, Ladder, Ladder]:
        """Return the ladders in the order of `number`."""
        return self.cross, self.isolated, self.portfolio

    def number(self, kind: ScopeKind) -> int:
        """Return which ladder of `all` a kind of scope uses."""
        if kind is ScopeKind.ISOLATED:
            return 1
        return 2 if kind is ScopeKind.PORTFOLIO else 0

    def of(self, kind: ScopeKind) -> Ladder:
        """Return the ladder of a kind of scope."""
        return self.all()[self.number(kind)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what was decided about a scope.

    `assessment` is made at the last prices; `degraded` names what stands on aged or stale prices; `bands` holds the
    ends (marks by symbol, indices by asset) a stale verdict was tried at.
    """

    assessment: Assessment
    status: MarginStatus
    raw_status: MarginStatus
    unknown_because: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """Hold the ends between which a stale or quarantined price is believed to lie; `doubt` is what it is called."""

    name: str
    is_asset: bool
    low: Decimal
    high: Decimal
    doubt: str

    @property
    def reason(self) -> str:
        """The word that stands in `degraded` and `unknown_because`."""
        return f"{self.doubt}:{self.name}"

    def at(self, base: Market, price: Decimal) -> Shifted:
        """Return the market with this price moved."""
        if self.is_asset:
            return Shifted(base, {}, {self.name: price})
        return Shifted(base, {self.name: price}, {})


@exactly
def judge(account: Account, scope: str, board: MarketBoard, ladders: Ladders, last: MarginStatus) -> Verdict:
    """Return the verdict on a scope whose last known status is `last`."""
    assessment = assess(account, scope, board)
    if assessment.unknown_because:
        return Verdict(assessment, MarginStatus.UNKNOWN, MarginStatus.UNKNOWN, assessment.unknown_because)
    degraded, bands = doubts(account, scope, board)
    return decide(account, assessment, board, ladders, last, degraded, bands)


def decide(
    account: Account,
    assessment: Assessment,
    market: Market,
    ladders: Ladders,
    last: MarginStatus,
    degraded: tuple[str, ...] = (),
    bands: tuple[Band, ...] = (),
) -> Verdict:
    """Return the verdict on figures that are known, trying both ends of every band. Needs the exact context."""
    ladder = ladders.of(assessment.kind)
    raw, told = _statuses(assessment, ladder, last)
    if not bands:
        return Verdict(assessment, told, raw, degraded=degraded)
    ends = [assess(account, assessment.scope, end) for end in _ends(account, assessment.scope, market, bands)]
    found = {_statuses(end, ladder, last)[1] for end in ends if not end.unknown_because}
    if len(found) == 1 and not any(end.unknown_because for end in ends):
        return Verdict(assessment, found.pop(), raw, degraded=degraded, bands=bands)
    because = tuple(band.reason for band in bands)
    return Verdict(assessment, MarginStatus.UNKNOWN, MarginStatus.UNKNOWN, because, degraded, bands)


def _statuses(assessment: Assessment, ladder: Ladder, last: MarginStatus) -> tuple[MarginStatus, MarginStatus]:
    equity, requirement = assessment.equity, assessment.maintenance_margin
    assert equity is not None and requirement is not None, "a scope that is not unknown has figures"
    floor = debt_floor_in(ladder, assessment.index_price)
    return ladder.raw(equity, requirement, floor), ladder.told(last, equity, requirement, floor)


def doubts(account: Account, scope: str, board: MarketBoard) -> tuple[tuple[str, ...], tuple[Band, ...]]:
    """Return why a scope is degraded, and the bands of the stale prices it needs."""
    degraded: list[str] = []
    bands: list[Band] = []
    for name, is_asset, age, price in _needed(account, scope, board):
        if age is Age.FRESH or price is None:
            continue
        low, high = board.band(price)
        band = Band(name, is_asset, low, high, board.doubt(name, is_asset=is_asset))
        degraded.append(band.reason)
        if age is Age.STALE:
            bands.append(band)
    return tuple(degraded), tuple(bands)


def _needed(account: Account, scope: str, board: MarketBoard) -> list[tuple[str, bool, Age, Decimal | None]]:
    """Return every price a scope stands on: (name, is an asset, age, last price)."""
    symbols = sorted({position.symbol for position in positions_of(account, scope, board)})
    needed = [(symbol, False, board.symbol_age(symbol), board.mark(symbol)) for symbol in symbols]
    if kind_of(account, scope) in (ScopeKind.MULTI_ASSET, ScopeKind.PORTFOLIO):
        settled = {terms.settle_asset for symbol in symbols if (terms := board.instrument(symbol)) is not None}
        held = {name for name, amount in account.balances.items() if amount}
        for name in sorted(settled | held):
            asset = board.asset(name)
            needed.append((name, True, board.asset_age(name), None if asset is None else asset.index_price))
    return needed


def _ends(account: Account, scope: str, market: Market, bands: Sequence[Band]) -> tuple[Shifted, Shifted]:
    """Return the markets with every stale price at the end that is worse, and better, for this scope.

    An end at which figures are not known is the worse one: what is zero at the last price may count at another.
    """
    worse: dict[bool, dict[str, Decimal]] = {False: {}, True: {}}
    better: dict[bool, dict[str, Decimal]] = {False: {}, True: {}}
    for band in bands:
        at_low, at_high = (_headroom(account, scope, band.at(market, end)) for end in (band.low, band.high))
        low_is_worse = at_low is None or (at_high is not None and at_low <= at_high)
        worse[band.is_asset][band.name] = band.low if low_is_worse else band.high
        better[band.is_asset][band.name] = band.high if low_is_worse else band.low
    return Shifted(market, worse[False], worse[True]), Shifted(market, better[False], better[True])


def _headroom(account: Account, scope: str, market: Market) -> Fraction | None:
    figures = assess(account, scope, market)
    if figures.equity is None or figures.maintenance_margin is None:
        return None
    return Fraction(figures.equity) - Fraction(figures.maintenance_margin)
