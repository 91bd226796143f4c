"""An oracle of the gate: every verdict made from the whole history before it, by the sentences of docs/quality.md.

Written from the document alone: it keeps nothing but the list of messages, and looks all of it up for each price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from statistics import median_low
from typing import NamedTuple

from monitor.core.quality.settings import QualitySettings

MINUTE = 60_000
HORIZON = 15 * MINUTE
NO_SOURCES: Mapping[str, Mapping[str, float]] = {}
Minutes = dict[int, tuple["Said", float | None]]


class Said(NamedTuple):
    """Hold one price of one symbol as a message said it."""

    log_ms: int
    event_ms: int
    symbol: str
    mark: float
    index: float | None


class Found(NamedTuple):
    """Hold what the oracle says of a price."""

    reasons: frozenset[str]
    believed: bool


def verdicts(
    history: Sequence[Said], settings: QualitySettings, sources: Mapping[str, Mapping[str, float]] = NO_SOURCES
) -> list[Found]:
    """Return the verdict on each price of one partition, in order."""
    found: list[Found] = []
    peers: tuple[int, float | None] = (-1, None)
    for place, now in enumerate(history):
        past = _lifetime(history, place)
        said = [history[one] for one in past]
        if _stood(said, now) >= settings.stuck_after_ms and peers[0] != now.log_ms // 1000:
            peers = now.log_ms // 1000, _moving(history, place, settings.stuck_after_ms)
        if any(one.event_ms > now.event_ms for one in said):
            found.append(Found(frozenset({"time_back"}), believed=False))
            continue
        venues = _venues(history[:place], now, settings, sources)
        reasons = frozenset([*_reasons(said, now, settings, peers[1], venues), *_against(venues, now, settings)])
        if reasons & set(settings.refuse):
            found.append(Found(reasons, believed=False))
        elif reasons & set(settings.delay):
            lasted = _doubt(history, past, now, reasons, found, settings).values()
            waits = [ms < settings.delay_ms and count < settings.confirmations for ms, count in lasted]
            found.append(Found(reasons, believed=not any(waits)))
        else:
            found.append(Found(reasons, believed=True))
    return found


def _lifetime(history: Sequence[Said], place: int) -> list[int]:
    """Return the places of a symbol's prices before one, since its last long pause, without late ones."""
    kept: list[int] = []
    for one, said in enumerate(history[: place + 1]):
        if said.symbol != history[place].symbol:
            continue
        if kept and said.log_ms - history[kept[-1]].log_ms > HORIZON:
            kept = []
        if one != place and all(history[other].event_ms <= said.event_ms for other in kept):
            kept.append(one)
    return kept


def _samples(said: Sequence[Said], second: int, settings: QualitySettings) -> list[Said]:
    """Return the last price of each second before one, as many as the delay twice, oldest first."""
    last = {one.log_ms // 1000: one for one in said if one.log_ms // 1000 < second}
    most = 2 * -(-settings.delay_ms // 1000) + 1
    return [one for number, one in list(last.items())[-most:] if number >= second - HORIZON // 1000]


Venues = list[tuple[float, float]] | None
"""Mark and weight of each other venue that counts; None where a symbol has no sources."""


def _venues(
    history: Sequence[Said], now: Said, settings: QualitySettings, sources: Mapping[str, Mapping[str, float]]
) -> Venues:
    if now.symbol not in sources:
        return None
    found: Venues = []
    for name, weight in sources[now.symbol].items():
        places = (place for place in reversed(range(len(history))) if history[place].symbol == name)
        last = next((history[place] for place in places if not _is_late(history, place)), None)
        if last is not None and now.log_ms - last.log_ms <= settings.source_max_age_ms:
            found.append((last.mark, weight))
    return sorted(found)


def _is_late(history: Sequence[Said], place: int) -> bool:
    return any(history[one].event_ms > history[place].event_ms for one in _lifetime(history, place))


def _apart(venues: list[tuple[float, float]], mark: float) -> float:
    """Return how far a mark is from the weighted median of others."""
    half = sum(weight for _, weight in venues) / 2
    median = next(value for value, _ in venues if sum(w for v, w in venues if v <= value) >= half)
    return abs(mark / median - 1)


def _against(venues: Venues, now: Said, settings: QualitySettings) -> Iterator[str]:
    if venues is not None and len(venues) < settings.source_quorum:
        yield "too_few_sources"
    elif venues is not None and _apart(venues, now.mark) > float(settings.venue_divergence):
        yield "venue_divergence"


def _reasons(
    said: Sequence[Said], now: Said, settings: QualitySettings, peers: float | None, venues: Venues
) -> Iterator[str]:
    samples = _samples(said, now.log_ms // 1000, settings)
    minutes = _minutes(said, now)
    level = median_low([first.mark for first, _ in minutes.values()]) if minutes else None
    stands = _index_stood(said, now) >= settings.constant_after_ms
    agreed = venues is not None and len(venues) >= settings.source_quorum
    agreed = agreed and venues is not None and _apart(venues, now.mark) <= float(settings.index_agreement)
    agreed = agreed or (not stands and _confirmed(samples, now, settings))
    if samples:
        far = abs(now.mark / median_low([one.mark for one in samples]) - 1)
        too_far = far > float(settings.jump_ceiling)
        if too_far or (not agreed and far > _limit(minutes, now.log_ms - samples[0].log_ms, settings)):
            yield "jump"
    if level is not None and not 1 / float(settings.unit_factor) < now.mark / level < float(settings.unit_factor):
        fourth = sqrt(sqrt(now.mark / level))
        way = sorted((level * fourth, now.mark / fourth))
        seen = [first.mark for first, _ in minutes.values()] + [one.mark for one in _recent(said, settings)]
        if not any(way[0] < mark < way[1] for mark in seen):
            yield "unit_change"
    if now.index is not None:
        apart = abs(now.mark / now.index - 1)
        if apart > float(settings.index_divergence):
            yield "index_divergence"
        has_left = level is not None and abs(now.mark / level - 1) > float(settings.constant_move)
        if stands and (has_left or apart > float(settings.constant_divergence)):
            yield "index_constant"
    if _stood(said, now) >= settings.stuck_after_ms and _others_move(minutes, now, settings, peers):
        yield "stuck"


def _confirmed(samples: Sequence[Said], now: Said, settings: QualitySettings) -> bool:
    bases = [one.mark / one.index for one in samples if one.index is not None]
    if not bases or now.index is None:
        return False
    return abs(now.mark / now.index / median_low(bases) - 1) <= float(settings.index_agreement)


def _others_move(minutes: Minutes, now: Said, settings: QualitySettings, peers: float | None) -> bool:
    at = (now.log_ms - settings.stuck_after_ms) // MINUTE
    before = [first.index for number, (first, _) in minutes.items() if number <= at]
    index = before[-1] if before else None
    moved = index is not None and now.index is not None and abs(now.index / index - 1) > float(settings.stuck_move)
    return moved or (peers is not None and peers > 0.5)


def _recent(said: Sequence[Said], settings: QualitySettings) -> list[Said]:
    """Return the samples, the second that has begun included."""
    return _samples(said, said[-1].log_ms // 1000 + 1, settings) if said else []


def _minutes(said: Sequence[Said], now: Said) -> Minutes:
    """Return, of each of the fifteen minutes before this one, its first price and its variance a second."""
    found: Minutes = {}
    this = now.log_ms // MINUTE
    for number in range(this - 15, this):
        inside = [one for one, each in enumerate(said) if each.log_ms // MINUTE == number]
        if inside:
            steps = [(said[one - 1], said[one]) for one in inside if one]
            squares, seconds = 0.0, 0.0
            for before, after in steps:
                change = after.mark / before.mark - 1
                squares += change * change
                seconds += (after.log_ms - before.log_ms) / 1000
            found[number] = said[inside[0]], squares / seconds if seconds else None
    return found


def _limit(minutes: Minutes, elapsed_ms: int, settings: QualitySettings) -> float:
    known = [variance for _, variance in minutes.values() if variance is not None]
    if len(known) < 3:
        return float(settings.jump_ceiling)
    wide = float(settings.jump_sigmas) * sqrt(median_low(known)) * sqrt(max(elapsed_ms, 1000) / 1000)
    return min(max(wide, float(settings.jump_floor)), float(settings.jump_ceiling))


def _stood(said: Sequence[Said], now: Said) -> int:
    since = now.log_ms
    for one in reversed(said):
        if one.mark != now.mark:
            break
        since = one.log_ms
    return min(now.log_ms - since, HORIZON)


def _index_stood(said: Sequence[Said], now: Said) -> int:
    since = now.log_ms
    for one in reversed([each for each in said if each.index is not None]):
        if one.index != now.index:
            break
        since = one.log_ms
    return min(now.log_ms - since, HORIZON)


def _moving(history: Sequence[Said], place: int, stuck_after_ms: int) -> float | None:
    """Return which part of the symbols priced lately has had another mark lately."""
    after_ms = history[place].log_ms - stuck_after_ms
    live, moving = 0, 0
    for symbol in {one.symbol for one in history[:place]}:
        ends = [one for one in range(place) if history[one].symbol == symbol]
        kept = [*_lifetime(history, ends[-1])]
        if not kept or history[ends[-1]].event_ms >= max(history[one].event_ms for one in kept):
            kept.append(ends[-1])
        said = [history[one] for one in kept]
        if said[-1].log_ms <= after_ms:
            continue
        live += 1
        first = next(at for at in range(len(said)) if len({one.mark for one in said[at:]}) == 1)
        moving += said[first].log_ms > after_ms
    return moving / live if live > 5 else None


def _doubt(
    history: Sequence[Said],
    past: Sequence[int],
    now: Said,
    reasons: frozenset[str],
    found: Sequence[Found],
    settings: QualitySettings,
) -> dict[str, tuple[int, int]]:
    """Return for how long, and for how many messages, each reason to wait has held, this message counted."""
    runs: dict[str, tuple[int, int]] = {}
    before = runs
    said = [history[one] for one in past]
    at_ms = 0
    for number, (one, why) in enumerate([*((history[place], found[place].reasons) for place in past), (now, reasons)]):
        runs = {name: (min(ms + one.log_ms - at_ms, settings.delay_ms), count) for name, (ms, count) in runs.items()}
        if runs:
            since = at_ms - max(ms for ms, _ in before.values())
            alike = [other.mark for other in _recent(said[:number], settings) if other.log_ms >= since]
            ceiling = float(settings.jump_ceiling)
            if not min(alike) * (1 - ceiling) <= one.mark <= max(alike) * (1 + ceiling):
                runs = {}
        open_runs = [(ms, n) for ms, n in runs.values() if ms < settings.delay_ms and n < settings.confirmations]
        begun = max(open_runs, default=(0, 0))
        runs = {name: runs.get(name, begun) for name in why & set(settings.delay)}
        before = runs = {name: (ms, min(count + 1, settings.confirmations)) for name, (ms, count) in runs.items()}
        at_ms = one.log_ms
    return runs
