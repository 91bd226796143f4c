"""A venue on loopback: a websocket server that plays scripts, one a connection, the last one for all that follow.

A script is a coroutine over the connection; `greet` answers subscriptions as venues of Binance's family do. What a
script sends is made here by hand from the documented shapes, not by the code under test.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Script = Callable[["Caller"], Awaitable[None]]


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def mark(symbol: str, price: str, event_ms: int | None = None, **more: Any) -> dict[str, Any]:
    """Return one `markPriceUpdate` as documented."""
    at = now_ms() if event_ms is None else event_ms
    body = {"e": "markPriceUpdate", "E": at, "s": symbol, "p": price, "i": price, "P": price, "r": "0.00010000"}
    return {**body, "T": at // 28_800_000 * 28_800_000 + 28_800_000, **more}


class Caller:
    """Hold one connection of a client, and what it has asked for."""

    def __init__(self, connection: ServerConnection, is_over: asyncio.Event) -> None:
        self.connection = connection
        self.is_over = is_over
        self.path = connection.request.path if connection.request else ""
        self.asked: list[dict[str, Any]] = []

    async def greet(self) -> None:
        """Take one subscription and grant it."""
        request = json.loads(await self.connection.recv())
        self.asked.append(request)
        await self.say({"result": None, "id": request["id"]})

    async def say(self, document: object) -> None:
        """Send one frame."""
        await self.connection.send(document if isinstance(document, (str, bytes)) else json.dumps(document))

    async def repeat(self, make: Callable[[], object], times: int = 1_000_000, every: float = 0.02) -> None:
        """Send a frame again and again."""
        for _ in range(times):
            await self.say(make())
            await asyncio.sleep(every)


class PlayedVenue:
    """Play scripts to whoever connects."""

    def __init__(self, scripts: Sequence[Script], refusals: Sequence[int] = ()) -> None:
        self._scripts = list(scripts)
        self._refusals = list(refusals)
        self._server: Server | None = None
        self._is_over = asyncio.Event()
        self.callers: list[Caller] = []
        self.attempts = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    @property
    def now_connected(self) -> int:
        """How many clients are connected."""
        assert self._server is not None
        return len(self._server.connections)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PlayedVenue]:
        """Listen for the duration of the body."""
        async with serve(
            self._play, "127.0.0.1", 0, process_request=self._let_in, ping_interval=None, close_timeout=0.1
        ) as self._server:
            try:
                yield self
            finally:
                self._is_over.set()

    def _let_in(self, _: ServerConnection, __: Request) -> Response | None:
        self.attempts += 1
        if self._refusals:
            from websockets.datastructures import Headers

            return Response(self._refusals.pop(0), "refused", Headers([("Retry-After", "1"), ("Content-Length", "0")]))
        return None

    async def _play(self, connection: ServerConnection) -> None:
        caller = Caller(connection, self._is_over)
        self.callers.append(caller)
        script = self._scripts[min(len(self.callers), len(self._scripts)) - 1]
        with suppress(ConnectionClosed):
            await script(caller)
