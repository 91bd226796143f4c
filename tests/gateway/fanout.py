"""How late an event reaches the last of many clients: `python -m tests.gateway.fanout --clients 2000 --seed 1`.

One gateway on the embedded log, or with `--kafka` on a broker of its own, and processes full of clients that do nothing
but take the time. A share of the clients (desks) sees every account, each other one sees one. The verdict is no when a
client has not got exactly the events it asked for, or p99 is above `--p99-ms`. The time begins when an event is handed
to the log, on Kafka as a transaction, and ends when a client's process has the bytes: what clients and broker cost on
the same cores is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.gateway.access import Grant, hash_of
from monitor.app.ports import Log, OutputRecord
from monitor.app.topics import TopicSettings, create_topics
from tests.broker import new_broker
from tests.gateway.fanout_clients import Plan
from tests.gateway.house import DESK, PARTITIONS, House, Running, house, running

Write = Callable[[OutputRecord], Awaitable[None]]

HEARTBEAT_MS = 60_000
DEADLINE_SECONDS = 120.0


def main() -> int:
    """Run once and print the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.fanout", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--desks", type=float, default=0.05, help="the share of clients that see every account")
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--rate", type=float, default=25.0, help="events a second")
    parser.add_argument("--workers", type=int, default=2, help="processes of clients")
    parser.add_argument("--kafka", action="store_true", help="on a Kafka of its own (Java 17, Maven)")
    parser.add_argument("--p99-ms", type=float, default=250.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    plan = Plan(args.seed, args.clients, round(args.clients * args.desks), args.accounts, args.events)
    return asyncio.run(_run(plan, args.workers, args.rate, args.p99_ms, is_on_kafka=args.kafka))


@asynccontextmanager
async def _on_kafka() -> AsyncIterator[tuple[House, Log, Write]]:
    """Yield a house on a Kafka of its own, its log, and what writes to it."""
    with TemporaryDirectory() as folder:
        broker = await asyncio.to_thread(new_broker, Path(folder) / "node")
        log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
        writer = log.writer("fanout")
        try:
            await create_topics(await log.admin(), TopicSettings(partitions=PARTITIONS, replication_factor=1))
            await writer.fence()
            yield House(None), log, lambda record: writer.write([record])
        finally:
            await writer.close()
            await log.close()
            await asyncio.to_thread(broker.kill)


@asynccontextmanager
async def _embedded() -> AsyncIterator[tuple[House, Log, Write]]:
    """Yield a house on the embedded log, the log, and what writes to it."""
    async with house() as home:

        async def write(record: OutputRecord) -> None:
            home.write(record)

        yield home, home.log, write


async def _run(plan: Plan, workers: int, rate: float, p99_ms: float, *, is_on_kafka: bool) -> int:
    grants = (Grant("desk", hash_of(DESK), None, plan.clients),)
    limits = {"max_clients": plan.clients, "heartbeat_ms": HEARTBEAT_MS, "hello_ms": 60_000}
    ground = _on_kafka() if is_on_kafka else _embedded()
    async with ground as (home, log, write), running(home, grants, log, **limits) as gateway:
        clients = [await _start(plan, number, workers, gateway) for number in range(workers)]
        try:
            for process in clients:
                await _line(process)
            begun, cpu = time.perf_counter(), time.process_time()
            await _write(home, write, plan, rate)
            results = [json.loads(await _line(process)) for process in clients]
            seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        finally:
            for process in clients:
                if process.returncode is None:
                    process.kill()
                await process.wait()
    return _judge(plan, results, seconds, cpu, rate, p99_ms, " --kafka" if is_on_kafka else "")


async def _start(plan: Plan, number: int, workers: int, gateway: Running) -> Process:
    words = [str(part) for part in (gateway.server.port, number, workers, *plan)]
    command = [sys.executable, "-m", "tests.gateway.fanout_clients", *words]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, limit=64 * 1024 * 1024)


async def _line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        return (await process.stdout.readline()).decode()


async def _write(home: House, write: Write, plan: Plan, rate: float) -> None:
    """Write the events of the plan at their times, each with the moment it was written."""
    dice, loop = random.Random(plan.seed + 1), asyncio.get_running_loop()
    begun = loop.time()
    for number, account in enumerate(plan.told()):
        await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
        event = home.event(account, dice.choice(("watch", "critical", "bankrupt")), sent_ns=time.perf_counter_ns())
        await write(event)


def _judge(
    plan: Plan, results: list[dict[str, object]], seconds: float, cpu: float, rate: float, p99_ms: float, more: str = ""
) -> int:
    late = sorted(number for result in results for number in result["late_us"])  # type: ignore[attr-defined]
    wrong = [name for result in results for name in result["wrong"]]  # type: ignore[attr-defined]
    if not late:
        sys.stdout.write("no: nobody got anything\n")
        return 1
    p50, p99, worst = (late[min(len(late) - 1, int(len(late) * share))] / 1000 for share in (0.5, 0.99, 1.0))
    good = not wrong and p99 <= p99_ms
    told = f"--events {plan.events} --rate {rate:g} --seed {plan.seed}{more}"
    sizes = f"--clients {plan.clients} --desks {plan.desks / plan.clients:g} --accounts {plan.accounts}"
    pace = f"{len(late) / seconds:,.0f} a second"
    cost = f"{cpu / seconds:.0%} of a core, {cpu / len(late) * 1e6:.0f} µs a message"
    lines = (
        f"clients: {plan.clients} ({plan.desks} see everything); events: {plan.events} in {seconds:.1f} s",
        f"messages: {len(late)}, {pace}; gateway and writer: {cost}",
        f"from written to received: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms",
        f"clients without exactly their events: {len(wrong)} {wrong[:5] if wrong else ''}".rstrip(),
        f"{'yes' if good else 'no'}; again: python -m tests.gateway.fanout {sizes} {told}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
