"""Stitching: a snapshot and a stream of changes made into one account's events without a gap. No network, no clock.

The stream is listened to first and kept; then the snapshot is asked for; of what was kept and what follows, only facts
newer than the snapshot's are told. Facts are absolute, so the newest one of each kind is the truth, whichever way it
came. Changes that belong together are told together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from monitor.app.venue_feed.account_facts import AccountChange, AccountSnapshot, Key, Position

_MOST_KEPT = 2_000
_MOST_TRIES = 5
"""So often a snapshot made of several answers is asked for again when something has changed between them."""

_MOST_DOUBTS = 2
"""So often a snapshot that seems older than the stream is asked for again; the next one is believed."""

_UNDATED = (0, 0)
_AFTER_ALL = 2**63

Body = dict[str, Any]


class Stitcher:
    """Make events of one account. `next_version` gives a version above all it gave before."""

    def __init__(self, account_id: str, next_version: Callable[[], int]) -> None:
        self._account_id = account_id
        self._next_version = next_version
        self._kept: deque[AccountChange] = deque(maxlen=_MOST_KEPT)
        self._told: dict[Key, tuple[int, int]] = {}
        self._balances: dict[str, str] = {}
        self._positions: dict[Key, Position] = {}
        self._leverage: dict[str, str] = {}
        self._modes: tuple[str, str] | None = None
        self._asked_ms = self._whole_ms = 0
        self._changed_since_asked = False
        self._tries = self._doubts = 0
        self.is_whole = False
        """Whether a snapshot has been told since the last gap."""
        self.wants_snapshot = True
        """Whether something can only be known from a snapshot that is asked for from now on."""

    def lost(self) -> None:
        """Take note that changes may have been missed: from here on they are kept until a snapshot has come."""
        self.is_whole, self.wants_snapshot = False, True
        self._kept.clear()

    def asked(self) -> None:
        """Take note that a snapshot is being asked for."""
        self.wants_snapshot = self._changed_since_asked = False

    def change(self, change: AccountChange) -> list[Body]:
        """Return the events a change makes: none while a snapshot is awaited."""
        self._changed_since_asked = True
        if change.mode_changed:
            self.wants_snapshot = True
        if not self.is_whole:
            if len(self._kept) == _MOST_KEPT:
                self.wants_snapshot = True  # the oldest is lost: a snapshot asked for before it will not do
            self._kept.append(change)
            return []
        body = self._told_of(change)
        return [] if body is None else [body]

    def snapshot(self, snapshot: AccountSnapshot) -> list[Body]:
        """Return the events a snapshot makes: itself, unless all of it is known, and what was kept and is newer.

        A snapshot that differs from what the stream has told is told as it is; the stream's newer facts follow it.
        """
        if self._changed_since_asked and not snapshot.is_one_piece and self._tries < _MOST_TRIES:
            self._tries += 1
            self.wants_snapshot = True  # its answers may be from before and after the change: halves of a transfer
            return []
        self._tries = 0
        if snapshot.is_one_piece and self.is_whole and snapshot.event_time_ms < self._whole_ms:
            return []  # it was asked for before the one that came by the stream
        differs = self._differs(snapshot)
        if self.is_whole and differs and self._is_behind(snapshot) and self._doubts < _MOST_DOUBTS:
            self._doubts += 1
            self.wants_snapshot = True
            return []
        bodies = self._adopted(snapshot) if differs or not self.is_whole else self._confirmed(snapshot)
        for change in self._released():
            bodies += self.change(change)
        return bodies

    def _differs(self, snapshot: AccountSnapshot) -> bool:
        """Return whether a snapshot says anything else than what has been told."""
        return (
            (snapshot.margin_mode, snapshot.position_mode) != self._modes
            or snapshot.balances != self._balances
            or _alive(snapshot) != self._positions
            or any(self._leverage.get(symbol) != text for symbol, text in snapshot.leverage.items())
        )

    def _is_behind(self, snapshot: AccountSnapshot) -> bool:
        """Return whether the stream has told facts that a snapshot states as they were before, or does not know of.

        A venue may answer from a copy that is late. It is asked again, and believed when it insists.
        """
        alive = _alive(snapshot)
        for key, (at_ms, told_ms) in self._told.items():
            if told_ms == _AFTER_ALL:
                continue
            if stated_ms := snapshot.times.get(key, 0):
                if stated_ms < at_ms:
                    return True
            elif key in self._positions and key not in alive:
                return True
        return False

    def _adopted(self, snapshot: AccountSnapshot) -> list[Body]:
        """Take a snapshot for what is, and return the event that tells all of it."""
        self._balances, self._positions = dict(snapshot.balances), _alive(snapshot)
        self._modes = snapshot.margin_mode, snapshot.position_mode
        self._leverage = {**self._leverage, **snapshot.leverage}
        self._told = {key: (time_ms, _AFTER_ALL) for key, time_ms in snapshot.times.items() if time_ms}
        self._asked_ms, self._whole_ms, self._doubts = snapshot.asked_ms, snapshot.event_time_ms, 0
        return [self._whole(snapshot.event_time_ms)]

    def _confirmed(self, snapshot: AccountSnapshot) -> list[Body]:
        """Take note that a snapshot says what has been told: nothing has to be told."""
        dated = {key: (time_ms, _AFTER_ALL) for key, time_ms in snapshot.times.items() if time_ms}
        later = {key: told for key, told in self._told.items() if told > dated.get(key, (snapshot.asked_ms, 0))}
        self._told = {**dated, **later}
        self._asked_ms, self._whole_ms, self._doubts = snapshot.asked_ms, snapshot.event_time_ms, 0
        return []

    def _released(self) -> list[AccountChange]:
        kept, self.is_whole = list(self._kept), True
        self._kept.clear()
        return kept

    def _whole(self, event_time_ms: int) -> Body:
        margin_mode, position_mode = self._modes or ("single_asset", "one_way")
        return self._event(
            event_time_ms,
            snapshot=True,
            margin_mode=margin_mode,
            position_mode=position_mode,
            balances=dict(self._balances),
            positions=[one.native(self._leverage.get(one.symbol)) for one in self._positions.values()],
        )

    def _told_of(self, change: AccountChange) -> Body | None:
        """Return what of a change is news, as one event."""
        when = change.at_ms, change.event_time_ms
        keys = [*(("balance", asset) for asset in change.balances), *(one.key for one in change.positions)]
        news = {key for key in keys if self._is_news(key, when)}
        if news and any(self._is_in_snapshot(key, when) for key in keys):
            self.wants_snapshot = True  # a part is in the snapshot, so all of it should be: half of it is not told
            return None
        self._told.update(dict.fromkeys(news, when))
        balances = {asset: text for asset, text in change.balances.items() if ("balance", asset) in news}
        positions = [one for one in change.positions if one.key in news]
        self._balances.update(balances)
        natives = []
        for one in positions:
            if one.is_closed:
                self._positions.pop(one.key, None)
            else:
                self._positions[one.key] = one
            natives.append(one.native(self._leverage.get(one.symbol)))
        natives += self._with_leverage(change.leverage, {one.key for one in positions})
        parts: dict[str, Any] = {"balances": balances} if balances else {}
        if natives:
            parts["positions"] = natives
        return self._event(change.event_time_ms, **parts) if parts else None

    def _is_news(self, key: Key, when: tuple[int, int]) -> bool:
        """Return whether a fact is newer than what was told of it.

        Of a fact that the snapshot does not date (a position it does not list) all changes before it was asked for are
        taken to be in it; should the venue have answered with an older state, the next snapshot mends that: it is asked
        for at once.
        """
        told = self._told.get(key)
        if told is None and when[0] <= self._asked_ms:
            self.wants_snapshot = True
            return False
        return told is None or when > told

    def _is_in_snapshot(self, key: Key, when: tuple[int, int]) -> bool:
        """Return whether the snapshot dates a fact later than a change does."""
        told = self._told.get(key, _UNDATED)
        return told[1] == _AFTER_ALL and when <= told

    def _with_leverage(self, leverage: Mapping[str, str], named: set[Key]) -> list[Body]:
        """Return the positions whose leverage is new, as far as they are not told anyway."""
        changed = {symbol for symbol, text in leverage.items() if self._leverage.get(symbol) != text}
        self._leverage.update(leverage)
        return [
            {"symbol": one.symbol, "side": one.side, "leverage": self._leverage[one.symbol]}
            for key, one in self._positions.items()
            if one.symbol in changed and key not in named
        ]

    def _event(self, event_time_ms: int, **parts: Any) -> Body:
        version = self._next_version()
        return {"account_id": self._account_id, "version": version, "event_time_ms": event_time_ms, **parts}


def _alive(snapshot: AccountSnapshot) -> dict[Key, Position]:
    return {one.key: one for one in snapshot.positions if not one.is_closed}


class Versions:
    """Give versions that rise, also over restarts: microseconds since 1970, or one more than the last.

    A clock that is set back by more than the venue bears is noticed by the venue, which refuses signed requests then.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last = 0

    def __call__(self) -> int:
        """Return the next version."""
        self._last = max(self._last + 1, self._now_ms() * 1000)
        return self._last
