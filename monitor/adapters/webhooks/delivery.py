"""A delivery: one POST of httpx, signed by the `standardwebhooks` library, bounded in time and size.

The host is resolved here, and the connection made to the address that was judged: asking twice could give two answers.
No redirect is followed and no proxy is used, for both would lead where nobody has looked. Neither secrets nor addresses
are ever told in what is raised or returned.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from monitor.app.webhooks.addresses import why_refused
from monitor.app.webhooks.delivering import Reply, reply_of
from monitor.app.webhooks.queue import Answer
from monitor.app.webhooks.targets import Target

_MOST_BYTES = 65_536
"""Of an answer: what is in it does not matter, but a connection whose answer was read can be used again."""

_MOST_ADDRESSES = 4
_LEAST_KEY, _MOST_KEY = 24, 64
"""Bytes of a secret, as Standard Webhooks asks for."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class BadSecret(ValueError):
    """A secret that nothing can be signed with; the text names the target, never the secret."""


async def addresses_of(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, as the system resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class HttpDelivery:
    """Send to targets. Times in seconds; `now_ms` dates the signatures.

    Args:
        secrets: what each target's messages are signed with, by its name: `whsec_` and base64, several while a secret
            is changed, none where nobody would look.
        seconds: for the whole of an attempt.
        now_ms: the time, in milliseconds since 1970.
        trust: certificates that targets are verified with; None for the system's.
        resolve: finds the addresses of a host.

    Raises `BadSecret`.
    """

    def __init__(
        self,
        secrets: Mapping[str, Sequence[str]],
        seconds: float,
        now_ms: Callable[[], int],
        *,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve = addresses_of,
    ) -> None:
        self._signers = {name: [_signer(name, one) for one in several] for name, several in secrets.items()}
        self._seconds = seconds
        self._now_ms = now_ms
        self._resolve = resolve
        trust = trust or ssl.create_default_context()
        # one each: a connection is found by its address, and two names at one address have two certificates
        self._clients = {
            name: httpx.AsyncClient(verify=trust, timeout=seconds, follow_redirects=False, trust_env=False)
            for name in secrets
        }

    async def deliver(self, target: Target, message_id: str, body: bytes) -> Reply:
        """Send and return what became of it; what a target or a network does is never raised."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(target, message_id, body)
        except TimeoutError:
            return Reply(Answer.FAILED, f"no answer within {self._seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as fault:  # their words may hold the address
            return Reply(Answer.FAILED, type(fault).__name__)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    async def _post(self, target: Target, message_id: str, body: bytes) -> Reply:
        url = httpx.URL(target.url)
        found = await self._resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        refused = [why for why in map(why_refused, found) if why is not None]
        if not found or (refused and not target.allow_private):
            return Reply(Answer.FAILED, f"its address {refused[0]}" if refused else "its host has no address")
        headers = {"Host": url.netloc.decode("ascii"), **self._signed(target, message_id, body)}
        answer = await self._first_answer(target, list(dict.fromkeys(found))[:_MOST_ADDRESSES], headers, body)
        try:
            size = 0
            async for part in answer.aiter_raw():
                size += len(part)
                if size > _MOST_BYTES:
                    break
        finally:
            await answer.aclose()
        return reply_of(answer.status_code, answer.headers.get("Retry-After", ""))

    async def _first_answer(
        self, target: Target, addresses: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Return the answer of the first address that can be connected to: before that nothing is sent."""
        client, url = self._clients[target.name], httpx.URL(target.url)
        for number, address in enumerate(addresses, 1):
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": url.host},  # the certificate is the name's, not the address's
            )
            try:
                return await client.send(request, stream=True)
            except httpx.ConnectError:
                if number == len(addresses):
                    raise
        raise AssertionError("there is an address")

    def _signed(self, target: Target, message_id: str, body: bytes) -> dict[str, str]:
        seconds = self._now_ms() // 1000
        at = datetime.fromtimestamp(seconds, UTC)
        signatures = [signer.sign(message_id, at, body.decode()) for signer in self._signers[target.name]]
        return {
            "Content-Type": "application/json",
            "User-Agent": "liquidation-monitor",
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            **({"webhook-signature": " ".join(signatures)} if signatures else {}),
        }


def _signer(name: str, secret: str) -> Webhook:
    text = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise BadSecret(f"target {name}: its secret is not whsec_ and base64") from None
    if not _LEAST_KEY <= len(key) <= _MOST_KEY:
        raise BadSecret(f"target {name}: its secret has {len(key)} bytes, not {_LEAST_KEY} to {_MOST_KEY}")
    return Webhook(key)
