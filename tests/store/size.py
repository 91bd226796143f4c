"""Print what a store of a given size costs: loading, ticking, memory.

Run as `python -m tests.store.size --accounts 1000000`; nothing is asserted.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice

from monitor.core.ladder import Ladder
from monitor.core.portfolio.terms import Method
from monitor.core.store import MarginStore
from tests.store.population import Population, Shares


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def timed(act: Callable[[], object]) -> float:
    """Return the seconds an act takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def resident() -> float:
    """Return the greatest resident set so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load a population, tick it, print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=100_000)
    options.add_argument("--batch", type=int, default=20_000)
    options.add_argument("--ticks", type=int, default=21)
    options.add_argument("--numpy", action="store_true", help="use the numpy twins")
    options.add_argument("--inverse", type=float, default=0.0)
    options.add_argument("--multi-asset", type=float, default=0.0)
    options.add_argument("--isolated", type=float, default=0.0)
    options.add_argument("--portfolio", type=float, default=0.0)
    options.add_argument("--method", choices=[str(method) for method in Method], default="scenario")
    options.add_argument("--groups", type=int, default=10, help="11 make 32 scenarios, 3 make 16")
    chosen = options.parse_args()
    shares = Shares(chosen.inverse, chosen.multi_asset, chosen.isolated, chosen.portfolio)
    population = Population(shares=shares, groups=chosen.groups)
    store = MarginStore([Ladder.build()], use_numba=not chosen.numpy)
    say(f"warm {timed(store.warm):.2f} s, {resident():.0f} MB")
    population.prepare(store)
    store.set_portfolio(population.portfolio(Method(chosen.method)))
    load = 0.0
    book = population.accounts(chosen.accounts)
    while batch := list(islice(book, chosen.batch)):
        load += timed(lambda facts=batch: store.put_many(facts))
    counts = store.counts()
    say(f"{chosen.accounts} accounts, {counts}, {load:.2f} s = {load / chosen.accounts * 1e6:.1f} us an account")
    say(f"{counts['bytes'] / max(counts['cells'], 1):.1f} B a position in all, resident {resident():.0f} MB")
    settle(store)
    tick(store, population, chosen.ticks, counts["cells"])
    events(store, population, chosen)


def settle(store: MarginStore) -> None:
    """Tell every candidate what its figures say, so that the ticks find a settled book."""
    candidates = store.judge_all()
    equity, requirement = store.figures(candidates)
    lines = (1.5, 1.25, 1.1, 1.0, 1 / 1.1, 2 / 3)
    for scope, have, need in zip(candidates.tolist(), equity.tolist(), requirement.tolist(), strict=True):
        state = 7 if have <= 0 and need > 0 else sum(have < k * need for k in lines)
        store.set_state(scope, state)
    left = len(store.judge_all())
    say(f"{len(candidates)} candidates at first, {left} once they are told")


def tick(store: MarginStore, population: Population, ticks: int, cells: int) -> None:
    """Print the time of full and of single-symbol ticks."""
    full, marks, found = [], [], 0
    prices = population.marks()
    moved = population.moved(0.0002)
    for round_ in range(ticks):
        new = moved if round_ % 2 else prices
        marks.append(timed(lambda new=new: [store.set_mark(n, p) for n, p in zip(population.names, new, strict=True)]))
        full.append(timed(store.judge_all))
        found += len(store.judge_all())
    say(
        f"full tick min {min(full) * 1e3:.2f} median {statistics.median(full) * 1e3:.2f} ms, "
        f"{min(full) / cells * 1e9:.2f} ns a position; {len(prices)} marks {min(marks) * 1e3:.2f} ms; "
        f"{found / ticks:.0f} candidates a tick"
    )
    for rank in (0, 20, len(prices) - 1):
        name = population.names[rank]
        one = []
        for round_ in range(ticks):
            store.set_mark(name, (moved if round_ % 2 else prices)[rank])
            one.append(timed(lambda name=name: store.judge_symbols([name])))
        held = len(store.holders(name))
        say(
            f"rank {rank + 1}, {held} holders: min {min(one) * 1e3:.3f} ms, "
            f"{min(one) / max(held, 1) * 1e9:.1f} ns a holder"
        )


def events(store: MarginStore, population: Population, chosen: argparse.Namespace) -> None:
    """Print the time of putting accounts again, in a batch and one by one."""
    count = min(chosen.accounts, 20_000)
    facts = list(population.accounts(count))
    batch = timed(lambda: store.put_many(facts))
    say(f"put_many of {count} accounts again: {batch / count * 1e6:.1f} us each")
    some = facts[:2000]
    single = timed(lambda: [store.put(account, scopes) for account, scopes in some])
    judged = timed(lambda: [store.judge_accounts([account]) for account, _ in some])
    say(f"put one by one {single / len(some) * 1e6:.1f} us, judge_accounts {judged / len(some) * 1e6:.1f} us")
    band = population.marks()[0]
    store.set_band(population.names[0], band * 8 / 10, band * 12 / 10)
    store.judge_all()
    say(f"full tick with a band {timed(store.judge_all) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
