"""Which stream engines there are, and how each is started."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.peers.peer import Missing
from bench.streams import java
from bench.streams.engine import Engine
from bench.streams.line import Ends


def _quix(way: str, ends: Ends, folder: Path) -> list[str]:
    if find_spec("quixstreams") is None:
        raise Missing("quixstreams is not installed")
    return [sys.executable, "-m", "bench.streams.quix", way, *ends, str(folder)]


def _kafka_streams(store: str, ends: Ends, folder: Path) -> list[str]:
    return java.command(store, *ends, str(folder))


QUIX, QUIX_APART = "quixstreams", "quixstreams, a record an account"
KAFKA_STREAMS, IN_MEMORY = "Kafka Streams", "Kafka Streams, store in memory"
ENGINES: Final = (
    Engine(KAFKA_STREAMS, 50.0, 200_000, 25, lambda ends, folder: _kafka_streams("rocksdb", ends, folder)),
    Engine(IN_MEMORY, None, 200_000, 25, lambda ends, folder: _kafka_streams("memory", ends, folder)),
    Engine(QUIX, 4_000.0, 20_000, 2, lambda ends, folder: _quix("together", ends, folder)),
    Engine(QUIX_APART, None, 5_000, 2, lambda ends, folder: _quix("apart", ends, folder)),
)
