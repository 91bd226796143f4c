"""How late an event reaches the last of many clients: `python -m tests.gateway.fanout --clients 2000 --seed 1`.

One gateway on the embedded log, a process for it, and processes full of clients that do nothing but take the time. A
share of the clients (desks) sees every account, each other one sees one. The verdict is no when a client has not got
exactly the events it asked for, or p99 is above `--p99-ms`. The time ends when a client's process has the bytes, so
what clients cost on the same two cores is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from asyncio.subprocess import PIPE, Process

from monitor.app.gateway.access import Grant, hash_of
from tests.gateway.fanout_clients import Plan
from tests.gateway.house import DESK, House, Running, house, running

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
    parser.add_argument("--p99-ms", type=float, default=250.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    plan = Plan(args.seed, args.clients, round(args.clients * args.desks), args.accounts, args.events)
    return asyncio.run(_run(plan, args.workers, args.rate, args.p99_ms))


async def _run(plan: Plan, workers: int, rate: float, p99_ms: float) -> int:
    grants = (Grant("desk", hash_of(DESK), None, plan.clients),)
    limits = {"max_clients": plan.clients, "heartbeat_ms": HEARTBEAT_MS, "hello_ms": 60_000}
    async with house() as home, running(home, grants, **limits) as gateway:
        clients = [await _start(plan, number, workers, gateway) for number in range(workers)]
        try:
            for process in clients:
                await _line(process)
            begun, cpu = time.perf_counter(), time.process_time()
            await _write(home, plan, rate)
            results = [json.loads(await _line(process)) for process in clients]
            seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        finally:
            for process in clients:
                if process.returncode is None:
                    process.kill()
                await process.wait()
    return _judge(plan, results, seconds, cpu, rate, p99_ms)


async def _start(plan: Plan, number: int, workers: int, gateway: Running) -> Process:
    words = [str(part) for part in (gateway.server.port, number, workers, *plan)]
    command = [sys.executable, "-m", "tests.gateway.fanout_clients", *words]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, limit=64 * 1024 * 1024)


async def _line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        return (await process.stdout.readline()).decode()


async def _write(home: House, plan: Plan, rate: float) -> None:
    """Write the events of the plan at their times, each with the moment it was written."""
    dice, loop = random.Random(plan.seed + 1), asyncio.get_running_loop()
    begun = loop.time()
    for number, account in enumerate(plan.told()):
        await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
        event = home.event(account, dice.choice(("watch", "critical", "bankrupt")), sent_ns=time.perf_counter_ns())
        home.write(event)


def _judge(plan: Plan, results: list[dict[str, object]], seconds: float, cpu: float, rate: float, p99_ms: float) -> int:
    late = sorted(number for result in results for number in result["late_us"])  # type: ignore[attr-defined]
    wrong = [name for result in results for name in result["wrong"]]  # type: ignore[attr-defined]
    if not late:
        sys.stdout.write("no: nobody got anything\n")
        return 1
    p50, p99, worst = (late[min(len(late) - 1, int(len(late) * share))] / 1000 for share in (0.5, 0.99, 1.0))
    good = not wrong and p99 <= p99_ms
    told = f"--events {plan.events} --rate {rate:g} --seed {plan.seed}"
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
