"""Which stream engines there are, and how each is started."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.peers.peer import Missing
from bench.streams.engine import Engine
from bench.streams.line import Ends


def _quix(way: str, ends: Ends, folder: Path) -> list[str]:
    if find_spec("quixstreams") is None:
        raise Missing("quixstreams is not installed")
    return [sys.executable, "-m", "bench.streams.quix", way, *ends, str(folder)]


ENGINES: Final = (
    Engine("quixstreams", 4_000.0, 20_000, lambda ends, folder: _quix("together", ends, folder)),
    Engine("quixstreams, a record an account", None, 5_000, lambda ends, folder: _quix("apart", ends, folder)),
)
