"""Scenarios at the topics the daemon writes: a changelog that is really compacted, and records it does not take."""

from __future__ import annotations

import json
import random
from collections import Counter

from tests.chaos.cluster import Cluster
from tests.chaos.dump import Record
from tests.chaos.messages import EVENTS, STATE
from tests.chaos.scenarios.at_inputs import SYMBOLS, judged, opened
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.stairs import Account, Walk, judge, terms
from tests.chaos.verdict import CHAIN, LETTER, LOSS, PROCESS, STATUS

DELISTED = "CUSDT"
META = b"__meta__"
COMPACTED = {
    "segment_ms": 500,
    "segment_bytes": 1_048_576,
    "min_cleanable_dirty_ratio": 0.01,
    "delete_retention_ms": 500,
    "max_compaction_lag_ms": 1_000,
}
_CLEANING_SECONDS = 60.0
Image = dict[tuple[int, bytes | None], bytes | None]


async def compaction(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Delete accounts and a contract, have every tombstone cleaned away, and restore from what is left."""
    walk, accounts = Walk(seed, SYMBOLS), await opened(bench)
    for topic in (STATE, "account-status", "instruments"):
        await bench.set_topic(topic, **COMPACTED)
    await bench.send("instruments", DELISTED, terms(DELISTED))
    await bench.walk_for(walk, 60)
    await _level(bench)
    gone = accounts[::4]
    for one in gone:
        await bench.send("account-events", one.name, {"account_id": one.name, "version": 2, "event_time_ms": 2,
                                                      "deleted": True})  # fmt: skip
    await bench.send("instruments", DELISTED, None)
    await bench.settle("the deletions are used up")
    left = (await bench.positions())[0][bench.prefix + "mark-prices"]["0"]
    took = await bench.until(lambda: _cleaned(bench, walk, gone), "the changelog is cleaned", _CLEANING_SECONDS)
    await _level(bench)
    bench.say(f"cleaned {took:.1f} s after the deletions, their tombstones included")
    before = await _image(bench)
    (worker,) = bench.fleet.free()
    bench.fleet.kill(worker)
    await _note_gaps(bench)
    again = bench.fleet.start()
    await bench.until(lambda: bench.ready(again), "restored from what the cleaner has left")
    bench.verdict.expect(await _image(bench) == before, STATUS, "the restore itself has changed what is remembered")
    await bench.walk_for(walk, 20)
    await _level(bench)
    back = (await bench.positions())[0][bench.prefix + "mark-prices"]["0"]
    for one in [*gone, Account("late", DELISTED, 500)]:
        await bench.send("account-events", one.name, one.body(3))
    await bench.settle("the accounts are back")
    await bench.walk_for(walk, 40)
    await bench.finish()
    prices, events = await bench.records("mark-prices"), await bench.chains()
    stayed = [one for one in accounts if one not in gone]
    judge(stayed, prices, _of(stayed, events), bench.verdict)
    await _expect_delisted(bench)
    judge(gone, [r for r in prices if not left <= r.offset < back], _of(gone, events), bench.verdict)


async def _expect_delisted(bench: Bench) -> None:
    """Look whether the contract that was deleted has stayed so: who holds it cannot be judged."""
    (body,) = [body for body in await bench.bodies("account-status") if body["account_id"] == "late"][-1:]
    why = body["unknown_because"]
    bench.verdict.expect(why == [f"missing_instrument:{DELISTED}"], STATUS, f"{DELISTED} came back: {body}")


async def _level(bench: Bench) -> None:
    """Bring every price back to 100, where everybody is healthy, and let that be told."""
    for symbol in SYMBOLS:
        await bench.price(symbol, 100)
    await bench.settle("all inputs are used up")


async def _cleaned(bench: Bench, walk: Walk, gone: list[Account]) -> bool:
    """Write a little, so that segments roll; return whether of what was deleted not even a tombstone is left."""
    await bench.walk_for(walk, 5)
    for symbol in SYMBOLS:
        await bench.send("instruments", symbol, terms(symbol))
    kept = {record.key for record in await bench.records(STATE, "instruments")}
    shown = {(record.key or b"").partition(b"|")[0] for record in await bench.records("account-status")}
    return not kept & {b"i|" + DELISTED.encode(), DELISTED.encode()} and not shown & {n.name.encode() for n in gone}


async def _image(bench: Bench) -> Image:
    """Return the latest value of every key of the changelog but its positions."""
    records = await bench.records(STATE)
    return {(r.partition, r.key): r.value for r in records if r.key != META and r.value is not None}


async def _note_gaps(bench: Bench) -> None:
    """Note what the cleaner has taken out: offsets that are missing beyond one marker for each transaction."""
    records = await bench.records(STATE)
    for partition in range(bench.partitions):
        own = [record for record in records if record.partition == partition]
        missing = own[-1].offset - own[0].offset + 1 - len(own)
        markers = sum(record.key == META for record in own)
        bench.verdict.figures["offsets missing in the changelog"] += missing
        bench.verdict.figures["records left in the changelog"] += len(own)
        bench.verdict.expect(missing > markers, PROCESS, f"the cleaner took nothing out of partition {partition}")


def _of(accounts: list[Account], events: list[Record]) -> list[Record]:
    names = {one.name.encode() for one in accounts}
    return [record for record in events if record.key in names]


async def too_large(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
    """Let topics take less than events, statuses, dead letters and memory need; nothing may be lost for anybody."""
    walk, accounts = Walk(seed, SYMBOLS), await opened(bench)
    await bench.walk_for(walk, 10)
    for topic in EVENTS:
        await bench.set_topic(topic, max_message_bytes=1_100)
    await bench.set_topic("account-status", max_message_bytes=1_000)
    await bench.set_topic("dead-letters", max_message_bytes=3_000)
    await bench.walk_for(walk, 10)
    await bench.settle("prices are used up although no event fits whole")
    bad = accounts[0].name
    await bench.send("account-events", bad, _noise(100_000))
    await bench.settle("the bad message is used up although its dead letter does not fit")
    (letter,) = await bench.records("dead-letters")
    size = dict(letter.headers).get("original-size")
    bench.verdict.expect(size == b"100000", LETTER, f"the dead letter says original-size {size!r}")
    bench.say(f"the dead letter of 100,000 bytes is cut to {len(letter.value or b'')}")
    await _memory_too_large(bench, walk, accounts)
    for topic in (*EVENTS, "account-status", "dead-letters"):
        await bench.set_topic(topic, max_message_bytes=4_194_304)
    await bench.walk_for(walk, 10)
    await judged(bench, accounts)
    reduced = Counter("reduced" in json.loads(record.value or b"") for record in await bench.chains())
    bench.verdict.figures["events told without evidence"] = reduced[True]
    bench.verdict.figures["events told whole"] = reduced[False]
    bench.verdict.expect(reduced[True] and reduced[False], PROCESS, f"events were told {dict(reduced)}")


async def _memory_too_large(bench: Bench, walk: Walk, accounts: list[Account]) -> None:
    """Have one shard stand still aloud over an account it may not remember, the other going on, until it may."""
    (worker,) = bench.fleet.free()
    await bench.set_topic(STATE, max_message_bytes=2_000)
    stuck = next(one for one in accounts if bench.home_of(one.name) == 0)
    unheld = {_noise(60 + number).hex(): "10" for number in range(40)}  # as many labels would be refused
    await bench.send("account-events", stuck.name, stuck.body(2, settings={"leverage": unheld}))
    words = "stands still until max.message.bytes"
    await bench.until(lambda: words in bench.log_of(worker), "the shard says that it stands still")
    before = _told_by(await bench.chains())
    await bench.walk_for(walk, 15)
    await bench.until(lambda: _goes_on(bench, before), "the other shard goes on")
    after = _told_by(await bench.chains())
    bench.verdict.expect(after[0] == before[0], CHAIN, "a shard told events without remembering them")
    bench.verdict.expect(after[1] > before[1], LOSS, "a shard waits for another")
    said = bench.log_of(worker).count(words)
    bench.say(f"it has said so {said} times; the topic takes more now")
    await bench.set_topic(STATE, max_message_bytes=4_194_304)


def _told_by(records: list[Record]) -> Counter[int]:
    return Counter(record.partition for record in records)


async def _goes_on(bench: Bench, before: Counter[int]) -> bool:
    return _told_by(await bench.chains())[1] > before[1]


def _noise(size: int) -> bytes:
    """Return bytes that no compression makes shorter."""
    return random.Random(size).randbytes(size)
