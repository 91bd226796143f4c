"""A REST interface on loopback: answers set by path, every request kept; documents are made from the venues' pages."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

KEY, SECRET = "key-5f2a-of-a-desk", "secret-91bc-of-a-desk"


class Asked(NamedTuple):
    """Hold one request."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    def is_signed(self) -> bool:
        """Return whether the query is signed with our secret, worked out here."""
        text, _, signature = self.query.rpartition("&signature=")
        expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        return (
            signature == expected and self.headers.get("X-MBX-APIKEY") == KEY and "timestamp" in dict(parse_qsl(text))
        )


class PlayedRest:
    """Answer requests. `answers` maps a path to a document, or to a status and a document."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[Asked] = []
        self.address = ""

    @contextmanager
    def open(self) -> Iterator[PlayedRest]:
        """Listen for the duration of the body."""
        played = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                played.asked.append(Asked(self.command, path, query, dict(self.headers.items()), body))
                found = played.answers.get(path, (404, {"code": -1, "msg": "no such path"}))
                found = found(played.asked[-1]) if callable(found) else found
                status, document = found if isinstance(found, tuple) else (200, found)
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names the library asks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def symbol(name: str, **more: Any) -> dict[str, Any]:
    """Return one contract of `exchangeInfo`."""
    return {
        "symbol": name,
        "contractType": "PERPETUAL",
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "baseAsset": name.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "underlyingSubType": ["STORAGE"],
        "filters": [{"filterType": "PRICE_FILTER", "minPrice": "0.0001", "tickSize": "0.0001"}],
        "liquidationFee": "0.010000",
        **more,
    }


def brackets(name: str, rate: float = 0.0065, **more: Any) -> dict[str, Any]:
    """Return one table of `leverageBracket`; its numbers are JSON numbers."""
    rows = [
        {
            "bracket": 1,
            "initialLeverage": 75,
            "notionalCap": 10000,
            "notionalFloor": 0,
            "maintMarginRatio": rate,
            "cum": 0,
        },
        {
            "bracket": 2,
            "initialLeverage": 50,
            "notionalCap": 9e9,
            "notionalFloor": 10000,
            "maintMarginRatio": 0.01,
            "cum": 35.0,
        },
    ]
    return {"symbol": name, "brackets": rows, **more}
