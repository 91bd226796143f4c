"""An HTTP receiver that misbehaves by a seed: refuses, is silent, hangs up before or after taking, sends elsewhere."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from standardwebhooks import Webhook, WebhookVerificationError

from tests.webhooks.house import Desk

FATES = {
    "200": 60,
    "500": 6,
    "503": 6,
    "429": 4,
    "silent": 3,
    "reset": 6,
    "lost": 8,
    "slow": 4,
    "302": 5,
}
"""How often each fate is; `lost` takes a message and hangs up, `reset` hangs up without taking it."""
_SLOW_SECONDS = 0.2


class FaultyReceiver:
    """Serve every target at a path of its own; `desks` holds what was taken, `complaints` what should not be."""

    def __init__(self, random: Random, secret: str) -> None:
        self.desks: dict[str, Desk] = defaultdict(Desk)
        self.fates: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.gone: set[str] = set()
        self.well: set[str] = set()
        self.port = 0
        self._random = random
        self._verifier = Webhook(secret)
        self._bodies: dict[str, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if not await self._answer(line.split()[1].strip("/"), headers, body, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self,
        target: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer, or not; return whether the connection goes on."""
        self._look_at(target, headers, body)
        name = headers["webhook-id"]
        fate = self._fate(target)
        self.fates[fate] += 1
        desk = self.desks[target]
        if fate in {"200", "slow", "silent", "lost"}:
            desk.copies.append((name, body))
        if fate == "silent":
            await reader.read()
            return False
        if fate in {"lost", "reset"}:
            hard = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
            return False
        if fate == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        status = "200" if fate == "slow" else fate
        if status == "200":
            desk.acknowledged.add(name)
        more = f"Location: http://127.0.0.1:{self.port}/trap\r\n" if fate == "302" else "Retry-After: 0\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()
        return True

    def _look_at(self, target: str, headers: dict[str, str], body: bytes) -> None:
        if target == "trap":
            self.complaints.append("a redirect was followed")
        try:
            self._verifier.verify(body, headers)
        except WebhookVerificationError as fault:
            self.complaints.append(f"{target}: {fault}")
        if self._bodies.setdefault(headers["webhook-id"], body) != body:
            self.complaints.append(f"{target}: one id, two contents")

    def _fate(self, target: str) -> str:
        if target in self.gone:
            return "410"
        if target in self.well:
            return "200"
        return self._random.choices(list(FATES), list(FATES.values()))[0]


@asynccontextmanager
async def misbehaving(random: Random, secret: str) -> AsyncIterator[FaultyReceiver]:
    """Run a receiver."""
    receiver = FaultyReceiver(random, secret)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
