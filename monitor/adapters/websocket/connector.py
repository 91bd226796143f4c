"""Connections of the `websockets` library behind the port: bounded in time and size, every end told as `LineFault`.

No address is ever told: the address of a private stream holds its key.
"""

from __future__ import annotations

from http import HTTPStatus

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.frames import CloseCode

from monitor.app.venue_feed.ports import Ending, LineFault
from monitor.app.venue_feed.settings import VenueFeedSettings

_CLOSE_SECONDS = 1.0
_FRAMES_READ_AHEAD = 16
_TOO_MUCH = frozenset({CloseCode.POLICY_VIOLATION, CloseCode.TRY_AGAIN_LATER})
_TOO_MANY_REQUESTS = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})
"""Venues of Binance's family answer 429 to those who ask too much, and 418 to those who go on."""


class WebsocketConnector:
    """Open websocket connections."""

    def __init__(self, settings: VenueFeedSettings) -> None:
        self._settings = settings

    async def connect(self, address: str) -> WebsocketConnection:
        """Return an open connection; one attempt. Raises `LineFault`."""
        settings = self._settings
        try:
            opened = await connect(
                address,
                open_timeout=settings.connect_ms / 1000,
                ping_interval=settings.ping_ms / 1000,
                ping_timeout=settings.pong_ms / 1000,
                close_timeout=_CLOSE_SECONDS,
                max_size=settings.max_frame_bytes,
                max_queue=_FRAMES_READ_AHEAD,
            )
        except InvalidStatus as fault:
            raise _of_status(fault) from None
        except InvalidURI:
            raise LineFault(Ending.UNREACHABLE, "the address is no websocket address") from None
        except TimeoutError:
            raise LineFault(Ending.UNREACHABLE, "no answer in time") from None
        except (OSError, InvalidHandshake, WebSocketException, EOFError) as fault:
            raise LineFault(Ending.UNREACHABLE, f"{type(fault).__name__}: {fault}") from None
        return WebsocketConnection(opened)


class WebsocketConnection:
    """Carry frames over one connection."""

    def __init__(self, opened: ClientConnection) -> None:
        self._opened = opened

    async def receive(self) -> bytes:
        """Return the next frame, text or binary. Raises `LineFault`."""
        try:
            return await self._opened.recv(decode=False)
        except ConnectionClosed as fault:
            raise _of_close(fault) from None

    async def send(self, request: bytes) -> None:
        """Send a text frame. Raises `LineFault`."""
        try:
            await self._opened.send(request, text=True)
        except ConnectionClosed as fault:
            raise _of_close(fault) from None

    async def close(self) -> None:
        """Close; a peer that does not answer is left alone after a second."""
        await self._opened.close()


def _of_status(fault: InvalidStatus) -> LineFault:
    status = fault.response.status_code
    if status not in _TOO_MANY_REQUESTS:
        return LineFault(Ending.UNREACHABLE, f"the server answered {status}")
    text = fault.response.headers.get("Retry-After", "")
    return LineFault(Ending.RATE_LIMITED, f"the server answered {status}", float(text) if text.isdigit() else None)


def _of_close(fault: ConnectionClosed) -> LineFault:
    close = fault.rcvd or fault.sent
    code = None if close is None else close.code
    reason = "" if close is None or not close.reason else f" ({close.reason[:100]})"
    by = "without a word" if code is None else f"with code {code}{reason} {'by the venue' if fault.rcvd else 'by us'}"
    return LineFault(Ending.RATE_LIMITED if code in _TOO_MUCH else Ending.CLOSED, f"closed {by}")
