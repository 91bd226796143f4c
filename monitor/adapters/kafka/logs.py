"""What aiokafka logs, made fit for a service: warnings only, each kind once a minute; how we log is elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import structlog

QUIET_SECONDS = 60.0


class _Relay(logging.Handler):
    """Pass warnings of the client on to our log; repeats within the quiet time are counted instead."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}
        self._log = structlog.get_logger("monitor.adapters.kafka.client")

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record, or count it."""
        kind = (record.name, str(record.msg))
        now = self._clock()
        if now - self._last.get(kind, -QUIET_SECONDS) < QUIET_SECONDS:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return
        self._last[kind] = now
        self._log.warning(
            "kafka_client", source=record.name, message=record.getMessage(), held_back=self._held_back.pop(kind, 0)
        )


def tame_client_logging(clock: Callable[[], float] = time.monotonic) -> None:
    """Route aiokafka's warnings through our log; its debug level prints keys and values and is never switched on."""
    client = logging.getLogger("aiokafka")
    client.setLevel(logging.WARNING)
    client.propagate = False
    client.handlers = [_Relay(clock)]
