"""One instance in a process of its own: its own accounts, ticked as often as it is told, one line in, one line out.

`python -m bench.growth.worker '{"accounts": …, "symbols": …, "seed": …, "core": …}'` says that it is ready, then reads
how many ticks it is to make, line by line, and says what they took.
"""

from __future__ import annotations

import json
import os
import sys
import time

from bench.growth.market import Market
from bench.growth.setting import Setting


def main(given: str) -> None:
    """Load, then tick as told until there is no more to read."""
    chosen = json.loads(given)
    if chosen["core"] is not None:
        os.sched_setaffinity(0, {chosen["core"]})
    accounts, seed = chosen["accounts"], chosen["seed"]
    setting = Setting(accounts, seed, 1, 0, chosen["symbols"], lambda _: None)
    book = setting.load(setting.sizes(accounts), told=True)
    market, engine = Market(book.population.venue, seed), book.engine
    _say({"positions": book.store.counts()["cells"]})
    for line in sys.stdin:
        messages = [market.message(1) for _ in range(int(line))]
        start, spent = time.perf_counter(), time.process_time()
        for value in messages:
            prices = market.read(value)
            engine.apply([prices], prices.timestamp_ms)
        _say({"wall": time.perf_counter() - start, "processor": time.process_time() - spent})


def _say(found: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
