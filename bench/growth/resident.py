"""A process that takes a population over from a file, as a shard does from its changelog, and says what holds memory.

`python -m bench.growth.resident '{"file": …, "symbols": …, "seed": …, "traced": …}'` prints one JSON object. The file
holds an account a line, its id and its facts; nothing of the bench but the terms of the contracts is in the process.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import inside
from bench.loading import SHOWN_HEALTHY, engine_of
from bench.sizes import LINEAR
from bench.venue import Venue
from monitor.app.image import Image
from monitor.cli.warm import warm
from monitor.core.engine import MarginEngine
from monitor.core.facts import SECTION

PAGE = 4_096
_POSITIONS_AT = 2
"""The section of packed facts that holds positions."""


def main(given: str) -> None:
    """Take over, then say what holds memory."""
    chosen = json.loads(given)
    warm()
    stages = {"interpreter, libraries, kernels": _resident()}
    venue = Venue(chosen["symbols"], LINEAR, np.random.default_rng(chosen["seed"]))
    engine = engine_of(venue)
    if chosen["traced"]:
        tracemalloc.start()
    image = Image(hash=0)
    with Path(chosen["file"]).open("rb") as file:
        for line in file:
            name, _, facts = line[:-1].partition(b"\t")
            image.facts[name.decode()], image.memory[name.decode()] = facts, image.once(SHOWN_HEALTHY)
    stages["changelog read"] = _resident()
    engine.restore(image.facts, image.memory)
    stages["accounts restored"] = _resident()
    engine.store.judge_symbols(venue.names)
    stages["everybody judged"] = _resident()
    traced = tracemalloc.get_traced_memory()[0] if chosen["traced"] else 0
    found = {
        "stages": stages,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "traced": traced,
        "counts": engine.store.counts(),
        "columns": [
            {"name": one.name, "of": one.of, "used": one.used, "reserved": one.reserved, "touched": _touched(one.array)}
            for one in inside.bytes_of(engine.store)
        ],
        "held": _held(engine, image),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _held(engine: MarginEngine, image: Image) -> dict[str, int]:
    """Return the bytes of what is kept of accounts beside the store, each object once."""
    facts = image.facts
    positions = sum(len(record.split(SECTION.encode(), 3)[_POSITIONS_AT]) for record in facts.values())
    size = sys.getsizeof
    ids = sum(size(name) for name in facts)
    tables = inside.tables_of_book(engine.book)
    return {
        "ids": ids + tables["ids"],
        "tables of the changelog's image": size(image.facts) + size(image.memory),
        "facts: text of positions": positions,
        "facts: all else": sum(map(size, facts.values())) - positions + tables["records"],
        "what was told and shown": size(SHOWN_HEALTHY) + sum(map(size, engine.teller.memory.values())),
    }


def _resident() -> int:
    """Return what of this process is in memory now, 0 where nobody says."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


def _touched(array: NDArray[Any]) -> int:
    """Return how many bytes of an array are in memory; all of them where the system does not say."""
    ask: Callable[..., int] | None = getattr(ctypes.CDLL(None), "mincore", None)
    start = array.ctypes.data // PAGE * PAGE
    pages = -(-(array.ctypes.data + array.nbytes - start) // PAGE)
    there = (ctypes.c_ubyte * max(pages, 1))()
    if ask is None or ask(ctypes.c_void_p(start), ctypes.c_size_t(pages * PAGE), there):
        return array.nbytes
    return min(sum(page & 1 for page in bytes(there)) * PAGE, array.nbytes)


if __name__ == "__main__":
    main(sys.argv[1])
