"""Reading events for `explain` and `verify`: one JSON document or lines of them, each with its evidence read.

An event stands bare, as on its topic, or as `liqmon run` prints it on the embedded log: with its topic and key. What is
done with an event is the command's business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from monitor.adapters.wire.document import Base, decode_document
from monitor.app.codec import BadMessage
from monitor.cli.exits import BadInput
from monitor.cli.progress import watched
from monitor.core.document import Document
from monitor.core.limits import Limits

_PRINTED = {"topic", "key", "value"}


class ReadEvent(NamedTuple):
    """Hold one event, where it stood, and the document of its evidence (None where it has none)."""

    place: str
    body: dict[str, Any]
    document: Document | None


def read_events(source: str, limits: Limits, *, with_bar: bool = False) -> Iterator[ReadEvent]:
    """Return the events of a file, `-` for standard input; `with_bar`: a terminal shows how many are done.

    Raises `BadInput` naming file, line and path.
    """
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    name = "standard input" if source == "-" else source
    bodies = list(_bodies(name, data))
    if not bodies:
        raise BadInput(f"{name}: holds no event")
    for place, line in watched(bodies, "events") if with_bar else bodies:
        body = line["value"] if isinstance(line, dict) and line.keys() >= _PRINTED else line
        if not isinstance(body, dict) or "event_type" not in body:
            raise BadInput(f"{place}: $.event_type: is missing: this is not an event")
        yield ReadEvent(place, body, _document(place, body, limits))


def _bodies(name: str, data: bytes) -> Iterator[tuple[str, Any]]:
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield f"{name}: line {number}", _json(f"{name}: line {number}", line)
    else:
        if isinstance(whole, list):
            yield from ((f"{name}: [{index}]", body) for index, body in enumerate(whole))
        else:
            yield name, whole


def _json(place: str, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{place}: {error}") from None


def _document(place: str, body: dict[str, Any], limits: Limits) -> Document | None:
    evidence = body.get("evidence")
    if not isinstance(evidence, dict) or "document" not in evidence:
        return None
    try:
        return decode_document(orjson.dumps(evidence["document"]), limits, Base(of_evidence=True))
    except BadMessage as bad:
        raise BadInput(f"{place}: evidence.document{str(bad).removeprefix('$')}") from None
