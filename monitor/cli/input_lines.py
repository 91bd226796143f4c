"""Input lines: a file or standard input fed to the embedded log, line by line, while the daemon runs.

What a line must look like and how it is read lives here; what its value says is the application's to judge.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from monitor.cli.exits import BadInput

if TYPE_CHECKING:
    from monitor.adapters.embedded import EmbeddedLog

LONGEST_LINE = 4 * 1024 * 1024
_AT_ONCE = 200
"""After so many lines the event loop turns: what is fed is judged meanwhile."""


class InputLine(NamedTuple):
    """Hold one line: the topic without its prefix, the key and the value."""

    topic: str
    key: bytes | None
    value: bytes | None


class Source(NamedTuple):
    """Hold an opened input and how to call it."""

    name: str
    file: BinaryIO


def open_source(path: str) -> Source:
    """Open a file, or standard input for `-`. Raises `BadInput`."""
    if path == "-":
        return Source("standard input", sys.stdin.buffer)
    try:
        return Source(path, Path(path).open("rb"))
    except OSError as fault:
        raise BadInput(f"{path}: {fault.strerror}") from None


async def feed(source: Source, embedded: EmbeddedLog, prefix: str) -> int:
    """Feed every line of a source until it ends; return how many. Raises `BadInput` naming the line."""
    from monitor.app.ports import RecordRefused  # noqa: PLC0415  # only with --input

    fed = number = 0
    async for text in _lines(source):
        number += 1
        if text.strip():
            place = f"{source.name}: line {number}"
            line = _parsed(text, place)
            try:
                embedded.produce(prefix + line.topic, line.key, line.value)
            except RecordRefused as fault:
                raise BadInput(f"{place}: {fault}") from None
            fed += 1
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return fed


def _parsed(text: bytes, place: str) -> InputLine:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: no JSON: {error}") from None
    if not isinstance(body, dict) or not {"topic", "value"} <= body.keys():
        raise BadInput(f'{place}: not of the form {{"topic": …, "key": …, "value": …}}')
    topic, key, value = body["topic"], body.get("key"), body["value"]
    if not isinstance(topic, str) or not (key is None or isinstance(key, str)):
        raise BadInput(f"{place}: topic and key are texts")
    try:
        encoded = None if value is None else (value if isinstance(value, str) else json.dumps(value)).encode()
        return InputLine(topic, None if key is None else key.encode(), encoded)
    except ValueError as error:  # half of a pair of surrogates has no UTF-8
        raise BadInput(f"{place}: {error}") from None


async def _lines(source: Source) -> AsyncIterator[bytes]:
    """Yield lines as they come; a pipe or a terminal is waited for without a thread that could not be ended."""
    if stat.S_ISREG(os.fstat(source.file.fileno()).st_mode):
        for line in source.file:
            yield line
        return
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source.file)
    try:
        while line := await reader.readline():
            yield line
    except ValueError:
        raise BadInput(f"{source.name}: a line is longer than {LONGEST_LINE} bytes") from None
    finally:
        transport.close()
