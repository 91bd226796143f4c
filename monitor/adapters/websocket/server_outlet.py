"""One client's way out: messages into its socket, and the end of a client that does not take them."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from monitor.app.gateway.notices import message
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.subscription import Slow

SLOW = 1013
"""`Try again later`: the client may come back with its token."""


class SocketOutlet:
    """Send to one client; what waits for it never exceeds `buffer_bytes` and one message."""

    def __init__(self, connection: ServerConnection, settings: GatewaySettings, observer: GatewayObserver) -> None:
        self._connection = connection
        self._max_bytes = settings.buffer_bytes
        self._send_seconds = settings.send_ms / 1000
        self._observer = observer
        self._closing: asyncio.Task[None] | None = None

    def is_busy(self) -> bool:
        """Tell whether something waits for the client."""
        return self._connection.transport.get_write_buffer_size() > 0

    def push(self, data: bytes) -> bool:
        """Send without waiting; a client with too much waiting already is told so and let go."""
        if self._closing is not None:
            return False
        waiting = self._connection.transport.get_write_buffer_size()
        if waiting and waiting + len(data) > self._max_bytes:
            self.give_up()
            return False
        broadcast([self._connection], data, text=True)
        return True

    async def send(self, data: bytes) -> None:
        """Send, waiting for room. Raises `Slow`, `ConnectionClosed`."""
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._connection.send(data, text=True)
        except TimeoutError:
            raise Slow from None

    def give_up(self) -> None:
        """Tell the client that it is slow, as the last thing it will read, and close."""
        if self._closing is None:
            self._observer.dropped("slow")
            broadcast([self._connection], message("closing", reason="slow", retry_ms=1_000), text=True)
            self.close(SLOW, "slow")

    def close(self, code: int, reason: str) -> None:
        """Close without waiting; who does not answer in time is cut off."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(code, reason))

    async def closed(self) -> None:
        """Wait for the end of a close that was begun."""
        if self._closing is not None:
            await asyncio.wait({self._closing})

    async def _close(self, code: int, reason: str) -> None:
        try:
            await self._connection.close(code, reason[:100])
        except (ConnectionClosed, ConnectionError):
            pass
        finally:
            self._connection.transport.abort()
