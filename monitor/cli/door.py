"""The HTTP door of a process while it runs: health and metrics, answered by a thread of their own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from monitor.adapters.http import HttpSettings

log = logging.getLogger(__name__)

Answer = Callable[[], tuple[bool, Sequence[str]]]
"""Says whether all is well, and why not; asked from the thread of the door."""


@asynccontextmanager
async def serving(
    http: HttpSettings,
    registry: CollectorRegistry,
    is_ready: Answer,
    is_live: Answer = lambda: (True, ()),
    *,
    token: str | None = None,
    what: str = "health and metrics",
) -> AsyncIterator[None]:
    """Serve until left; `token` opens what shows account data, `what` names in the log what is served."""
    from monitor.adapters.http import HttpServer, HttpThread, standard_routes  # noqa: PLC0415  # slow to load
    from monitor.adapters.metrics import exposition  # noqa: PLC0415

    server = HttpServer(http, standard_routes(lambda: exposition(registry), is_live, is_ready), token)
    thread = HttpThread(server)
    await thread.start()
    log.info("%s on http://%s:%d", what, http.host, server.port)
    try:
        yield
    finally:
        await thread.stop()
