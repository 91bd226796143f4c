"""Requests of httpx behind the port: bounded in time and size, every failure told as `RestFault`.

No address, query, header or body is ever told: they hold keys and signatures.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

import httpx
import msgspec

from monitor.app.venue_feed.ports import Request, RestFault

_MOST_BYTES = 32 * 1024 * 1024
_TOO_MANY_REQUESTS = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})
_WORDS = 200


class RestClient:
    """Ask one venue. `seconds` is for the whole of a request; `rate_limit_seconds` where the venue states no wish."""

    def __init__(self, base: str, seconds: float, rate_limit_seconds: float) -> None:
        self._base = base.rstrip("/")
        self._seconds = seconds
        self._rate_limit_seconds = rate_limit_seconds
        self._nonce_us = 0
        self._client = httpx.AsyncClient(timeout=seconds, follow_redirects=False)

    async def ask(self, request: Request) -> bytes:
        """Return the body of a good answer. Raises `RestFault`."""
        if request.sign is not None:
            self._nonce_us = max(self._nonce_us + 1, time.time_ns() // 1_000)
            request = request.sign(self._nonce_us)
        doing = f"{request.method} {request.path}"
        address = f"{self._base}{request.path}{'?' if request.query else ''}{request.query}"
        try:
            async with asyncio.timeout(self._seconds):
                async with self._client.stream(
                    request.method, address, headers=dict(request.headers), content=request.body or None
                ) as answer:
                    body = await _whole(answer, doing)
        except TimeoutError:
            raise RestFault(f"{doing}: no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:  # their words may hold the address
            raise RestFault(f"{doing}: {type(fault).__name__}") from None
        if answer.status_code != HTTPStatus.OK:
            raise self._refused(doing, answer, body)
        return body

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _refused(self, doing: str, answer: httpx.Response, body: bytes) -> RestFault:
        code, words = _reason(body)
        retry_after = None
        if answer.status_code in _TOO_MANY_REQUESTS:
            text = answer.headers.get("Retry-After", "")
            retry_after = float(text) if text.isdigit() else self._rate_limit_seconds
        return RestFault(f"{doing}: answered {answer.status_code}{words}", code, retry_after)


async def _whole(answer: httpx.Response, doing: str) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise RestFault(f"{doing}: the answer is larger than {_MOST_BYTES} bytes")
    return b"".join(parts)


def _reason(body: bytes) -> tuple[int | None, str]:
    """Return the venue's code and words, where the answer is of the form `{"code": …, "msg": …}`."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None, ""
    if not isinstance(document, dict) or not isinstance(document.get("code"), int):
        return None, ""
    return document["code"], f", {document['code']}: {str(document.get('msg'))[:_WORDS]}"
