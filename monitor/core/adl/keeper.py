"""The keeper of a shard's part of the queue: which symbol is ranked when, what is published, whose lights are shown.

The plan lives here. Ranking one symbol is in `ranks`; reading and writing the queue's topic is the application's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, pairwise
from math import isnan
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.accounts import Account, Position
from monitor.core.adl.bins import bin_of
from monitor.core.adl.candidates import Key
from monitor.core.adl.counterparties import FIRST, first_counterparties
from monitor.core.adl.digest import Digest, Offsets, Standing
from monitor.core.adl.fed import fed_quantile
from monitor.core.adl.holders import LONG, SHORT, SIDES, may_be_taken_from
from monitor.core.adl.queue import AdlQueue
from monitor.core.adl.ranks import Exact, Ranked, Ranks
from monitor.core.adl.settings import AdlPopulation, AdlSettings
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.intervals import has_passed
from monitor.core.kernels_adl import HOLDS, NO_LIGHT, NOT_KNOWN
from monitor.core.showing import affordable
from monitor.core.store import MarginStore
from monitor.core.store_adl import Holders

EXACT_AT_ONCE: Final = 96
"""So much exact work, in plain scopes, ends a turn: some 5 ms of it, as ranking must not hold up verdicts."""
SYMBOLS_AT_ONCE: Final = 32
"""Symbols one turn may rank."""
TOLD_AT_ONCE: Final = 64
"""Digests that are published amid a round: what turns find is gathered, as each publication is a transaction."""
EXACT_IN_ROUND: Final = 4_096
"""Scopes a round may score exactly: where symbols are many, only alarmed ones are listed in full."""
LIGHTS_AT_ONCE: Final = 50
"""Scopes one turn may show anew because of their lights."""
ALARM_MS: Final = 10_000
"""So long after somebody got close to deleveraging his symbols are ranked every second, by every shard."""
ALARMED_EVERY_MS: Final = 1_000


@dataclass(slots=True)
class News:
    """Hold what is to be published: digests that are not what the queue has (None: no holders left), and the standing.

    The standing goes last: whoever reads it has read the digests it speaks of.
    """

    digests: dict[Key, Digest | None] = field(default_factory=dict)
    standing: Standing | None = None


class Lit(NamedTuple):
    """Hold the light of each position of a scope, `NO_LIGHT` where it has none, and its cell, below 0 for none."""

    places: list[int]
    lights: list[int]


class AdlKeeper:
    """Keep a shard's holders ranked, a bounded piece of work at each turn of the clock."""

    def __init__(
        self,
        settings: AdlSettings,
        board: MarketBoard,
        book: AccountBook,
        store: MarginStore,
        is_shown_anyway: Callable[[int], bool],
    ) -> None:
        self.settings = settings
        self._is_shown_anyway = is_shown_anyway
        self.queue: AdlQueue | None = None
        self._shard = 0
        self._store = store
        self._ranks = Ranks(settings, board, book, store)
        self._alarms: dict[str, int] = {}
        self._left: list[str] = []
        self._most = settings.candidates
        self._began_ms: int | None = None
        self._began_at: tuple[Offsets, int] = ({}, 0)
        self._rounds = 0
        self._is_new = False
        self._ranked_ms: dict[str, int] = {}
        self._recent: dict[str, Offsets] = {}
        self._standing: Standing | None = None
        self._told: Standing | None = None
        self._news = News()
        self._changed: dict[int, None] = {}
        """Scopes whose lights are others than were shown, and below scopes of which it is not known what was shown."""
        self._unseen: dict[int, None] = {}

    def join(self, queue: AdlQueue, shard: int) -> None:
        """Take part in a queue as one of its shards. With population `desk` there is none to take part in."""
        if self.settings.population is AdlPopulation.ALL:
            self.queue, self._shard = queue, shard

    def note(self, number: int, account: Account) -> None:
        """Note whether an account may be a counterparty."""
        self._store.adl.set_exempt(number, exempt=not may_be_taken_from(account))

    def alarm(self, symbols: Iterable[str], now_ms: int) -> None:
        """Have symbols ranked often for a while: somebody who holds them is close to being deleveraged."""
        if self.queue is not None:
            self._alarms.update(dict.fromkeys(symbols, now_ms))

    def turn(self, prices: Offsets, accounts: int, now_ms: int) -> News | None:
        """Rank what is due, alarmed symbols first; return what is to be published, None where that is nothing.

        `prices` and `accounts` are the positions of the inputs that were judged.
        """
        if self.queue is None:
            return None
        exact = Exact()
        own = {symbol for symbol, since in self._alarms.items() if now_ms - since < ALARM_MS}
        self._alarms = {symbol: self._alarms[symbol] for symbol in own}
        alarmed = own | self.queue.alarmed()
        self._recent = {symbol: at for symbol, at in self._recent.items() if symbol in alarmed}
        due = [symbol for symbol in alarmed if has_passed(ALARMED_EVERY_MS, self._ranked_ms.get(symbol, 0), now_ms)]
        for symbol in sorted(due, key=lambda one: (self._ranked_ms.get(one, 0), one))[:SYMBOLS_AT_ONCE]:
            if exact.work < EXACT_AT_ONCE:
                self._rank(symbol, self.settings.candidates, now_ms, exact)
                self._recent[symbol] = dict(prices)
        self._go_round(prices, accounts, now_ms, exact)
        if self.is_amid_round and not alarmed and len(self._news.digests) < TOLD_AT_ONCE:
            return None
        news, self._news = self._news, News()
        return self._published(news, own)

    @property
    def is_amid_round(self) -> bool:
        """Whether symbols of the present round have still to be ranked."""
        return bool(self._left)

    def _go_round(self, prices: Offsets, accounts: int, now_ms: int, exact: Exact) -> None:
        """Rank symbols of the present round, one at least; one that is over sets what the shard stands for."""
        assert self.queue is not None, "asked only of a shard that takes part"
        if not self._left and (self._began_ms is None or has_passed(self._period_ms(), self._began_ms, now_ms)):
            self._is_new = self._is_new or (self._began_ms is None and self.queue.standing(self._shard) is None)
            published = {symbol for symbol, _ in self.queue.keys_of(self._shard)}
            self._left = sorted({*self._store.adl.symbols(), *published}, reverse=True)
            share = EXACT_IN_ROUND // (2 * max(1, len(self._left)))
            self._most = min(self.settings.candidates, max(FIRST, share))
            self._began_ms, self._began_at = now_ms, (dict(prices), accounts)
        elif not self._left:
            return
        for place in range(SYMBOLS_AT_ONCE):
            if self._left and (place == 0 or exact.work < EXACT_AT_ONCE):
                symbol = self._left.pop()
                most = self.settings.candidates if symbol in self._recent else self._most
                self._look_at_lights(symbol, self._rank(symbol, most, now_ms, exact))
        if not self._left:
            is_full = self._most == self.settings.candidates
            self._standing, self._told = Standing(*self._began_at, is_full=is_full), None
            self._rounds += 1

    def _period_ms(self) -> int:
        """Return how often a round begins; the second of a new shard soon, as the first had no lights to show yet."""
        return ALARMED_EVERY_MS if self._is_new and self._rounds == 1 else self.settings.refresh_ms

    def _rank(self, symbol: str, most: int, now_ms: int, exact: Exact) -> Ranked:
        assert self.queue is not None, "asked only of a shard that takes part"
        ranked = self._ranks.rank(symbol, self._shard, most, exact)
        self._ranked_ms[symbol] = now_ms
        for side in SIDES:
            digest = ranked.digests.get(side)
            if digest == self.queue.digest(self._shard, symbol, side):
                self._news.digests.pop((symbol, side), None)
            else:
                self._news.digests[symbol, side] = digest
        return ranked

    def _published(self, news: News, alarmed: Collection[str]) -> News | None:
        assert self.queue is not None, "asked only of a shard that takes part"
        if self._standing is None:
            return news if news.digests else None
        wanted = replace(self._standing, recent=dict(self._recent), alarmed=tuple(sorted(alarmed)))
        if wanted != self.queue.standing(self._shard) and (news.digests or wanted != self._told):
            news.standing = self._told = wanted
        return news if news.digests or news.standing else None

    # ------------------------------------------------------------------------------------------------- the lights
    def _look_at_lights(self, symbol: str, ranked: Ranked) -> None:
        """Find the scopes whose lights are not those last shown.

        Where it is not known what was shown there is no hurry: whoever takes over a shard waits for its second round,
        and an account that is to be shown anew anyway for that.
        """
        holders = ranked.holders
        lights = self._lights_of(symbol, holders, ranked.bins)
        shown = self._store.adl.lights(holders.places)
        concerned = (holders.kinds != NOT_KNOWN) & ((shown != NO_LIGHT) | (self._rounds > 0))
        changed = np.nonzero(concerned & (lights != shown))[0]
        for at in changed.tolist():
            scope = int(holders.scopes[at])
            if shown[at] != NO_LIGHT:
                self._changed[scope] = None
            elif not self._is_shown_anyway(self._store.account_of(scope)):
                self._unseen[scope] = None

    def _lights_of(self, symbol: str, holders: Holders, bins: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the light of each holder, `NO_LIGHT` where the queue has no view of its side; `bins` are theirs."""
        assert self.queue is not None, "asked only of a shard that takes part"
        lights = np.full(len(holders.scopes), NO_LIGHT, dtype=np.int64)
        for is_short, side in ((0, LONG), (1, SHORT)):
            if not self.queue.has(symbol, side):
                continue
            mine = (holders.shorts == is_short) & (holders.kinds != NOT_KNOWN)
            queued = mine & (holders.kinds == HOLDS) & ~np.isnan(holders.scores)
            lights[mine] = 0
            steps = np.array(self.queue.steps(symbol, side))
            lights[queued] = np.searchsorted(steps, bins[queued], side="right")
        return lights

    def lights_due(self) -> NDArray[np.int64]:
        """Take the scopes to be shown anew, a bounded number, first those that show a light that is not theirs now."""
        chosen = affordable(chain(self._changed, self._unseen), LIGHTS_AT_ONCE, self._store)
        for scope in chosen:
            self._forget(scope)
        return np.array([scope for scope in chosen if self._store.exists(scope)], dtype=np.int64)

    def _forget(self, scope: int) -> None:
        self._changed.pop(scope, None)
        self._unseen.pop(scope, None)

    def show(self, scope: int, account: Account, positions: Sequence[Position]) -> list[int | None]:
        """Return the light of each position of a scope, and note that they are shown.

        None: the queue has no view of its side, or the scope's status is not known. Where only a desk is seen they are
        those the venue has given.
        """
        if self.settings.population is AdlPopulation.DESK:
            return [fed_quantile(account, position) for position in positions]
        return self.show_plain(scope, [position.symbol for position in positions]) or [None] * len(positions)

    def show_plain(self, scope: int, symbols: Sequence[str]) -> list[int | None] | None:
        """Return the lights of positions of an account whose settings give none, None where nobody has any."""
        [lit] = self.lights_of([(scope, symbols)])
        return None if lit is None else self.show_lit(scope, lit)

    def lights_of(self, held: Sequence[tuple[int, Sequence[str]]]) -> list[Lit | None]:
        """Return the lights of scopes by the symbols of their positions, None where nobody has any; none is shown."""
        if not held or self.settings.population is AdlPopulation.DESK or self.queue is None:
            return [None] * len(held)
        scopes = [scope for scope, symbols in held for _ in symbols]
        names = [symbol for _, symbols in held for symbol in symbols]
        of = self._store.adl.holdings(scopes, names, self.settings.ranking)
        figures = zip(names, of.kinds.tolist(), of.shorts.tolist(), of.scores.tolist(), strict=True)
        places = of.places.tolist()
        lights = [self._light_of(*one) if place >= 0 else NO_LIGHT for place, one in zip(places, figures, strict=True)]
        ends = list(accumulate((len(symbols) for _, symbols in held), initial=0))
        return [Lit(places[start:end], lights[start:end]) for start, end in pairwise(ends)]

    def show_lit(self, scope: int, lit: Lit) -> list[int | None]:
        """Note that the lights of a scope are shown; return them."""
        self._forget(scope)
        for place, light in zip(lit.places, lit.lights, strict=True):
            if place >= 0:
                self._store.adl.show(place, light)
        return [None if light == NO_LIGHT else light for light in lit.lights]

    def _light_of(self, symbol: str, kind: int, is_short: int, score: float) -> int:
        """Return what `_lights_of` says of one holder: every position shown asks, and arrays of one cost much."""
        assert self.queue is not None, "asked only of a shard that takes part"
        side = SHORT if is_short else LONG
        if kind == NOT_KNOWN or not self.queue.has(symbol, side):
            return NO_LIGHT
        if kind != HOLDS or isnan(score):
            return 0
        return bisect_right(self.queue.steps(symbol, side), bin_of(score))

    def first(self, account: Account, positions: Sequence[Position]) -> list[dict[str, Any]]:
        """Return whom a deleveraging of some positions would reach first, as far as the queue is known."""
        return [] if self.queue is None else first_counterparties(self.queue, account.account_id, positions)
