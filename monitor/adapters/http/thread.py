"""The thread of the HTTP door: the server runs in an event loop of its own.

So metrics and health are answered while the application's loop stands still: that is when they are needed most. What
the routes ask must therefore bear being asked from another thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

from monitor.adapters.http.server import HttpServer

_STOP_SECONDS = 2.0


class HttpThread:
    """Run one server in a thread, between `start` and `stop`."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._started: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="http", daemon=True)
        self._stopping: asyncio.Event | None = None

    async def start(self) -> None:
        """Begin to listen. Raises `OSError` when the address cannot be had."""
        self._thread.start()
        await asyncio.wrap_future(self._started)

    async def stop(self) -> None:
        """Stop listening; a thread that does not end in time is left to the end of the process."""
        if self._stopping is not None:
            self._started.result().call_soon_threadsafe(self._stopping.set)
        await asyncio.to_thread(self._thread.join, _STOP_SECONDS)

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        try:
            await self._server.start()
        except OSError as fault:
            self._started.set_exception(fault)
            return
        self._stopping = stopping
        self._started.set_result(asyncio.get_running_loop())
        await stopping.wait()
        await self._server.stop()
