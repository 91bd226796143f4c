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
from monitor.app.gateway.views import EventView, StatusView

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
        cut, token = self._hub.cut.copy(), self._hub.token()
        name = self._subscription.request.name
        scopes = 0
        await self._outlet.send(message("snapshot_begin", subscription=name))
        piece: list[bytes] = []
        size = 0
        async for account_id, standing in self._everything():
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
        while True:
            told, shown = await self._events(cut), await self._statuses(cut)
            events, statuses = events + told, statuses + shown
            if not told and not shown and not self._is_behind(cut):
                break
        if resumed:
            name, token = self._subscription.request.name, self._hub.token()
            if not self._outlet.push(
                message("resumed", subscription=name, events=events, statuses=statuses, token=token)
            ):
                raise Slow
        self._hub.add(self._subscription)

    def _is_behind(self, cut: Cut) -> bool:
        """Tell whether anything has been passed on since the round began."""
        return cut.positions != self._hub.cut.positions

    async def _events(self, cut: Cut) -> int:
        """Send every event since a cut, each with a token of its own; return how many."""
        upto = self._hub.cut.copy()
        if not self._hub.holds(cut):
            raise Slow  # more came than is kept: with its last token the client will be told `too_old`
        sent = 0
        for notice in self._hub.backlog.since(cut.positions, self._wanted.accounts):
            if self._wanted.covers(notice.view):
                cut.advance(notice.index, notice.offset + 1)
                sent += await self._replay(notice, cut)
        self._hub.advance_events(cut, upto)
        return sent

    async def _replay(self, notice: Notice, cut: Cut) -> bool:
        assert isinstance(notice.view, EventView), "the backlog holds events"
        token = cut.token(self._hub.now_ms())
        if self._subscription.wants(notice):
            tail = notice.worded(token, full=self._subscription.request.full)
        elif self._subscription.wants_passed(notice):
            tail = notice.worded_passed(token)
        else:
            return False
        await self._outlet.send(self._subscription.head + tail)
        return True

    async def _statuses(self, cut: Cut) -> int:
        """Send the last status of every scope that has one since a cut; return how many.

        What a scope was before is not known here: with a severity, every scope that ever left `healthy` is shown.
        """
        upto = self._hub.cut.copy()
        positions = self._hub.statuses_of(cut)
        sent = 0
        if self._subscription.request.statuses and positions != self._hub.statuses_of(upto):
            changed = self._hub.board.changed_since(positions)
            sent = await (self._look_at_all(positions) if changed is None else self._look_at(changed))
        self._hub.advance_statuses(cut, upto)
        return sent

    async def _look_at(self, changed: Iterable[tuple[str, str]]) -> int:
        """Send the statuses of some scopes as they stand; nobody else has a turn unless the client is slow."""
        sent = 0
        for account_id, scope in changed:
            if self._wanted.accounts is None or account_id in self._wanted.accounts:
                sent += await self._send_status(account_id, scope, self._hub.board.standing(account_id, scope))
        return sent

    async def _look_at_all(self, positions: dict[int, int]) -> int:
        """Send what has changed of everything."""
        gone = list(self._hub.board.gone_since(positions, self._wanted.accounts))
        sent = 0
        async for account_id, standing in self._everything():
            if standing.offset >= positions[standing.partition]:
                sent += await self._send_status(account_id, standing.scope, standing)
        for account_id, scope in gone:
            sent += await self._send_status(account_id, scope, None)
        return sent

    async def _everything(self) -> AsyncIterator[tuple[str, Standing]]:
        """Yield every scope as it stands now; what changes meanwhile is not seen."""
        for number, (account_id, standings) in enumerate(self._hub.board.cut(self._wanted.accounts), 1):
            for standing in standings:
                yield account_id, standing
            if number % _BREATH == 0:
                await asyncio.sleep(0)

    def _view(self, account_id: str, standing: Standing) -> StatusView:
        method, symbols = "", None
        if standing.value is not None and (self._wanted.symbols is not None or self._wanted.methods is not None):
            method, symbols = self._hub.codec.traits(standing.value)
        rank = standing.rank
        return StatusView(account_id, standing.scope, standing.sequence, rank, method, symbols, standing.value)

    def _shows(self, account_id: str, standing: Standing) -> bool:
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
        value = None if standing is None else standing.value
        if standing is not None and not self._shows(account_id, standing):
            return False
        if standing is None and not self._wanted.covers(StatusView(account_id, scope, 0, 0, "", None, None)):
            return False
        await self._outlet.send(
            self._subscription.head
            + b'"type":"status","account_id":%b,"scope":%b,"status":%b}'
            % (text(account_id), text(scope), value or b"null")
        )
        return True
