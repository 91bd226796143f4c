"""The HTTP server: carries requests to routes and answers back, within limits of number, size and time.

h11 parses and asyncio carries: for GET of a few short texts a web framework would be larger than all it serves.
One request per connection; bodies are not read. What is answered is the routes' business.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

import h11

from monitor.adapters.http.routes import Answer, Route, as_json
from monitor.adapters.http.settings import HttpSettings


class HttpServer:
    """Serve routes on one address.

    `token` opens the private routes; None closes them. What a route raises is the monitor's own fault: the connection
    closes without an answer and the event loop's exception handler gets it.
    """

    def __init__(self, settings: HttpSettings, routes: Mapping[str, Route], token: str | None = None) -> None:
        self._settings = settings
        self._routes = dict(routes)
        self._token = token
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port listened on, which the system has chosen when the settings say 0."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen. Raises `OSError` when the address cannot be had."""
        self._server = await asyncio.start_server(
            self._accept, self._settings.host, self._settings.port, limit=self._settings.max_request_bytes
        )

    async def stop(self) -> None:
        """Stop listening and drop what is still open."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._settings.max_connections:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a route failed", "exception": fault, "task": task})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request within the time limit and close."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_ms / 1000):
                connection = h11.Connection(h11.SERVER, max_incomplete_event_size=self._settings.max_request_bytes)
                answer, is_head = await self._answer(connection, reader)
                if answer is not None:
                    writer.write(_encoded(connection, answer, is_head=is_head))
                    await writer.drain()
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[Answer | None, bool]:
        """Return the answer, None when the peer left before it asked, and whether only its head is wanted."""
        try:
            request = await _request(connection, reader, self._settings.max_request_bytes)
        except h11.RemoteProtocolError as fault:
            return as_json(HTTPStatus(fault.error_status_hint), {"error": str(fault)}), False
        if request is None:
            return None, False
        return self._routed(request), request.method == b"HEAD"

    def _routed(self, request: h11.Request) -> Answer:
        route = self._routes.get(request.target.partition(b"?")[0].decode("ascii", "replace"))
        if route is None:
            return as_json(HTTPStatus.NOT_FOUND, {"error": "not found", "paths": sorted(self._routes)})
        if request.method not in (b"GET", b"HEAD"):
            return as_json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "only GET and HEAD"})
        if route.is_private and not self._is_authorized(request):
            return as_json(HTTPStatus.UNAUTHORIZED, {"error": "a bearer token is needed"})
        return route.answer()

    def _is_authorized(self, request: h11.Request) -> bool:
        """Compare in constant time: the time taken tells nothing about the token."""
        if not self._token:
            return False
        given = dict(request.headers).get(b"authorization", b"")
        return hmac.compare_digest(given, b"Bearer " + self._token.encode())


async def _request(connection: h11.Connection, reader: asyncio.StreamReader, max_bytes: int) -> h11.Request | None:
    """Return the request, None when the peer left. Raises `h11.RemoteProtocolError`, also for what is too long."""
    left = max_bytes + 1
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        data = await reader.read(left)
        left -= len(data)
        connection.receive_data(data)


def _encoded(connection: h11.Connection, answer: Answer, *, is_head: bool) -> bytes:
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    if answer.status is HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", "Bearer"))
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "GET, HEAD"))
    response = h11.Response(status_code=answer.status, headers=headers, reason=answer.status.phrase.encode())
    body = b"" if is_head else answer.body
    parts = [connection.send(response), connection.send(h11.Data(data=body)), connection.send(h11.EndOfMessage())]
    return b"".join(part for part in parts if part)
