"""`python -m tests.chain.subscriber URL TOKEN JOURNAL`: a subscriber that may be killed at any time.

What it hears is written to its journal, a line each with the token to go on from; after a death it goes on from the
last whole line. So an event stands there once if the gateway keeps its promise.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import websockets

_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.3
_KEPT = ("event", "expired", "snapshot_begin", "error", "closing")


def whole_lines(path: Path) -> list[dict[str, object]]:
    """Return the lines of a journal that were written to their end."""
    if not path.exists():
        return []
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def opened(path: Path) -> tuple[int, object]:
    """Return a journal to write on after its last whole line, and the token to go on from."""
    resume = next((line["token"] for line in reversed(whole_lines(path)) if line.get("token")), None)
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    size = path.read_bytes().rfind(b"\n") + 1
    os.ftruncate(file, size)
    os.lseek(file, size, os.SEEK_SET)
    return file, resume


async def follow(url: str, token: str, journal: Path) -> None:
    """Follow for ever."""
    file, resume = opened(journal)
    wish = {"type": "subscribe", "subscription": "all", "min_severity": "healthy", "statuses": False}
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        try:
            async with websockets.connect(url, additional_headers=headers, max_size=8 << 20) as connection:
                await connection.send(json.dumps({**wish, **({"resume": resume} if resume else {})}))
                while True:
                    said = json.loads(await asyncio.wait_for(connection.recv(), _PATIENCE_SECONDS))
                    resume = said.get("token", resume)
                    line = {"token": resume, "type": said["type"]}
                    if said["type"] in _KEPT:
                        line["said"] = said.get("event", said)
                    os.write(file, json.dumps(line).encode() + b"\n")
        except (OSError, TimeoutError, websockets.WebSocketException):
            await asyncio.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
