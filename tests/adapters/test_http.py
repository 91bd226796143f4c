"""Tests of the HTTP door: what is answered, and that a stranger cannot make it wait, grow or tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import pytest

from monitor.adapters.http import HttpServer, HttpSettings, Route, as_json, read_token, standard_routes

DEADLINE_SECONDS = 5


def routes(*, ready: tuple[bool, list[str]] = (True, [])) -> dict[str, Route]:
    """Return the standard routes and a private one."""
    private = Route(lambda: as_json(HTTPStatus.OK, {"account": "a1"}), is_private=True)
    standard = standard_routes(lambda: ("text/plain", b"liqmon 1\n"), lambda: (True, []), lambda: ready)
    return {**standard, "/accounts": private}


async def is_answered(server: HttpServer) -> bool:
    """Return whether a request gets through now."""
    try:
        return (await got(server, "/livez"))[0] == 200
    except ConnectionError:
        return False


@asynccontextmanager
async def serving(
    given: dict[str, Route] | None = None, token: str | None = None, **settings: Any
) -> AsyncIterator[HttpServer]:
    """Run a server on a port the system chooses."""
    server = HttpServer(HttpSettings(port=0, **settings), routes() if given is None else given, token)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever the server has done to it."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def exchanged(server: HttpServer, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and return status, headers and body of what comes back until the peer closes."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request)
        answer = await reader.read()
        await closed(writer)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return (int(lines[0].split()[1]) if head else 0), headers, body


async def got(server: HttpServer, path: str, *headers: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask for a path."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return await exchanged(server, "\r\n".join(lines).encode())


async def test_metrics_are_served_as_they_are() -> None:
    """The body and type of the exposition come back unchanged, and the connection closes."""
    async with serving() as server:
        status, headers, body = await got(server, "/metrics?name=x")
    assert (status, body) == (200, b"liqmon 1\n")
    assert headers["content-type"] == "text/plain"
    assert headers["connection"] == "close"


async def test_health_answers_with_its_reasons() -> None:
    """A probe is 200 when all is well and 503 with the reasons when it is not."""
    async with serving(routes(ready=(False, ["shard 3 restores", "prices: 12 behind"]))) as server:
        assert (await got(server, "/livez"))[0] == 200
        status, _, body = await got(server, "/readyz")
    assert status == 503
    assert orjson.loads(body) == {"ok": False, "reasons": ["shard 3 restores", "prices: 12 behind"]}


async def test_a_probe_is_asked_each_time() -> None:
    """Readiness is what the callable says now, not what it said before."""
    now = [False]
    given = dict(standard_routes(lambda: ("", b""), lambda: (True, []), lambda: (now[0], [])))
    async with serving(given) as server:
        assert (await got(server, "/readyz"))[0] == 503
        now[0] = True
        assert (await got(server, "/readyz"))[0] == 200


async def test_unknown_paths_and_methods_are_refused() -> None:
    """Only the known paths, only GET and HEAD; HEAD has the headers without the body."""
    async with serving() as server:
        assert (await got(server, "/"))[0] == 404
        status, headers, _ = await got(server, "/metrics", "Content-Length: 0", method="POST")
        assert (status, headers["allow"]) == (405, "get, head")
        status, headers, body = await got(server, "/metrics", method="HEAD")
        assert (status, headers["content-length"], body) == (200, "9", b"")


async def test_private_routes_need_the_token() -> None:
    """What shows account data is closed without a token in the settings, and to whoever does not know it."""
    async with serving() as server:
        assert (await got(server, "/accounts", "Authorization: Bearer "))[0] == 401
    async with serving(token="s3cret") as server:
        assert (await got(server, "/accounts"))[0] == 401
        assert (await got(server, "/accounts", "Authorization: Bearer other"))[0] == 401
        assert (await got(server, "/accounts", "Authorization: Bearer s3cret"))[0] == 200
        assert (await got(server, "/livez"))[0] == 200


async def test_what_is_no_http_is_answered_and_dropped() -> None:
    """Garbage is a 400; headers beyond the limit are a 431."""
    async with serving(max_request_bytes=512) as server:
        assert (await exchanged(server, b"\x16\x03\x01garbage\r\n\r\n"))[0] == 400
        assert (await got(server, "/livez", "X: " + "y" * 600))[0] == 431
        assert (await got(server, "/livez"))[0] == 200


async def test_a_peer_that_says_nothing_is_dropped() -> None:
    """A connection without a request is closed when its time is over."""
    async with serving(request_timeout_ms=20) as server:
        assert await exchanged(server, b"GET /livez HT") == (0, {}, b"")


async def test_connections_beyond_the_limit_are_dropped() -> None:
    """While one peer holds the only place another is dropped, and afterwards the place is free again."""
    async with serving(max_connections=1) as server:
        _, holder = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await is_answered(server):
                continue
        await closed(holder)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await is_answered(server):
                continue


async def test_a_route_that_fails_closes_its_connection_and_is_reported() -> None:
    """A fault of ours is seen by the event loop's handler, not by the peer, and the door stays open."""
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail() -> Any:
        raise KeyError("ours")

    async with serving({**routes(), "/bad": Route(fail)}) as server:
        assert (await got(server, "/bad"))[0] == 0
        assert (await got(server, "/livez"))[0] == 200
    assert [type(fault) for fault in reported] == [KeyError]


async def test_stopping_does_not_wait_for_idle_peers() -> None:
    """Stop ends at once although a peer holds a connection open."""
    async with asyncio.timeout(DEADLINE_SECONDS), serving(request_timeout_ms=600_000) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await got(server, "/livez")
    await closed(writer)


async def test_an_address_in_use_is_an_os_error() -> None:
    """Two servers cannot share a port: the second says so as the system does."""
    async with serving() as server:
        second = HttpServer(HttpSettings(port=server.port), routes())
        with pytest.raises(OSError, match="address"):
            await second.start()


def test_the_token_is_read_from_its_file(tmp_path: Path) -> None:
    """The token is the file's text without the line end; no file, and an empty one, are no token."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    assert read_token(HttpSettings(token_file=file)) == "s3cret"
    file.write_text("\n")
    assert read_token(HttpSettings(token_file=file)) is None
    assert read_token(HttpSettings()) is None
