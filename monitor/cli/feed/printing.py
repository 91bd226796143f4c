"""Printing: messages as lines on standard output, as `liqmon run --input` reads them; the outlet where no log is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import orjson

from monitor.app.venue_feed.ports import NativeMessage


class Printer:
    """Write one line a message; whoever reads may be slow, and the feed then waits."""

    async def write(self, messages: Sequence[NativeMessage]) -> None:
        """Print all messages."""
        for message in messages:
            line = {"topic": message.topic, "key": message.key.decode(), "value": orjson.Fragment(message.value)}
            sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()

    async def close(self) -> None:
        """Do nothing: standard output is not ours to close."""
