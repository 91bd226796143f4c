"""How long a price message waits for what is told of it: from the time the log gave it to the time of its event."""

from __future__ import annotations

import json

from tests.chaos.scenarios.bench import Bench
from tests.chaos.verdict import LOSS

MOST_SECONDS = 30.0
"""A session, a rebalance, a transaction of the dead and a broker's election, one after the other, on a busy machine."""


async def note_waits(bench: Bench, most_seconds: float = MOST_SECONDS) -> None:
    """Note the waits of all events, and complain where one was longer than anything that was done explains."""
    stamps = {(r.partition, r.offset): r.timestamp_ms for r in await bench.records("mark-prices")}
    waits = []
    for record in await bench.chains():
        cause = json.loads(record.value or b"").get("cause", {})
        if cause.get("kind") == "mark_price":
            waits.append(max(0, record.timestamp_ms - stamps[cause["partition"], cause["offset"]]))
    if not waits:
        return
    waits.sort()
    for name, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        bench.verdict.figures[f"wait of an event, {name}, ms"] = waits[min(len(waits) - 1, int(share * len(waits)))]
    longest = waits[-1] / 1000
    bench.verdict.expect(longest < most_seconds, LOSS, f"an event was told {longest:.1f} s after its price")
