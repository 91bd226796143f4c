"""A receiver of webhooks that fails as receivers do, by a seed: it refuses, answers get lost; what it took is kept."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.waiting import until

_REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_FORGED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
_SLOWNESS_SECONDS = 0.06
"""So slow that the sender always has something waiting, whenever it dies."""


class Receiver:
    """Take signed messages, each id once; `faults` is the share of requests that something goes wrong with."""

    def __init__(self, secret: str, seed: int, faults: float = 0.1) -> None:
        self._webhook = Webhook(secret)
        self._dice = random.Random(seed)
        self.faults = faults
        self.taken: dict[str, dict[str, Any]] = {}
        self.copies: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.port = 0
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, *fields = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await asyncio.sleep(self._dice.uniform(0, _SLOWNESS_SECONDS))
                answer = self._answer(headers, body)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def _answer(self, headers: dict[str, str], body: bytes) -> bytes | None:
        """Take one message, or not; None hangs up without a word after it is taken."""
        is_faulty = self._dice.random() < self.faults
        if is_faulty and self._dice.random() < 0.5:
            return _REFUSED
        try:
            said = self._webhook.verify(body, headers)
        except WebhookVerificationError as fault:
            self.complaints.append(f"a message that is not signed: {fault}")
            return _FORGED
        name = headers["webhook-id"]
        if self.taken.setdefault(name, said) != said:
            self.complaints.append(f"{name} was told twice with different contents")
        self.copies[name] += 1
        return None if is_faulty else _TAKEN

    def events(self) -> list[str]:
        """Return the event of each message taken; whatever tells of more than one stands as its type."""
        return [
            said["data"]["event"]["event_id"] if "event" in said["data"] else said["type"] for said in self._bodies()
        ]

    def _bodies(self) -> list[dict[str, Any]]:
        return [json.loads(said) if isinstance(said, (str, bytes)) else said for said in self.taken.values()]


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Let it receive for the duration of the body."""
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in [*receiver.writers]:
            writer.close()
        await until(lambda: not receiver.writers)
