"""A session: one client from its hello to its goodbye, and the beginnings of its subscriptions.

A beginning is a snapshot of the board at a cut, or what came since the client's token; both end with a token from which
the subscription goes on. Carrying bytes is the outlet's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.app.gateway.access import Grant
from monitor.app.gateway.filters import Filter
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.notices import Notice, message, text
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.places import Cut, TokenRefused
from monitor.app.gateway.requests import BadRequest, Hello, Request, Subscribe, Unsubscribe
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.standings import Standing
from monitor.app.gateway.subscription import Outlet, Slow, Subscription
from monitor.app.gateway.views import EventView, StatusView

_PIECE_BYTES = 65_536


class NotWelcome(Exception):
    """The client may not come in, or has broken the rules: `code` closes the connection, `reason` is told."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Session:
    """Serve one client; `admit` finds what a token grants and counts it, raising `NotWelcome`."""

    def __init__(
        self,
        hub: Hub,
        outlet: Outlet,
        settings: GatewaySettings,
        observer: GatewayObserver,
        room: asyncio.Semaphore,
        admit: Callable[[str], Grant],
    ) -> None:
        self._hub = hub
        self._outlet = outlet
        self._settings = settings
        self._observer = observer
        self._room = room
        self._admit = admit
        self._subscriptions: dict[str, Subscription] = {}
        self.grant: Grant | None = None

    async def welcome(self, token: str) -> None:
        """Let the client in. Raises `NotWelcome`."""
        self.grant = self._admit(token)
        accounts = "*" if self.grant.accounts is None else sorted(self.grant.accounts)
        await self._outlet.send(
            message(
                "welcome",
                protocol=1,
                accounts=accounts,
                heartbeat_ms=self._settings.heartbeat_ms,
                max_subscriptions=self._settings.max_subscriptions,
                max_message_bytes=self._settings.max_message_bytes,
            )
        )

    async def answer(self, request: Request) -> None:
        """Do what was asked. Raises `NotWelcome`, `Slow`, `ConnectionError`, `BadRequest`."""
        if isinstance(request, Hello):
            if self.grant is not None:
                raise BadRequest("hello has been said already")
            await self.welcome(request.token)
        elif self.grant is None:
            raise NotWelcome(4401, "say hello with a token first")
        elif isinstance(request, Unsubscribe):
            self._drop(request.name)
            await self._outlet.send(message("unsubscribed", subscription=request.name))
        else:
            await self._subscribe(request, self.grant)

    def heartbeat(self, now_ms: int, token: str) -> None:
        """Send a sign of life; the token is left out while a beginning is on its way."""
        settled = all(subscription.is_live for subscription in self._subscriptions.values())
        self._outlet.push(message("heartbeat", time_ms=now_ms, token=token if settled else None))

    def say_goodbye(self, reason: str, code: int, retry_ms: int | None = None) -> None:
        """Tell the client why we go, and let it go."""
        self.end()
        self._outlet.push(message("closing", reason=reason, retry_ms=retry_ms))
        self._outlet.close(code, reason)

    def end(self) -> None:
        """Pass on no more."""
        for name in list(self._subscriptions):
            self._drop(name)

    def _drop(self, name: str) -> None:
        if (subscription := self._subscriptions.pop(name, None)) is not None:
            self._hub.remove(subscription)

    async def _subscribe(self, request: Subscribe, grant: Grant) -> None:
        if request.name in self._subscriptions:
            raise BadRequest(f"subscription {request.name!r} exists")
        if len(self._subscriptions) >= self._settings.max_subscriptions:
            raise BadRequest(f"more than {self._settings.max_subscriptions} subscriptions")
        subscription = Subscription(request, _allowed(request, grant), self._outlet, self._settings.buffer_bytes)
        self._subscriptions[request.name] = subscription
        try:
            await self._begin(subscription)
        except BaseException:
            self._drop(request.name)
            raise

    async def _begin(self, subscription: Subscription) -> None:
        token = subscription.request.resume
        if token is not None:
            try:
                cut = await self._hub.cut_of(token)
            except TokenRefused as refused:
                self._observer.subscribed(str(refused))
                await self._outlet.send(message("expired", subscription=subscription.request.name, reason=str(refused)))
            else:
                await self._resume(subscription, cut)
                return
        if subscription.filter.accounts is None:
            async with self._room:
                await self._snapshot(subscription)
        else:
            await self._snapshot(subscription)

    async def _snapshot(self, subscription: Subscription) -> None:
        """Send how everything stands at this cut; between here and the hub nothing may wait, or it would be lost."""
        token = self._hub.token()
        everything = self._hub.board.cut(subscription.filter.accounts)
        self._hub.add(subscription)
        await self._outlet.send(message("snapshot_begin", subscription=subscription.request.name))
        piece: list[bytes] = []
        size = scopes = 0
        for account_id, standings in everything:
            for standing in standings:
                if (entry := self._entry(subscription, account_id, standing)) is not None:
                    piece.append(entry)
                    size += len(entry)
                    scopes += 1
            if size > _PIECE_BYTES:
                await self._send_piece(subscription, piece)
                piece, size = [], 0
        if piece:
            await self._send_piece(subscription, piece)
        await self._outlet.send(
            message("snapshot_end", subscription=subscription.request.name, scopes=scopes, token=token)
        )
        self._observer.subscribed("snapshot")
        await subscription.go_live()

    async def _send_piece(self, subscription: Subscription, piece: list[bytes]) -> None:
        if subscription.overrun:
            raise Slow
        await self._outlet.send(subscription.head + b'"type":"snapshot","entries":[%b]}' % b",".join(piece))

    def _entry(self, subscription: Subscription, account_id: str, standing: Standing) -> bytes | None:
        wanted = subscription.filter
        method, symbols = "", None
        if standing.value is not None and (wanted.symbols is not None or wanted.methods is not None):
            method, symbols = self._hub.codec.traits(standing.value)
        view = StatusView(account_id, standing.scope, standing.sequence, standing.rank, method, symbols, standing.value)
        if not subscription.covers_status(view):
            return None
        event = b"" if standing.event is None else b',"event":' + standing.event
        return b'{"account_id":%b,"scope":%b,"sequence":%d,"status":%b%b}' % (
            text(account_id),
            text(standing.scope),
            max(0, standing.reached),
            standing.value or b"null",
            event,
        )

    async def _resume(self, subscription: Subscription, cut: Cut) -> None:
        """Send what came since a cut: every event in its order, then how the scopes that changed stand now."""
        events = [
            notice
            for notice in self._hub.backlog.since(cut.positions, subscription.filter.accounts)
            if subscription.filter.covers(notice.view)
        ]
        changed = self._changed(subscription, cut)
        token, now_ms = self._hub.token(), self._hub.now_ms()
        self._hub.add(subscription)
        for notice in events:
            cut.advance(notice.index, notice.offset + 1)
            await self._replay(subscription, notice, cut.token(now_ms))
        for status in changed:
            await self._outlet.send(subscription.head + status)
        await self._outlet.send(
            message(
                "resumed",
                subscription=subscription.request.name,
                events=len(events),
                statuses=len(changed),
                token=token,
            )
        )
        self._observer.subscribed("resumed")
        await subscription.go_live()

    async def _replay(self, subscription: Subscription, notice: Notice, token: str) -> None:
        if subscription.overrun:
            raise Slow
        assert isinstance(notice.view, EventView), "the backlog holds events"
        if subscription.wants(notice):
            tail = notice.worded(token, full=subscription.request.full)
        elif subscription.wants_passed(notice):
            tail = notice.worded_passed(token)
        else:
            return
        await self._outlet.send(subscription.head + tail)

    def _changed(self, subscription: Subscription, cut: Cut) -> list[bytes]:
        """Return the statuses written since a cut; a severity cannot be asked for here: what it was is not known."""
        if not subscription.request.statuses:
            return []
        positions, wanted, found = self._hub.statuses_of(cut), subscription.filter, []
        for account_id, standings in self._hub.board.cut(wanted.accounts):
            for standing in standings:
                if standing.offset >= positions[standing.partition] and standing.value is not None:
                    method, symbols = self._hub.codec.traits(standing.value)
                    view = StatusView(account_id, standing.scope, 0, standing.rank, method, symbols, standing.value)
                    if wanted.covers(view):
                        found.append(_status(account_id, standing.scope, standing.value))
        for account_id, scope in self._hub.board.gone_since(positions, wanted.accounts):
            if wanted.covers(StatusView(account_id, scope, 0, 0, "", None, None)):
                found.append(_status(account_id, scope, b"null"))
        return found


def _status(account_id: str, scope: str, value: bytes) -> bytes:
    return b'"type":"status","account_id":%b,"scope":%b,"status":%b}' % (text(account_id), text(scope), value)


def _allowed(request: Subscribe, grant: Grant) -> Filter:
    """Return what is asked for within what is granted. Raises `BadRequest` where it is more."""
    accounts = request.accounts
    if grant.accounts is not None:
        if accounts is None:
            accounts = grant.accounts
        elif not accounts <= grant.accounts:
            raise BadRequest("accounts: this token does not see all of them")
    return Filter(accounts, request.scopes, request.symbols, request.methods, request.min_rank)
