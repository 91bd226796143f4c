"""Beginnings: how a subscription gets from a snapshot, or from its token, to where everybody is.

Nothing is kept back for a client meanwhile: what comes stands in the backlog and on the board, and is sent in rounds at
the client's own pace until a round finds nothing new. So a large snapshot in a storm costs no memory, and ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from monitor.app.gateway.hub import Hub
from monitor.app.gateway.notices import Notice, message, text
from monitor.app.gateway.places import Cut
from monitor.app.gateway.standings import Standing
from monitor.app.gateway.subscription import Outlet, Slow, Subscription
from monitor.app.gateway.views import StatusView

_PIECE_BYTES = 65_536
_BREATH = 500
"""Accounts looked at before the others have their turn."""


class Beginning:
    """Bring one subscription up to the present."""

    def __init__(self, hub: Hub, outlet: Outlet, subscription: Subscription) -> None:
        self._hub = hub
        self._outlet = outlet
        self._subscription = subscription
        self._wanted = subscription.filter

    async def snapshot(self) -> Cut:
        """Send how everything stands at one cut, and return that."""
        # taken together, before anything waits: what comes after the cut must not be in the snapshot
        cut, token, everything = self._hub.cut.copy(), self._hub.token(), self._hub.board.cut(self._wanted.accounts)
        name = self._subscription.request.name
        scopes = 0
        await self._outlet.send(message("snapshot_begin", subscription=name))
        piece: list[bytes] = []
        size = 0
        async for account_id, standing in _breathing(everything):
            if (entry := self._entry(account_id, standing)) is None:
                continue
            piece.append(entry)
            size += len(entry)
            scopes += 1
            if size > _PIECE_BYTES:
                await self._send_piece(piece)
                piece, size = [], 0
        if piece:
            await self._send_piece(piece)
        await self._outlet.send(message("snapshot_end", subscription=name, scopes=scopes, token=token))
        return cut

    async def go_on(self, cut: Cut, *, resumed: bool) -> None:
        """Send what came since a cut, then let through what comes. Raises what sending raises."""
        events = statuses = 0
        while cut.positions != self._hub.cut.positions:
            told, shown = await self._round(cut)
            events, statuses = events + told, statuses + shown
        if resumed:
            name, token = self._subscription.request.name, self._hub.token()
            said = message("resumed", subscription=name, events=events, statuses=statuses, token=token)
            if not self._outlet.push(said):
                raise Slow
        self._hub.add(self._subscription)

    async def _round(self, cut: Cut) -> tuple[int, int]:
        """Send what came between a cut and now, and move the cut here; return how many events and statuses that was."""
        if not self._hub.holds(cut):
            raise Slow  # more came than is kept: with its last token the client will be told `too_old`
        upto = self._hub.cut.copy()
        events = self._hub.backlog.since(cut.positions, self._wanted.accounts)
        statuses = self._changed(self._hub.statuses_of(cut))
        told = shown = 0
        for notice in events:
            if self._wanted.covers(notice.view):
                cut.advance(notice.index, notice.offset + 1)
                told += await self._replay(notice, cut)
        async for account_id, scope, standing in statuses:
            shown += await self._send_status(account_id, scope, standing)
        cut.catch_up(upto)
        return told, shown

    async def _replay(self, notice: Notice, cut: Cut) -> bool:
        """Send an event with a token of its own, behind which only what was sent before it lies."""
        token = cut.token(self._hub.now_ms())
        if self._subscription.wants(notice):
            tail = notice.worded(token, self._subscription.detail)
        elif self._subscription.wants_passed(notice):
            tail = notice.worded_passed(token)
        else:
            return False
        await self._outlet.send(self._subscription.head + tail)
        return True

    def _changed(self, positions: dict[int, int]) -> AsyncIterator[tuple[str, str, Standing | None]]:
        """Return the scopes that have a status, or are gone, since a cut, as they stand now and not later."""
        board, accounts = self._hub.board, self._wanted.accounts
        if not self._subscription.request.statuses:
            return _each([])
        changed = board.changed_since(positions)
        if changed is not None:
            asked = [pair for pair in changed if accounts is None or pair[0] in accounts]
            return _each([(account_id, scope, board.standing(account_id, scope)) for account_id, scope in asked])
        return _since(positions, board.cut(accounts), list(board.gone_since(positions, accounts)))

    def _view(self, account_id: str, standing: Standing) -> StatusView:
        method, symbols = "", None
        if standing.value is not None and (self._wanted.symbols is not None or self._wanted.methods is not None):
            method, symbols = self._hub.codec.traits(standing.value)
        rank = standing.rank
        return StatusView(account_id, standing.scope, standing.sequence, rank, method, symbols, standing.value)

    def _shows(self, account_id: str, standing: Standing) -> bool:
        """Tell whether a changed status is sent: what a scope was before is not known here.

        So with a severity every scope that ever left `healthy` is.
        """
        fits = standing.rank >= self._wanted.min_rank or standing.reached > 0
        return fits and self._wanted.covers(self._view(account_id, standing))

    def _entry(self, account_id: str, standing: Standing) -> bytes | None:
        if not self._subscription.covers_status(self._view(account_id, standing)):
            return None
        event = b"" if standing.event is None else b',"event":' + standing.event
        return b'{"account_id":%b,"scope":%b,"sequence":%d,"status":%b%b}' % (
            text(account_id),
            text(standing.scope),
            max(0, standing.reached),
            standing.value or b"null",
            event,
        )

    async def _send_piece(self, piece: list[bytes]) -> None:
        await self._outlet.send(self._subscription.head + b'"type":"snapshot","entries":[%b]}' % b",".join(piece))

    async def _send_status(self, account_id: str, scope: str, standing: Standing | None) -> bool:
        if standing is None:
            shows, value = self._wanted.covers(StatusView(account_id, scope, 0, 0, "", None, None)), b"null"
        else:
            shows, value = self._shows(account_id, standing), standing.value or b"null"
        if shows:
            named = b'"type":"status","account_id":%b,"scope":%b' % (text(account_id), text(scope))
            await self._outlet.send(self._subscription.head + named + b',"status":%b}' % value)
        return shows


async def _breathing(everything: Iterable[tuple[str, tuple[Standing, ...]]]) -> AsyncIterator[tuple[str, Standing]]:
    """Yield every scope; the others have their turn in between."""
    for number, (account_id, standings) in enumerate(everything, 1):
        for standing in standings:
            yield account_id, standing
        if number % _BREATH == 0:
            await asyncio.sleep(0)


async def _each(
    found: Iterable[tuple[str, str, Standing | None]],
) -> AsyncIterator[tuple[str, str, Standing | None]]:
    for one in found:
        yield one


async def _since(
    positions: dict[int, int],
    everything: Iterable[tuple[str, tuple[Standing, ...]]],
    gone: Iterable[tuple[str, str]],
) -> AsyncIterator[tuple[str, str, Standing | None]]:
    """Yield what has changed of everything, and what is gone."""
    async for account_id, standing in _breathing(everything):
        if standing.offset >= positions[standing.partition]:
            yield account_id, standing.scope, standing
    for account_id, scope in gone:
        yield account_id, scope, None
