"""`python -m tests.simulation`: many seeds in several processes, a verdict, and a table of what happened in them."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.simulation.draws import Gated
from tests.simulation.seeds import Verdict, live

SHOWN_LINES = 200
PROGRESS_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds; return 0 when the judge has nothing against any of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="300", help="N (from 0 on), or A..B with both ends (A alone: A..A)")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--story", action="store_true", help="print the story of every seed, not only of failing ones")
    parser.add_argument("--stop", action="store_true", help="end at the first failing seed")
    parser.add_argument("--mutants", action="store_true", help="break the application instead, and ask who notices")
    parser.add_argument("--gate", action="store_true", help="every story has the price quality gate on, not a third")
    given = parser.parse_args(arguments)
    if given.gate:
        Gated.share = 1.0
    if given.mutants:
        from tests.simulation.mutants import try_all

        return try_all(given.seeds if ".." in given.seeds else "0..59")
    return _run(seeds_of(given.seeds), given.workers, story=given.story, stop=given.stop)


def say(*lines: str) -> None:
    """Print lines."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def seeds_of(text: str) -> range:
    """Return the seeds a text names: `300` the first three hundred, `7..7` the seed 7, `100..199` a hundred."""
    first, dots, last = text.partition("..")
    return range(int(first), int(last) + 1) if dots else range(int(text))


def warm_up() -> None:
    """Compile the kernels, and keep what lives for ever out of the way of the garbage collector."""
    live(0)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _verdicts(seeds: range, workers: int) -> Iterator[Verdict]:
    warm_up()
    if workers <= 1:
        yield from map(live, seeds)
        return
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=500) as pool:
        yield from pool.imap_unordered(live, seeds, chunksize=5)


def _run(seeds: range, workers: int, *, story: bool, stop: bool) -> int:
    started = told = time.time()
    tally: Counter[str] = Counter()
    features: Counter[str] = Counter()
    failed: list[int] = []
    done = 0
    for verdict in _verdicts(seeds, workers):
        done += 1
        tally += verdict.tally
        features.update(verdict.features)
        if verdict.complaints or story:
            _show(verdict)
        if verdict.complaints:
            failed.append(verdict.seed)
            if stop:
                break
        if time.time() - told > PROGRESS_SECONDS:
            told = time.time()
            sys.stderr.write(f"{done} of {len(seeds)} seeds, {len(failed)} failed, {told - started:.0f} s\n")
    _table(tally, features, done)
    seconds = time.time() - started
    say(f"\n{done} seeds ({seeds.start}..{seeds.stop - 1}), {len(failed)} failed, {seconds:.0f} s on {workers} workers")
    if failed:
        say(f"verdict: FAILED {sorted(failed)[:20]}")
        return 1
    say("verdict: the judge has nothing to say")
    return 0


def _show(verdict: Verdict) -> None:
    say(f"\nseed {verdict.seed} ({', '.join(verdict.features) or 'nothing special'})")
    say(*verdict.lines[-SHOWN_LINES:])
    for complaint in verdict.complaints[:20]:
        say(f"  wrong: {complaint[:1500]}")
    if verdict.complaints:
        say(f"  again: python -m tests.simulation --seeds {verdict.seed}..{verdict.seed}")


def _table(tally: Counter[str], features: Counter[str], seeds: int) -> None:
    say("\nwhat was drawn (seeds)")
    for name, count in sorted(features.items()):
        say(f"  {name:28} {count:>9} of {seeds}")
    say("what happened (in all seeds)")
    for name, count in sorted(tally.items()):
        say(f"  {name:28} {count:>9}")


if __name__ == "__main__":
    sys.exit(main())
