"""A process full of clients that take the time of every event: lean, so that 2,000 fit beside the gateway.

They speak the few words of the websocket protocol they need by hand: a client library would cost more than the gateway.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
import time
from typing import NamedTuple

from tests.gateway.house import DESK

DEADLINE_SECONDS = 100.0
_SENT = re.compile(rb'"sent_ns":([0-9]+)')
_TOGETHER = 50
"""Clients that connect at the same time."""


class Plan(NamedTuple):
    """Say who there is and what is told; the same on both sides."""

    seed: int
    clients: int
    desks: int
    accounts: int
    events: int

    def told(self) -> list[str]:
        """Return the account of each event."""
        dice = random.Random(self.seed)
        return [f"a{dice.randrange(self.accounts)}" for _ in range(self.events)]

    def account_of(self, client: int) -> str | None:
        """Return the account a client asks for, None for a desk."""
        return None if client < self.desks else f"a{client % self.accounts}"


class LeanClient(asyncio.Protocol):
    """Take the time of each event that comes."""

    def __init__(self, number: int, account: str | None, expected: int) -> None:
        self.number = number
        self.account = account
        self.expected = expected
        self.late_us: list[int] = []
        self.began = asyncio.get_running_loop().create_future()
        self.done = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the websocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            b"GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer " + DESK.encode() + b"\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        """Walk over whole frames."""
        now = time.perf_counter_ns()
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head, head
            self._is_open, self._buffer = True, rest
            self._subscribe()
        while (frame := self._frame()) is not None:
            if b'"type":"snapshot_end"' in frame[:80]:
                self.began.set_result(None)
            elif (sent := _SENT.search(frame)) is not None:
                self.late_us.append((now - int(sent[1])) // 1000)
        if len(self.late_us) >= self.expected and self.began.done() and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        for waiting in (self.began, self.done):
            if not waiting.done():
                waiting.set_exception(ConnectionError("the gateway has let a client go"))

    def _frame(self) -> bytes | None:
        """Return the payload of the next whole frame of the gateway, which masks nothing."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, begin = buffer[1], 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(buffer[2:begin], "big")
        if len(buffer) < begin + size:
            return None
        self._buffer = buffer[begin + size :]
        return buffer[begin : begin + size]

    def _subscribe(self) -> None:
        wish: dict[str, object] = {"type": "subscribe", "subscription": "s"}
        if self.account is not None:
            wish["accounts"] = [self.account]
        text, mask = json.dumps(wish).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
        self._transport.write(bytes((0x81, 0x80 | len(text))) + mask + masked)


async def run(port: int, number: int, workers: int, plan: Plan) -> None:
    """Connect this process's share of the clients, say so, wait until all have everything, and print the times."""
    told = plan.told()
    clients = []
    for client in range(number, plan.clients, workers):
        account = plan.account_of(client)
        clients.append(LeanClient(client, account, len(told) if account is None else told.count(account)))
    for first in range(0, len(clients), _TOGETHER):
        group = clients[first : first + _TOGETHER]
        await asyncio.gather(*(_connect(client, port) for client in group))
    _say("ready")
    await asyncio.wait([client.done for client in clients if client.expected], timeout=DEADLINE_SECONDS)
    wrong = [client.number for client in clients if len(client.late_us) != client.expected]
    _say(json.dumps({"late_us": [late for client in clients for late in client.late_us], "wrong": wrong}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _connect(client: LeanClient, port: int) -> None:
    await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", port)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await client.began


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    asyncio.run(run(*numbers[:3], Plan(*numbers[3:])))
