"""A scenario at the disk: the folder of the snapshots is full."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.fleet import Worker
from tests.chaos.scenarios.at_inputs import SYMBOLS, judged, opened
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.stairs import Walk
from tests.chaos.verdict import PROCESS

SMALL, LARGE = "4k", "16m"


async def disk_full(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Give the snapshots a disk of one page: daemons go on, say so, and restore from the changelog; then give room."""
    disk = bench.folder / "disk"
    disk.mkdir()
    if not await _mount(disk, SMALL):
        bench.verdict.notes.append("no file system may be mounted here: nothing was tried")
        return
    try:
        text = f'[recovery]\nsnapshot_dir = "{disk}"\nsnapshot_interval_ms = 1000\n'
        with bench.config.open("a", encoding="utf-8") as file:
            file.write(text)
        (disk / "filling").write_bytes(b"x" * 4096)
        await _played(bench, seed, disk)
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(disk)], check=False)


async def _played(bench: Bench, seed: int, disk: Path) -> None:
    walk, accounts = Walk(seed, SYMBOLS), await opened(bench)
    (first,) = bench.fleet.free()
    await bench.walk_for(walk, 20)
    await bench.until(lambda: _count(bench, first, "liqmon_snapshot_failures_total"), "a snapshot has failed")
    await bench.settle("prices are judged with the disk full")
    said = bench.log_of(first).count("its snapshot could not be written")
    bench.say(f"the disk is full: the daemon has said so {said} times, and goes on")
    bench.verdict.expect(said and await bench.ready(first), PROCESS, "a full disk is not said, or ends the readiness")
    bench.verdict.expect(not _files(disk), PROCESS, "half a snapshot lies there")
    second = await _replaced(bench, first, "changelog")
    await bench.walk_for(walk, 10)
    await asyncio.to_thread(subprocess.run, ["mount", "-o", f"remount,size={LARGE}", str(disk)], check=True)
    bench.say("there is room again")
    await bench.until(lambda: len(_files(disk)) == bench.partitions, "snapshots are written by itself")
    await bench.walk_for(walk, 10)
    await _replaced(bench, second, "snapshot")
    await bench.walk_for(walk, 20)
    await judged(bench, accounts)


async def _replaced(bench: Bench, worker: Worker, source: str) -> Worker:
    """Kill a daemon, start another, and look from where it has restored."""
    bench.fleet.kill(worker)
    other = bench.fleet.start()
    await bench.until(lambda: bench.ready(other), "ready again")
    found = f"accounts read from the {source}" in bench.log_of(other)
    bench.say(f"worker {worker.number} is killed; the next one restores from the {source}")
    bench.verdict.expect(found, PROCESS, f"worker {other.number} did not restore from the {source}")
    return other


def _files(disk: Path) -> list[Path]:
    return list(disk.glob("*.snapshot*"))


async def _count(bench: Bench, worker: Worker, name: str) -> float:
    return sum(value for _, value in await bench.metric(worker, name))


async def _mount(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    return done.returncode == 0
