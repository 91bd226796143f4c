"""The market: how old the newest price of each contract is, and how far the clocks of those who date them are apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.app.doctor.findings import Finding, failure, good, listed, warning
from monitor.core.freshness import FreshnessSettings

PRICES, CLOCKS = "prices", "clocks"


@dataclass(slots=True)
class MarketSeen:
    """Hold what the inputs say. Times are milliseconds since 1970, of the log unless said otherwise.

    `contracts` are those in trading; `prices` holds when the newest price of each symbol was appended, as far back as
    `window_ms`; `ahead_ms` by how much the newest event time of a symbol is ahead of that. `skews_ms` holds, by whose
    clock it is, what was dated while we listened, minus our clock at its receipt; `newest_ms` the newest append time
    of any price. `dates` is whether the log dates prices itself.
    """

    now_ms: int = 0
    window_ms: int = 0
    contracts: set[str] = field(default_factory=set)
    prices: dict[str, int] = field(default_factory=dict)
    ahead_ms: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    newest_ms: int | None = None
    dates: bool = True
    skews_ms: dict[str, int] = field(default_factory=dict)
    is_whole: bool = True


def judge_prices(seen: MarketSeen, settings: FreshnessSettings) -> Iterator[Finding]:
    """Yield which contracts lack a price or have an old one, by the ages at which the daemon doubts prices."""
    if not seen.is_whole:
        yield warning(PRICES, "there was more to read than time for it: what is said of prices is a part", _MORE_TIME)
    if seen.unreadable:
        seen_of = f"{seen.unreadable} messages of the last {_span(seen.window_ms)} cannot be read, whole or in part"
        yield warning(PRICES, seen_of, "dead-letters says of each what is wrong with it")
    if not seen.contracts:
        do = "`liqmon feed VENUE` writes instruments, or your own sender does"
        yield warning(PRICES, "no contract is in trading: nothing can be judged yet", do)
        return
    ages = {symbol: seen.now_ms - seen.prices[symbol] for symbol in seen.contracts if symbol in seen.prices}
    unknown_ms, max_ms = settings.unknown_after_ms, settings.max_age_ms
    silent = sorted(symbol for symbol in seen.contracts if symbol not in ages)
    if unknown_ms:
        silent = sorted({*silent, *(symbol for symbol, age in ages.items() if age > unknown_ms)})
    if silent:
        limit = _span(unknown_ms or seen.window_ms)
        said = f"{len(silent)} of {len(seen.contracts)} contracts have had no price for {limit}: {listed(silent)}"
        if unknown_ms:
            yield failure(PRICES, f"{said}; accounts that hold them may be unknown", _SILENT)
        else:
            yield warning(PRICES, said, _SILENT)
    aged = sorted(symbol for symbol, age in ages.items() if max_ms and max_ms < age and symbol not in silent)
    if aged:
        said = f"older than prices.max_age_ms ({_span(max_ms)}): {listed(aged)}"
        yield warning(PRICES, f"{said}; what needs them is degraded", _SILENT)
    if ahead := sorted(symbol for symbol, by in seen.ahead_ms.items() if by > settings.max_ahead_ms):
        said = f"event times further ahead of the log than prices.max_ahead_ms: {listed(ahead)}"
        yield failure(PRICES, f"{said}; the daemon refuses them", "mend the sender's clock, or its unit of time")
    if not silent and not aged:
        oldest = max(ages, key=lambda symbol: ages[symbol])
        yield good(PRICES, f"{len(ages)} contracts, the oldest price ({oldest}) is {_span(ages[oldest])} old")


_SILENT = "is `liqmon feed` running, and /readyz of it good? a contract nobody trades any more: status closed"
_MORE_TIME = "--timeout gives more of it"


def judge_clocks(seen: MarketSeen, settings: FreshnessSettings) -> Iterator[Finding]:
    """Yield how far clocks are apart: event times and ages are measured by ours and the log's."""
    limit = min(ms for ms in (settings.max_ahead_ms or 5_000, settings.max_age_ms) if ms)
    if seen.newest_ms is not None and seen.dates and seen.newest_ms - seen.now_ms > limit:
        by = _span(seen.newest_ms - seen.now_ms)
        yield failure(CLOCKS, f"the log is at least {by} ahead of this machine: prices look new for ever", _NTP)
    for whose, skew in sorted(seen.skews_ms.items()):
        said = f"{whose} is {_span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} this machine's clock"
        allowed = f"prices.max_ahead_ms and max_age_ms allow {_span(limit)}"
        if abs(skew) > limit:
            yield failure(CLOCKS, f"{said}; {allowed}", _NTP)
        elif abs(skew) > limit / 2:
            yield warning(CLOCKS, f"{said}, more than half of what is allowed: {allowed}", _NTP)
        else:
            yield good(CLOCKS, f"{said}; {allowed}")
    if not seen.skews_ms:
        said = "nothing was written while we listened, so clocks could not be compared"
        yield warning(CLOCKS, said, "look again while prices flow or a daemon runs")


_NTP = "chronyc tracking (or timedatectl) on both machines: let all of them follow NTP"


def _span(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def named_ages(beats: Mapping[str, int], now_ms: int) -> Sequence[str]:
    """Return who has said something how long ago, newest first."""
    ordered = sorted(beats.items(), key=lambda item: -item[1])
    return [f"{who} ({_span(max(0, now_ms - at))} ago)" for who, at in ordered]
