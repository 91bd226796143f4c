"""`python -m tests.restore.parts`: what restoring from a snapshot costs an account, without a broker, by size.

Processor time of the whole process, and of the thread that waits for the rest (on two idle cores the time it takes),
the least of some repeats.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from monitor.adapters.snapshots import SnapshotFiles
from monitor.app.changelog import Meta
from monitor.app.image import Image
from monitor.app.second_thread import SecondThread
from monitor.app.snapshots import Snapshot, SnapshotName
from monitor.cli.assembly import codec_of, new_engine
from monitor.cli.clock import now_ms
from monitor.cli.warm import warm
from monitor.core.engine import MarginEngine
from monitor.core.everybody import judged_in_turns
from monitor.core.following import Follower
from monitor.core.inputs import InstrumentTerms, Origin, Prices
from tests.restore.book import Book
from tests.restore.restart import settings_for

NAME = SnapshotName("parts", 1, 0)
SETTINGS = settings_for("unused:1", "parts.", "")
FILLED_AT_ONCE = 2_000


def image_of(book: Book, accounts: int, touched: float) -> Image:
    """Return the image of a shard of which the last accounts were touched and not shown since."""
    image, now = Image(hash=0), now_ms()
    for number, (account_id, facts, memory) in enumerate(book.accounts(accounts, now)):
        image.facts[account_id], image.memory[account_id] = facts, image.once(memory)
        if number >= accounts * (1 - touched):
            image.touched[account_id] = 2 * number, now
    image.meta = Meta("parts", 1, "w", hash=image.count(), incarnation="ab")
    return image


def market_of(book: Book) -> MarginEngine:
    """Return an engine that knows the market and nobody yet."""
    engine, codec = new_engine(SETTINGS), codec_of(SETTINGS)
    terms = [(symbol, codec.instrument(value, symbol.encode()).instrument) for symbol, value in book.instruments()]
    marks = Prices(codec.prices(book.prices(now_ms())).prices, Origin("p", 0, 0), now_ms())
    engine.absorb([*(InstrumentTerms(*pair, Origin("i", 0, 0)) for pair in terms), marks], now_ms())
    return engine


class Costs:
    """Keep the least each part has taken: of the process, and of this thread."""

    def __init__(self) -> None:
        self.least: dict[str, tuple[float, float]] = {}

    def take(self, part: str, work: Callable[[], object]) -> None:
        """Do a part and keep what it took."""
        all_of_it, mine = time.process_time(), time.thread_time()
        work()
        spent = time.process_time() - all_of_it, time.thread_time() - mine
        before = self.least.get(part, spent)
        self.least[part] = min(before[0], spent[0]), min(before[1], spent[1])


def restore_once(files: SnapshotFiles, book: Book, costs: Costs) -> None:
    """Restore an engine from the file, and fill another as a warm copy is."""
    engine, copy, found = market_of(book), market_of(book), []
    costs.take("reading", lambda: found.append(files.read(NAME, brief=False).image))
    image = found[0]

    def put() -> None:
        with SecondThread() as second:
            engine.restore(image.facts, image.memory, image.rules, image.samples, second.begin)

    def fill() -> None:
        follower, ids = Follower(copy), list(image.facts)
        for start in range(0, len(ids), FILLED_AT_ONCE):
            assert not follower.fill(ids[start : start + FILLED_AT_ONCE], image.facts, image.memory, {})

    costs.take("restoring", put)
    costs.take("who is to be shown", lambda: engine.refresh(image.touched, now_ms()))
    costs.take("judging", lambda: sum(1 for _ in judged_in_turns(engine, now_ms())))
    costs.take("filling a copy", fill)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.restore.parts", description=__doc__)
    parser.add_argument("--accounts", type=int, nargs="+", default=[20_000])
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--touched", type=float, default=0.25, help="share of accounts changed in the last minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory(prefix="liqmon-parts-") as place:
        files = SnapshotFiles(Path(place))
        for accounts in args.accounts:
            book, costs = Book(args.seed, args.positions), Costs()
            files.write(Snapshot(NAME, now_ms(), image_of(book, accounts, args.touched)), lambda: False)
            for _ in range(args.times):
                restore_once(files, book, costs)
            sys.stdout.write(f"{accounts} accounts, us each (process, this thread):\n")
            for part, spent in costs.least.items():
                each = ", ".join(f"{seconds / accounts * 1e6:.2f}" for seconds in spent)
                sys.stdout.write(f"  {part}: {each}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
