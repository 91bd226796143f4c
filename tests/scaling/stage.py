"""The stage of a scaling run: instances as processes, and one act after the other while the price swings."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.fleet import Fleet
from tests.chaos.processes import ROOT, Nursery
from tests.scaling.following import Account, Watch, account_of
from tests.scaling.load import Load
from tests.scaling.measuring import Act

CONFIG = """\
[kafka]
bootstrap_servers = "{servers}"
session_timeout_ms = {session_ms}

[topics]
prefix = "{prefix}"
partitions = {partitions}

[recovery]
standby = {standby}

[http]
port = 0

[log]
format = "json"
"""
FAULTS = ("leave", "kill", "freeze")


@dataclass(frozen=True)
class Plan:
    """Hold what a run is to be; `ballast` are accounts in all shards together that nothing happens to."""

    seed: int = 1
    partitions: int = 6
    ballast: int = 6_000
    tick_seconds: float = 0.1
    session_seconds: float = 6.0
    settle_seconds: float = 4.0
    rounds: int = 3
    faults: tuple[str, ...] = FAULTS
    scales: bool = True


class Stage:
    """Play one plan, with standbys or without."""

    def __init__(self, plan: Plan, servers: str, folder: Path, *, standby: bool) -> None:
        self.plan = plan
        self.acts: list[Act] = []
        self._standby = standby
        self._servers = servers
        self._prefix = "warm-" if standby else "cold-"
        self._dice = random.Random(f"scaling {plan.seed}")
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "monitor.toml"
        self._config.write_text(
            CONFIG.format(
                servers=servers,
                session_ms=int(plan.session_seconds * 1000),
                prefix=self._prefix,
                partitions=plan.partitions,
                standby=str(standby).lower(),
            ),
            encoding="utf-8",
        )
        self._nursery = Nursery(folder)
        self.fleet = Fleet(self._config, folder, self._nursery)
        self.load = Load(servers, self._prefix, plan.partitions, plan.tick_seconds)
        self._watch = Watch(servers, self._prefix, plan.partitions)

    async def run(self) -> Account:
        """Play; return what was written."""
        command = [sys.executable, "-m", "monitor.cli.main", "topics", "create", "--config", str(self._config)]
        await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, capture_output=True)
        stop = asyncio.Event()
        try:
            await self.load.open(self.plan.ballast)
            await self._watch.open()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch.run(stop))
                self.fleet.start()
                await self._until_all_are_known()
                ended = asyncio.Event()
                ticking = group.create_task(self.load.run(ended))
                await self._play()
                ended.set()
                await ticking
                await self._watch.until_judged(self.load.first_tick + self.load.ticks - 1)
                stop.set()
            await self.fleet.stop_all()
            return await account_of(self._servers, self._prefix)
        finally:
            stop.set()
            await self._watch.close()
            await self.load.close()
            self.fleet.close()
            self._nursery.close()

    async def _until_all_are_known(self) -> None:
        """Wait until the first instance has taken over every shard and applied every account."""
        async with asyncio.timeout(600):
            while self.fleet.workers[0].log.read_bytes().count(b" is steady") < self.plan.partitions:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def _play(self) -> None:
        await self._watch.until_shared_by(1)
        await asyncio.sleep(self.plan.settle_seconds)
        await self._act("join", 2, self.fleet.start)
        if self.plan.scales:
            await self._act("join", 3, self.fleet.start)
            for left in (2, 1):
                await self._act("leave", left, self._ask_somebody)
            await self._act("join", 2, self.fleet.start)
        for _ in range(self.plan.rounds):
            for kind in self.plan.faults:
                await self._fail(kind)

    async def _fail(self, kind: str) -> None:
        """Take one of two instances out, then have two again."""
        worker = self._dice.choice(self.fleet.free())
        if kind == "leave":
            await self._act(kind, 1, lambda: self.fleet.ask_to_stop(worker))
        elif kind == "kill":
            await self._act(kind, 1, lambda: self.fleet.kill(worker))
        else:
            await self._act(kind, 1, lambda: self.fleet.freeze(worker, 3_600))
            await self._act("join", 2, lambda: self.fleet.thaw(worker))
            return
        await self._act("join", 2, self.fleet.start)

    def _ask_somebody(self) -> None:
        self.fleet.ask_to_stop(self._dice.choice(self.fleet.free()))

    async def _act(self, kind: str, instances: int, do: object) -> None:
        """Do something, wait until so many instances share the shards, and a little longer."""
        before = self._watch.writers()
        begin_ms = time.time_ns() // 1_000_000
        assert callable(do)
        do()
        if kind != "join":
            await self._until_one_is_gone(before)
        await self._watch.until_shared_by(instances)
        self.fleet.look(0)
        await asyncio.sleep(self.plan.settle_seconds)
        self.acts.append(Act(kind, begin_ms, time.time_ns() // 1_000_000))

    async def _until_one_is_gone(self, before: dict[int, str]) -> None:
        async with asyncio.timeout(120):
            while not set(before.values()) - set(self._watch.writers().values()):  # noqa: ASYNC110 - see `Watch`
                await asyncio.sleep(0.05)

    def images(self) -> dict[str, int]:
        """Return from where the images of shards were had, by the logs of the instances."""
        text = "".join(worker.log.read_text(errors="replace") for worker in self.fleet.workers)
        return {source: text.count(f"accounts read from the {source} in") for source in ("changelog", "standby")}
