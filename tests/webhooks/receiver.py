"""An HTTP receiver on this machine that answers as it was told to, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class Request(NamedTuple):
    """Hold one request; names of headers in lower case; `peer` is the port it came from."""

    peer: int
    line: str
    headers: dict[str, str]
    body: bytes


class HttpReceiver:
    """Keep requests; answer with the next of `answers`, the last for ever; None closes without a word."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[bytes | None] = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        peer = int(writer.get_extra_info("peername")[1])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append(Request(peer, line, headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpReceiver]:
    """Run a receiver."""
    receiver = HttpReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
