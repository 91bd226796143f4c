"""A session: one client from its hello to its goodbye; carrying bytes is the outlet's business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.app.gateway.access import Grant
from monitor.app.gateway.beginnings import Beginning
from monitor.app.gateway.filters import Filter
from monitor.app.gateway.hub import Hub
from monitor.app.gateway.notices import message
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.pace import Pace
from monitor.app.gateway.places import TokenRefused
from monitor.app.gateway.requests import BadRequest, Hello, Request, Subscribe, Unsubscribe
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.subscription import Outlet, Subscription

GOING_AWAY = 1001
UNAUTHORIZED = 4401
TOO_MANY = 4429


class NotWelcome(Exception):
    """The client may not come in, or has broken the rules: `code` closes the connection, `reason` is told."""

    def __init__(self, code: int, reason: str, retry_ms: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.retry_ms = retry_ms


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
        self._pace = Pace(settings.max_requests, settings.requests_ms, hub.now_ms())
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

    def count_request(self) -> None:
        """Count a message before it is read: also what makes no sense costs. Raises `NotWelcome` for one too many."""
        if not self._pace.allows(self._hub.now_ms()):
            self._observer.dropped("requests")
            most, period_ms = self._settings.max_requests, self._settings.requests_ms
            raise NotWelcome(TOO_MANY, f"more than {most} messages within {period_ms} ms", period_ms)

    async def answer(self, request: Request) -> None:
        """Do what was asked. Raises `NotWelcome`, `Slow`, `ConnectionError`, `BadRequest`."""
        if isinstance(request, Hello):
            if self.grant is not None:
                raise BadRequest("hello has been said already")
            await self.welcome(request.token)
        elif self.grant is None:
            raise NotWelcome(UNAUTHORIZED, "say hello with a token first")
        elif isinstance(request, Unsubscribe):
            self._drop(request.name)
            await self._outlet.send(message("unsubscribed", subscription=request.name))
        else:
            await self._subscribe(request, self.grant)

    def heartbeat(self, now_ms: int, token: str) -> None:
        """Send a sign of life, unless other messages are on their way; without a token while a beginning is."""
        if self._outlet.is_busy():
            return
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
        guarded = grant.accounts is not None
        subscription = Subscription(request, _allowed(request, grant), self._outlet, guarded=guarded)
        self._subscriptions[request.name] = subscription
        try:
            await self._begin(subscription)
        except BaseException:
            self._drop(request.name)
            raise

    async def _begin(self, subscription: Subscription) -> None:
        beginning = Beginning(self._hub, self._outlet, subscription)
        token = subscription.request.resume
        if token is not None:
            try:
                cut = await self._hub.cut_of(token)
            except TokenRefused as refused:
                self._observer.subscribed(str(refused))
                await self._outlet.send(message("expired", subscription=subscription.request.name, reason=str(refused)))
            else:
                await beginning.go_on(cut, resumed=True)
                self._observer.subscribed("resumed")
                return
        if subscription.filter.accounts is None:
            async with self._room:
                cut = await beginning.snapshot()
        else:
            cut = await beginning.snapshot()
        await beginning.go_on(cut, resumed=False)
        self._observer.subscribed("snapshot")


def _allowed(request: Subscribe, grant: Grant) -> Filter:
    """Return what is asked for within what is granted. Raises `BadRequest` where it is more."""
    accounts = request.accounts
    if grant.accounts is not None:
        if accounts is None:
            accounts = grant.accounts
        elif not accounts <= grant.accounts:
            raise BadRequest("accounts: this token does not see all of them")
    return Filter(accounts, request.scopes, request.symbols, request.methods, request.min_rank)
