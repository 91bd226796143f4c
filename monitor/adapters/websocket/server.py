"""The gateway's websocket door: carries messages between clients and sessions within limits of number, size and time.

What clients are told and who may come in is decided in `monitor.app.gateway`; the page for people lies beside this.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.typing import Origin

from monitor.adapters.websocket.server_outlet import SocketOutlet
from monitor.adapters.websocket.server_page import page_headers, page_text
from monitor.app.gateway.gateway import Gateway
from monitor.app.gateway.notices import message
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.requests import BadRequest, RequestCodec
from monitor.app.gateway.session import NotWelcome, Session
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.subscription import Slow

log = logging.getLogger(__name__)

PATH = "/v1"
HELLO_LATE = 4408
_BEARER = "Bearer "


class WebsocketServer:
    """Serve the sessions of one gateway."""

    def __init__(
        self, settings: GatewaySettings, gateway: Gateway, codec: RequestCodec, observer: GatewayObserver
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._codec = codec
        self._observer = observer
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """The port listened on, which the system has chosen when the settings say 0."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def start(self) -> None:
        """Begin to listen. Raises `OSError` when address or certificate cannot be had."""
        settings = self._settings
        self._server = await serve(
            self._handle,
            settings.host,
            settings.port,
            ssl=_tls(settings.certificate_file, settings.key_file),
            origins=[None, *(Origin(origin) for origin in settings.origins)],
            process_request=self._before,
            open_timeout=settings.hello_ms / 1000,
            ping_interval=settings.heartbeat_ms / 1000,
            ping_timeout=max(settings.heartbeat_ms, settings.send_ms) / 1000,
            close_timeout=2,
            max_size=settings.max_message_bytes,
            max_queue=4,
            write_limit=settings.buffer_bytes // 4,
            compression=None,
            server_header=None,
            logger=_logger(),
        )

    async def stop(self) -> None:
        """Tell everybody, wait for their goodbyes within bounds, and close."""
        if self._server is None:
            return
        self._gateway.drain()
        self._server.close(close_connections=True)
        try:
            async with asyncio.timeout(self._settings.drain_ms / 1000 + 2):
                await self._server.wait_closed()
        except TimeoutError:
            log.warning("some clients did not say goodbye in time")

    def _before(self, _: ServerConnection, request: HttpRequest) -> Response | None:
        """Answer what is no websocket; None lets the handshake go on."""
        path = request.path.partition("?")[0]
        if path == PATH:
            return None
        if path == "/" and self._settings.page:
            return Response(HTTPStatus.OK, "OK", page_headers(), page_text())
        return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers({"Content-Length": "0", "Connection": "close"}))

    async def _handle(self, connection: ServerConnection) -> None:
        outlet = SocketOutlet(connection, self._settings, self._observer)
        try:
            session = self._gateway.open(outlet)
        except NotWelcome as refused:
            await connection.close(refused.code, refused.reason)
            return
        try:
            await self._serve(connection, outlet, session)
        except NotWelcome as refused:
            session.say_goodbye(refused.reason, refused.code, refused.retry_ms)
        except TimeoutError:
            self._observer.refused("hello")
            session.say_goodbye("no hello in time", HELLO_LATE)
        except Slow:
            outlet.give_up()
        except (ConnectionClosed, ConnectionError):
            pass
        finally:
            self._gateway.close(session)
            await outlet.closed()

    async def _serve(self, connection: ServerConnection, outlet: SocketOutlet, session: Session) -> None:
        header = connection.request.headers.get("Authorization", "") if connection.request is not None else ""
        async with asyncio.timeout(self._settings.hello_ms / 1000):
            if header.startswith(_BEARER):
                await session.welcome(header.removeprefix(_BEARER))
            while session.grant is None:
                await self._answer(outlet, session, await connection.recv())
        async for text in connection:
            await self._answer(outlet, session, text)

    async def _answer(self, outlet: SocketOutlet, session: Session, text: str | bytes) -> None:
        session.count_request()
        try:
            await session.answer(self._codec.request(text))
        except BadRequest as bad:
            await outlet.send(message("error", message=str(bad)))


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _logger() -> logging.Logger:
    """Return the library's logger at a level at which clients who come and go are no news."""
    logger = logging.getLogger("websockets.server")
    logger.setLevel(logging.ERROR)
    return logger
