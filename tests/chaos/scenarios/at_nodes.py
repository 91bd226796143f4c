"""Scenarios at the brokers: whoever coordinates or leads is killed or stopped, all are restarted, or none is there."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.chaos.cluster import Cluster
from tests.chaos.scenarios.at_inputs import SYMBOLS, judged, opened
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.nodes import group_coordinator, leader, transaction_coordinator, until_in_sync
from tests.chaos.scenarios.stairs import Account, Walk
from tests.chaos.scenarios.waits import MOST_SECONDS, note_waits
from tests.chaos.verdict import PROCESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = "liqmon"
AWAY_SECONDS = 6.0
"""How long a node is away: long enough for the others to elect, short of what would be no fault but a loss."""
STOP_SECONDS = 10.0

Find = Callable[[Bench], Awaitable[int]]


@asynccontextmanager
async def walking(bench: Bench, seed: int, rate: float = 20.0) -> AsyncIterator[None]:
    """Let prices walk all the while."""
    stop = asyncio.Event()
    task = asyncio.create_task(bench.walk(Walk(seed, SYMBOLS), stop, rate))
    try:
        yield
    finally:
        stop.set()
        await task


async def _group(bench: Bench) -> int:
    return await group_coordinator(bench.servers, bench.prefix + GROUP)


async def _transactions(bench: Bench) -> int:
    return await transaction_coordinator(bench.servers, f"{bench.prefix}{GROUP}-{bench.partitions}-0")


async def _prices(bench: Bench) -> int:
    return await leader(bench.servers, bench.prefix + "mark-prices", 0)


async def _state(bench: Bench) -> int:
    return await leader(bench.servers, bench.prefix + "liqmon-state", 0)


ROLES: dict[str, Find] = {
    "group coordinator": _group,
    "transaction coordinator": _transactions,
    "leader of mark-prices": _prices,
    "leader of liqmon-state": _state,
}


async def nodes(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """End whoever has each role, killed and stopped, under load; begin no more of it after so many seconds."""
    dice = random.Random(f"nodes {seed}")
    accounts = await opened(bench, daemons=2)
    await until_in_sync(bench.servers, cluster.replication_factor)
    plan = [(role, how) for role in ROLES for how in ("kill -9", "SIGTERM")]
    dice.shuffle(plan)
    began = time.monotonic()
    async with walking(bench, seed):
        for role, how in plan:
            if time.monotonic() - began > seconds:
                bench.say(f"time is up before {role}: {how}")
                break
            node = await ROLES[role](bench)
            bench.say(f"node {node}, {role}: {how}")
            bench.verdict.figures[f"node {how}"] += 1
            before = len(await bench.chains())
            await asyncio.to_thread(cluster.kill if how == "kill -9" else cluster.stop, node)
            took = await bench.until(lambda: _goes_on(bench, before), "events go on being told")  # noqa: B023
            bench.say(f"the first events after it are seen within {took:.1f} s; now it is {await ROLES[role](bench)}")
            await asyncio.to_thread(cluster.start, node)
            await until_in_sync(bench.servers, cluster.replication_factor)
    await _finished(bench, accounts)


async def _goes_on(bench: Bench, before: int) -> bool:
    return len(await bench.chains()) > before


async def _finished(bench: Bench, accounts: list[Account], most_seconds: float = MOST_SECONDS) -> None:
    await judged(bench, accounts)
    await note_waits(bench, most_seconds)


async def rolling(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Restart every node in turn, in an orderly way, under load, for so long."""
    accounts = await opened(bench, daemons=2)
    await until_in_sync(bench.servers, cluster.replication_factor)
    began, rounds = time.monotonic(), 0
    async with walking(bench, seed):
        while not rounds or time.monotonic() - began < seconds:
            for node in cluster.nodes():
                await asyncio.to_thread(cluster.stop, node)
                await asyncio.to_thread(cluster.start, node)
                took = await until_in_sync(bench.servers, cluster.replication_factor)
                bench.verdict.figures["node SIGTERM"] += 1
                bench.say(f"node {node} restarted, in sync after {took:.1f} s")
            rounds += 1
    await _finished(bench, accounts)


async def frozen(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Freeze whoever has each role beyond its session, and let it go on."""
    accounts = await opened(bench, daemons=2)
    await until_in_sync(bench.servers, cluster.replication_factor)
    async with walking(bench, seed):
        for role, find in ROLES.items():
            node = await find(bench)
            bench.say(f"node {node}, {role}: frozen for {AWAY_SECONDS:.0f} s")
            bench.verdict.figures["node freeze"] += 1
            await asyncio.to_thread(cluster.freeze, node)
            await asyncio.sleep(AWAY_SECONDS)
            await asyncio.to_thread(cluster.thaw, node)
            before = len(await bench.chains())
            await bench.until(lambda: _goes_on(bench, before), "events go on being told")  # noqa: B023
            await until_in_sync(bench.servers, cluster.replication_factor)
    await _finished(bench, accounts)


async def storm(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Let a member join or leave every two seconds: asked to, or killed."""
    dice = random.Random(f"storm {seed}")
    accounts = await opened(bench, daemons=2)
    began = time.monotonic()
    async with walking(bench, seed):
        while time.monotonic() - began < seconds:
            free = bench.fleet.free()
            if len(free) < 2 or (len(free) < 4 and dice.random() < 0.5):
                worker = bench.fleet.start()
                bench.say(f"worker {worker.number} starts")
                bench.verdict.figures["members joined"] += 1
            else:
                worker = dice.choice(free)
                killed = dice.random() < 0.3
                (bench.fleet.kill if killed else bench.fleet.ask_to_stop)(worker)
                bench.say(f"worker {worker.number} {'is killed' if killed else 'leaves'}")
                bench.verdict.figures["members killed" if killed else "members left"] += 1
            await asyncio.sleep(2)
            bench.fleet.look(0)
    await _finished(bench, accounts)


async def outage(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Start daemons while no broker is there, and take the broker away again for so long amid the work."""
    (node,) = cluster.nodes()
    await bench.create_topics()
    await asyncio.to_thread(cluster.kill, node)
    early, other = bench.fleet.start(), bench.fleet.start()
    await bench.until(lambda: bench.live(early), "/livez answers without a broker")
    await bench.until(lambda: bench.live(other), "/livez answers without a broker")
    await _absent(bench, seconds / 2, starting=True)
    await _stopped(bench, other.number)
    await asyncio.to_thread(cluster.start, node)
    took = await bench.until(lambda: bench.ready(early), "ready by itself")
    bench.say(f"the broker is back; the daemon is ready {took:.1f} s later, by itself")
    accounts = await opened(bench)
    async with walking(bench, seed):
        await asyncio.sleep(3)
        await asyncio.to_thread(cluster.kill, node)
        bench.say(f"the broker is killed for {seconds:.0f} s")
        bench.verdict.figures["broker kill -9"] += 2
        await _absent(bench, seconds, starting=False)
        await _stopped(bench, bench.fleet.free()[-1].number)
        await asyncio.to_thread(cluster.start, node)
        took = await bench.until(lambda: bench.ready(early), "ready again by itself")
        bench.say(f"the broker is back; the daemon is ready {took:.1f} s later, by itself")
        await asyncio.sleep(3)
    await _finished(bench, accounts, seconds + MOST_SECONDS)


async def _absent(bench: Bench, seconds: float, *, starting: bool) -> None:
    """Watch the daemons while the broker is away: they live, and sooner or later none says that it is ready."""
    until, unready_at = time.monotonic() + seconds, None
    began = time.monotonic()
    while time.monotonic() < until:
        for worker in bench.fleet.free():
            bench.verdict.expect(
                await bench.live(worker), PROCESS, f"worker {worker.number}: /livez fails in an outage"
            )
        ready = [worker.number for worker in bench.fleet.free() if await bench.ready(worker)]
        if ready and starting:
            bench.verdict.complain(PROCESS, f"ready without a broker: {ready}")
        if not ready and unready_at is None:
            unready_at = time.monotonic() - began
            bench.say(f"no daemon is ready {unready_at:.1f} s after the broker went")
        bench.fleet.look(0)
        await asyncio.sleep(0.3)
    bench.verdict.expect(unready_at is not None, PROCESS, f"daemons say they are ready {seconds:.0f} s into an outage")


async def _stopped(bench: Bench, number: int) -> None:
    """Ask a daemon to stop while the broker is away: it must exit 0 within its ten seconds."""
    worker = bench.fleet.workers[number]
    began = time.monotonic()
    bench.fleet.ask_to_stop(worker)
    await bench.until(lambda: not worker.is_alive, "the daemon has stopped without a broker", STOP_SECONDS + 10)
    took = time.monotonic() - began
    bench.say(
        f"worker {number}, asked to stop without a broker, ended after {took:.1f} s with {worker.process.returncode}"
    )
    bench.verdict.expect(took < STOP_SECONDS + 1, PROCESS, f"stopping without a broker took {took:.1f} s")
    bench.verdict.expect(
        worker.process.returncode == 0, PROCESS, f"stopping without a broker: {worker.process.returncode}"
    )
