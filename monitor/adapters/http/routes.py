"""Routes: what is answered at `/metrics`, `/livez` and `/readyz`.

What is healthy, and what the metrics are, is told by the callables handed in; carrying bytes is the server's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson

Check = Callable[[], tuple[bool, Sequence[str]]]
"""Tells whether all is well, and the reasons when it is not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """Hold what answers a path, and whether it shows account data and so needs the token."""

    answer: Callable[[], Answer]
    is_private: bool = False


def as_json(status: HTTPStatus, document: object) -> Answer:
    """Return a JSON answer."""
    return Answer(status, "application/json", orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def health(check: Check) -> Route:
    """Return a route that answers 200 when all is well, 503 when not, with the reasons as JSON either way."""

    def answer() -> Answer:
        good, reasons = check()
        status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
        return as_json(status, {"ok": good, "reasons": list(reasons)})

    return Route(answer)


def standard_routes(exposition: Callable[[], tuple[str, bytes]], live: Check, ready: Check) -> Mapping[str, Route]:
    """Return the three routes of every monitor. `exposition` gives the content type and text of the metrics."""

    def metrics() -> Answer:
        content_type, body = exposition()
        return Answer(HTTPStatus.OK, content_type, body)

    return {"/metrics": Route(metrics), "/livez": health(live), "/readyz": health(ready)}
