"""One restart in a process of its own: a real instance on the broker until its shard is steady, timed by stage.

`python -m tests.restore.restart '{"bootstrap": …, "prefix": …, "snapshot_dir": …}'` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from typing import Any

from monitor.adapters.kafka import KafkaLog
from monitor.app.observing import ShardState, SilentObserver
from monitor.cli.assembly import KernelThread, assemble
from monitor.cli.warm import warm
from monitor.config import Settings, load
from tests.restore.comparing import digest_of


def settings_for(bootstrap: str, prefix: str, snapshot_dir: str) -> Settings:
    """Return the settings of this measurement: one shard, prices that do not age."""
    overrides = {
        "kafka.bootstrap_servers": bootstrap,
        "topics.prefix": prefix,
        "topics.partitions": 1,
        "recovery.snapshot_dir": snapshot_dir,
        "recovery.snapshot_interval_ms": 3_600_000,
        "prices.max_age_ms": 0,
        "prices.unknown_after_ms": 0,
    }
    return load(None, environment={}, overrides=overrides)


class Stages(SilentObserver):
    """Note when each stage began, and from where the image was had."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.source = ""
        self.image_seconds = 0.0
        self.events = 0
        self.steady = asyncio.Event()

    def shard(self, shard: int, state: ShardState | None) -> None:
        """Note the stage."""
        self._mark(str(state))
        if state == "steady":
            self.steady.set()

    def image_read(self, shard: int, source: str, seconds: float) -> None:
        """Note the source."""
        self.source, self.image_seconds = source, seconds
        self._mark("read")

    def _mark(self, stage: str) -> None:
        self.at[stage], self.cpu[stage] = time.perf_counter(), time.process_time()

    def event(self, event_type: str) -> None:
        """Count what is told: nothing should be."""
        self.events += 1


async def restart(bootstrap: str, prefix: str, snapshot_dir: str) -> dict[str, Any]:
    """Start an instance, wait until it is steady, and say how long what took."""
    settings = settings_for(bootstrap, prefix, snapshot_dir)
    kernel, aside, stages = KernelThread(), KernelThread("aside"), Stages()
    await kernel(warm)
    log = KafkaLog(settings.kafka, offsets_group=settings.topics.prefix + settings.kafka.group_id)
    started = time.perf_counter()
    instance = assemble(settings, settings.topics.names(), log, 1, stages, kernel, aside=aside)
    engines: list[Any] = []
    make = instance._shared.make_engine
    object.__setattr__(instance._shared, "make_engine", lambda: engines.append(make()) or engines[-1])
    running = asyncio.create_task(instance.run())
    waiting = asyncio.create_task(stages.steady.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=900)
    if running.done():
        running.result()
    at = stages.at
    result = {
        "source": stages.source,
        "seconds": {
            "joining and fencing": at["restoring"] - started,
            "reading": at["read"] - at["restoring"],
            "restoring": at["catching_up"] - at["read"],
            "catching up and judging": at["steady"] - at["catching_up"],
            "restore to steady": at["steady"] - at["restoring"],
        },
        "cpu_seconds": stages.cpu["steady"] - stages.cpu["restoring"],
        "events": stages.events,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "accounts": len(engines[-1].book),
    }
    return result | {"digest": await kernel(lambda: digest_of(engines[-1]))}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(restart(**json.loads(sys.argv[1])))) + "\n")
    sys.stdout.flush()
    os._exit(0)  # as kill -9 would: a clean stop would write a snapshot
