"""`python -m tests.restore`: fill a changelog on a real Kafka, restart from it and from a snapshot, compare and time.

Prints a table, a verdict, the seed and the command to repeat it; exit code 1 where a restore is wrong or too slow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.adapters.kafka import KafkaLog
from monitor.adapters.snapshots import SnapshotFiles
from monitor.app.ledger import Ledger, LedgerSettings
from monitor.app.observing import SilentObserver
from monitor.app.ports import OutputRecord, TopicPartition
from monitor.app.records import RecordMaker
from monitor.app.restoring import name_of
from monitor.app.snapshots import Snapshot, checked_write
from monitor.app.topics import create_topics
from monitor.cli.assembly import codec_of, new_engine
from monitor.cli.clock import now_ms
from monitor.cli.warm import warm
from monitor.core.everybody import judged_in_turns
from monitor.core.inputs import Origin, Prices
from tests.broker import kafka
from tests.restore.book import Book
from tests.restore.comparing import digest_of
from tests.restore.restart import settings_for

COMPARED = 5_000
RECORDS_AT_ONCE = 20_000
GOALS = {"snapshot": 6.0, "changelog": 40.0}
GOAL_ACCOUNTS = 1_000_000
PREFIX = "restore."


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def check_equal(accounts: int, positions: int, seed: int) -> bool:
    """Restore a small book by the specification and many at once; return whether both judge everybody the same."""
    book, settings = Book(seed, positions), settings_for("unused:1", PREFIX, "")
    rows = list(book.accounts(min(accounts, COMPARED), 0))
    facts, memory = {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}
    digests = []
    for at_once in (True, False):
        engine, codec = new_engine(settings), codec_of(settings)
        for symbol, value in book.instruments():
            terms = codec.instrument(value, symbol.encode()).instrument
            engine.board.set_instrument(symbol, terms)
            engine.store.set_instrument(symbol, terms)
        prices = codec.prices(book.prices(now_ms())).prices
        engine.absorb([Prices(prices, Origin("p", 0, 0), now_ms())], now_ms())
        uses, engine.store.uses_numba = engine.store.uses_numba, at_once and engine.store.uses_numba
        started = time.perf_counter()
        engine.restore(facts, memory)
        engine.store.uses_numba = uses
        each = (time.perf_counter() - started) / len(rows) * 1e6
        say(f"  {'many at once' if at_once else 'one by one':14} {each:8.1f} us an account")
        for _ in judged_in_turns(engine, now_ms()):
            pass
        digests.append(digest_of(engine))
    return digests[0] == digests[1]


async def fill(bootstrap: str, folder: Path, accounts: int, positions: int, seed: int, touched: float) -> None:
    """Write the market, and the accounts in transactions as a shard would; then a snapshot of what was committed.

    A share of the accounts, the last ones, was touched and is still to be shown.
    """
    settings = settings_for(bootstrap, PREFIX, str(folder))
    topics = settings.topics.names()
    log = KafkaLog(settings.kafka)
    assert await create_topics(await log.admin(), settings.topics) == []
    group = PREFIX + settings.kafka.group_id
    names = LedgerSettings(group, 1, 0, topics.state)
    codec = codec_of(settings)
    ledger = Ledger(names, log, codec, RecordMaker(0, 1, topics, codec), "filler", SilentObserver(), now_ms)
    await ledger.fence()
    book = Book(seed, positions)
    market = [OutputRecord(topics.instruments, 0, name.encode(), value) for name, value in book.instruments()]
    await ledger.commit([*market, OutputRecord(topics.mark_prices, 0, b"x", book.prices(now_ms()))], {})
    await ledger.fence()  # waits until the commit is marked everywhere: the ends are those after it
    ends = await _ends(log, [TopicPartition(name, 0) for name in (topics.instruments, topics.mark_prices)])
    inputs = {TopicPartition(topics.account_events, 0): 0, **ends}
    records = _records(book, topics.state, accounts)
    started = time.perf_counter()
    while some := list(islice(records, RECORDS_AT_ONCE)):
        await ledger.commit(some, inputs)
        if len(ledger.image.facts) <= accounts * (1 - touched):
            ledger.shown_before = ledger.image.next_offset  # all so far have been shown
    seconds = time.perf_counter() - started
    say(f"  changelog: {2 * accounts} records written in {seconds:.0f} s")
    started = time.perf_counter()
    image = ledger.image.frozen()
    copied = time.perf_counter()
    size = checked_write(SnapshotFiles(folder), Snapshot(name_of(names), now_ms(), image), lambda: False)
    done = time.perf_counter()
    held, writing = (copied - started) * 1000, done - copied
    written = f"{size / 1e6:.1f} MB, loop held {held:.0f} ms, counted and written aside in {writing:.1f} s"
    say(f"  snapshot: {written}")
    await ledger.commit([next(_records(book, topics.state, 1))], inputs)  # a tail behind the snapshot
    await ledger.close()
    await log.close()


async def _ends(log: KafkaLog, where: list[TopicPartition]) -> dict[TopicPartition, int]:
    reader = log.reader()
    await reader.start()
    try:
        return await reader.end_offsets(where)
    finally:
        await reader.stop()


def _records(book: Book, topic: str, accounts: int) -> Iterator[OutputRecord]:
    for account_id, facts, memory in book.accounts(accounts, now_ms()):
        yield OutputRecord(topic, 0, b"f|" + account_id.encode(), facts)
        yield OutputRecord(topic, 0, b"s|" + account_id.encode(), memory)


def restart(bootstrap: str, snapshot_dir: str) -> dict[str, Any]:
    """Restart in a process of its own and return what it says."""
    given = json.dumps({"bootstrap": bootstrap, "prefix": PREFIX, "snapshot_dir": snapshot_dir})
    done = subprocess.run([sys.executable, "-m", "tests.restore.restart", given], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(accounts: int, positions: int, seed: int, port: int, times: int, touched: float) -> bool:
    """Do all of it; return whether everything is right and, at full size, fast enough."""
    say(f"restoring {accounts} accounts of {positions} positions on average, seed {seed}")
    warm()
    good = check_equal(accounts, positions, seed)
    say(f"  both ways judge {'the same' if good else 'DIFFERENTLY'}")
    with tempfile.TemporaryDirectory(prefix="liqmon-restore-") as place:
        broker = kafka.Broker(Path(place) / "kafka", port, port + 1)
        broker.start()
        try:
            folder = Path(place) / "snapshots"
            asyncio.run(fill(broker.bootstrap_servers, folder, accounts, positions, seed, touched))
            results = []
            for _ in range(times):
                for source, where in (("snapshot", str(folder)), ("changelog", "")):
                    found = restart(broker.bootstrap_servers, where)
                    results.append(found)
                    good = check(found, source, accounts) and good
        finally:
            broker.kill()
    same = len({found["digest"] for found in results}) == 1
    say(f"  all restores judge {'the same' if same else 'DIFFERENTLY'}")
    return good and same


def check(found: dict[str, Any], source: str, accounts: int) -> bool:
    """Print one restart; return whether it came from where it should, told nothing, and was fast enough."""
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found["seconds"].items())
    spent = f"{found['cpu_seconds']:.1f} s of processor from restoring on, {found['rss_mb']} MB at most"
    say(f"  {source}: {stages}; {spent}")
    right = found["source"] == source and not found["events"] and found["accounts"] == accounts
    if not right:
        say(f"  WRONG: {found}")
    total = found["seconds"]["restore to steady"]
    slow = accounts >= GOAL_ACCOUNTS and total > GOALS[source]
    if slow:
        say(f"  TOO SLOW: more than {GOALS[source]} s")
    return right and not slow


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.restore", description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--touched", type=float, default=0.25, help="share of accounts changed in the last minute")
    parser.add_argument("--times", type=int, default=1, help="restarts of each kind")
    parser.add_argument("--port", type=int, default=39_092, help="of the broker; the next one is its controller's")
    args = parser.parse_args()
    good = run(args.accounts, args.positions, args.seed, args.port, args.times, args.touched)
    again = f"make restore ACCOUNTS={args.accounts} POSITIONS={args.positions} SEED={args.seed}"
    say(f"verdict: {'good' if good else 'BAD'}; again: {again}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
