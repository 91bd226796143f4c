"""Scenarios at the inputs: a transaction a stranger leaves open, retention that passes us by, and new partitions."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions
from aiokafka.admin.records_to_delete import RecordsToDelete

from tests.chaos.fleet import Worker
from tests.chaos.messages import dumped
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.stairs import Account, Walk, accounts_of, judge
from tests.chaos.verdict import CHAIN, LETTER, PROCESS, STATUS

SYMBOLS = ("AUSDT", "BUSDT")
_STALL_SECONDS = 3.0


async def opened(bench: Bench, daemons: int = 1, symbols: tuple[str, ...] = SYMBOLS, each: int = 8) -> list[Account]:
    """Open topics and accounts, start daemons, and wait until everybody is shown; return the accounts."""
    accounts = accounts_of(symbols, each)
    await bench.create_topics()
    await bench.open(symbols, accounts)
    for _ in range(daemons):
        bench.fleet.start()
    await bench.until(lambda: bench.shown(one.name for one in accounts), "every account is shown")
    bench.say("every account is shown")
    return accounts


async def judged(bench: Bench, accounts: list[Account]) -> None:
    """Wait until all is told, and judge every chain."""
    await bench.finish()
    judge(accounts, await bench.records("mark-prices"), await bench.chains(), bench.verdict)


async def open_transaction(bench: Bench, seed: int) -> None:
    """Leave a transaction open on each input in turn; abort the first of each, commit the second."""
    walk, accounts = Walk(seed, SYMBOLS), await opened(bench)
    worker = bench.fleet.workers[0]
    await bench.walk_for(walk, 20)
    await bench.settle("the first prices are used up")
    for topic in ("mark-prices", "account-events"):
        for ending in ("abort", "commit"):
            await _behind_a_transaction(bench, walk, worker, topic, ending)
    await judged(bench, accounts)


async def _behind_a_transaction(bench: Bench, walk: Walk, worker: Worker, topic: str, ending: str) -> None:
    """Write behind an open transaction, look who waits and who does not, and end it."""
    stranger = AIOKafkaProducer(bootstrap_servers=bench.servers, transactional_id=f"stranger-{topic}-{ending}")
    await stranger.start()
    name = f"{topic}-{ending}"
    home = bench.home_of("open")
    try:
        await stranger.begin_transaction()
        body = {"symbol": "AUSDT", "mark_price": "81", "event_time_ms": 1}
        await stranger.send_and_wait(
            bench.prefix + topic, dumped(body), key=b"open", partition=home if topic == "account-events" else 0
        )
        bench.say(f"a stranger leaves a transaction open on {topic}")
        before = len(await bench.chains())
        await bench.walk_for(walk, 20)
        waits, goes = _neighbours(bench, home, name)
        for one in (waits, goes):
            await bench.send("account-events", one.name, one.body())
        if topic == "mark-prices":
            await bench.until(lambda: bench.shown([waits.name, goes.name]), "accounts go on being judged")
            await asyncio.sleep(_STALL_SECONDS)
            bench.verdict.expect(
                len(await bench.chains()) == before, CHAIN, "prices behind an open transaction were judged"
            )
        else:
            await bench.until(lambda: _more_than(bench, before), "prices go on being judged")
            await bench.until(lambda: bench.shown([goes.name]), "accounts of other partitions go on being judged")
            shown = await bench.shown([waits.name])
            bench.verdict.expect(not shown, CHAIN, "an account behind an open transaction was judged")
        await _said(bench, worker, topic)
        await (stranger.abort_transaction() if ending == "abort" else stranger.commit_transaction())
        took = await bench.settle("what waited is used up")
        await bench.until(lambda: bench.shown([waits.name, goes.name]), "what waited is judged")
        bench.say(f"after the {ending} all that waited was judged within {took:.1f} s")
    finally:
        await stranger.stop()


async def _more_than(bench: Bench, count: int) -> bool:
    return len(await bench.chains()) > count


def _neighbours(bench: Bench, home: int, name: str) -> tuple[Account, Account]:
    """Return an account in a partition and one in another; both are so rich that nothing is ever told of them."""
    names = [f"{name}-{number}" for number in range(100)]
    here = next(one for one in names if bench.home_of(one) == home)
    there = next(one for one in names if bench.home_of(one) != home)
    return Account(here, "BUSDT", 90_000), Account(there, "BUSDT", 90_000)


async def _said(bench: Bench, worker: Worker, topic: str) -> None:
    """Wait until the daemon shows the wait: its watchdog barks, and it is not ready."""
    await bench.until(lambda: _barks(bench, worker), "the watchdog of open transactions barks", 20)
    code, why = await bench.ask(worker, "/readyz")
    bench.verdict.expect(code == http.client.SERVICE_UNAVAILABLE, PROCESS, f"/readyz says {code} while {topic} waits")
    bench.say(f"the watchdog barks: {' '.join(why.split())}")


async def _barks(bench: Bench, worker: Worker) -> bool:
    raised = await bench.metric(worker, "liqmon_watchdog_raised")
    return any('watchdog="open_transaction"' in labels and value for labels, value in raised)


async def growth(bench: Bench, seed: int) -> None:
    """Let mark-prices grow partitions, twice killing who has just learnt of it; the new ones bring their own symbol."""
    walk, accounts = Walk(seed, SYMBOLS[:1]), await opened(bench, daemons=2)
    await bench.walk_for(walk, 20)
    for partition in (1, 2):
        async with bench.admin() as client:
            await client.create_partitions({bench.prefix + "mark-prices": NewPartitions(partition + 1)})
        bench.say(f"mark-prices has {partition + 1} partitions")
        new = Walk(seed + partition, SYMBOLS[1:])
        await bench.until(lambda: _grown(bench, new, partition), "the producer knows the new partition")  # noqa: B023
        for _ in range(30):
            await _step(bench, new, partition)
            await bench.walk_for(walk, 1)
        took = await bench.until(lambda: _judged_in(bench, partition), "prices of the new partition are judged")  # noqa: B023
        bench.say(f"partition {partition} was judged after {took:.1f} s")
        victim = bench.fleet.free()[0]
        bench.fleet.kill(victim)
        bench.say(f"worker {victim.number} is killed")
        for _ in range(10):
            await _step(bench, new, partition)
        bench.fleet.start()
        # the symbol goes on in another partition, and between partitions there is no order but that of times
        await bench.settle("the new partition is used up")
    await judged(bench, accounts)


async def _step(bench: Bench, walk: Walk, partition: int) -> bool:
    symbol, body = walk.next()
    await bench.send("mark-prices", symbol, body, partition)
    return True


async def _grown(bench: Bench, walk: Walk, partition: int) -> bool:
    """Write the first price of a new partition; a producer learns of it late."""
    try:
        return await _step(bench, walk, partition)
    except AssertionError:
        await bench.reconnect()
        return False


async def _judged_in(bench: Bench, partition: int) -> bool:
    return any(body["cause"].get("partition") == partition for body in await bench.bodies("margin-calls"))


async def retention(bench: Bench, seed: int) -> None:
    """Let retention pass the stored offset of shard 0 while nobody runs; snapshots cure account by account."""
    walk, accounts = Walk(seed, SYMBOLS), await opened(bench)
    await bench.walk_for(walk, 30)
    await bench.settle("the first prices are used up")
    await bench.fleet.stop_all()
    stored = int((await bench.positions())[0][bench.prefix + "account-events"]["0"])
    lost = [one for one in accounts if bench.home_of(one.name) == 0]
    others = [one for one in accounts if one not in lost]
    for one in lost:  # the same facts again, so that the chains do not depend on what is lost
        await bench.send("account-events", one.name, one.body(2))
    await _pass_retention(bench)
    bench.say(f"retention has passed offset {stored} of account-events[0]")
    bench.fleet.start()
    await bench.until(lambda: _gap_told(bench, stored), "the gap is told")
    await bench.walk_for(walk, 30)
    await bench.settle("prices are judged as before")
    await _expect_suspects(bench, lost, others)
    cured = lost[::2]
    for one in cured:
        await bench.send("account-events", one.name, one.body(3))
    await bench.settle("the snapshots are used up")
    await bench.walk_for(walk, 30)
    await bench.settle("prices are judged once more")
    await _expect_suspects(bench, [one for one in lost if one not in cured], [*others, *cured])
    await judged(bench, accounts)
    gaps = await _gaps(bench)
    bench.verdict.expect(len(gaps) == 1, LETTER, f"{len(gaps)} gap records instead of one")


async def _pass_retention(bench: Bench) -> None:
    where = bench.where("account-events", 0)
    async with bench.admin() as client:
        await client.delete_records({where: RecordsToDelete(before_offset=-1)})


async def _gaps(bench: Bench) -> list[dict[str, str]]:
    headers = [{name: text.decode() for name, text in record.headers} for record in await bench.records("dead-letters")]
    return [one for one in headers if one["error-code"] == "gap"]


async def _gap_told(bench: Bench, stored: int) -> bool:
    return [one["original-offset"] for one in await _gaps(bench)] == [str(stored)]


async def _expect_suspects(bench: Bench, suspect: list[Account], sound: list[Account]) -> None:
    """Look at the last status of everybody."""
    last: dict[str, Any] = {body["account_id"]: body for body in await bench.bodies("account-status")}
    for accounts, wanted in ((suspect, True), (sound, False)):
        for one in accounts:
            found = bool(last[one.name].get("suspect"))
            bench.verdict.expect(found == wanted, STATUS, f"{one.name} is shown suspect {found} instead of {wanted}")


Scene = Callable[[Bench, int], Awaitable[None]]
SCENES: dict[str, Scene] = {"open-transaction": open_transaction, "growth": growth, "retention": retention}
