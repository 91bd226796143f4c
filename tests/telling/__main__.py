"""`python -m tests.telling`: what a change of status costs in CPU time, by stage and by how bad it is.

`--digest` prints a hash of every record written instead: two versions of the code write the same where it is the same.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import sys

from monitor.app.ports import OutputRecord
from monitor.cli.warm import warm
from tests.telling.book import RATIOS
from tests.telling.stages import STAGES, Clock
from tests.telling.storm import Findings, Storm


def hash_of(records: list[OutputRecord]) -> str:
    """Return a hash over topic, key and value of records, in their order."""
    found = hashlib.sha256()
    for record in records:
        found.update(f"{record.topic}|{record.key!r}|{record.value!r}\n".encode())
    return found.hexdigest()[:32]


def measured(options: argparse.Namespace, kind: str) -> tuple[Findings, Findings, Clock]:
    """Return the cheapest of some storms of a kind, the cheapest told the plain way, and the stages of another one."""
    storm = Storm(options.seed, kind, options.accounts, options.positions, funding=options.funding)
    gc.collect()
    gc.freeze()
    store, found = storm.engine.store, {True: list[Findings](), False: list[Findings]()}
    for _ in range(options.repeat):
        for quick in (True, False):
            store.uses_numba = quick
            found[quick].append(storm.break_loose())
            store.uses_numba = True
            storm.forget()
    clock = Clock()
    if options.stages:
        storm.break_loose(clock)
    best, plain = (min(found[quick], key=lambda one: one.judging) for quick in (True, False))
    return best, plain, clock


def table(kinds: list[str], found: dict[str, tuple[Findings, Findings, Clock]]) -> str:
    """Return the costs in microseconds a change."""
    lines = ["microseconds of CPU a change" + "".join(f"{kind:>14}" for kind in kinds)]

    def line(name: str, figures: list[float], digits: int = 1) -> None:
        lines.append(f"{name:28}" + "".join(f"{figure:14.{digits}f}" for figure in figures))

    costs, plain = [found[kind][0] for kind in kinds], [found[kind][1] for kind in kinds]
    line("judging and records", [one.judging / one.changes * 1e6 for one in costs])
    line("the same, the plain way", [one.judging / one.changes * 1e6 for one in plain])
    line("times cheaper", [other.judging / one.judging for one, other in zip(costs, plain, strict=True)])
    line("committing (embedded)", [one.committing / one.changes * 1e6 for one in costs])
    if any(found[kind][2].seconds for kind in kinds):
        for stage in STAGES:
            spent = [found[kind][2].seconds[stage] / found[kind][0].changes * 1e6 for kind in kinds]
            if any(spent):
                line(f"  {stage}", spent)
    line("changes", [one.changes for one in costs], 0)
    line("records a change", [sum(one.records.values()) / one.changes for one in costs], 2)
    line("bytes a change", [sum(one.sizes.values()) / one.changes for one in costs], 0)
    line("transactions", [one.transactions for one in costs], 0)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run storms of every kind and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.telling", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=1_000, help="of each kind")
    parser.add_argument("--positions", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", default=list(RATIOS), choices=list(RATIOS))
    parser.add_argument("--funding", action="store_true", help="prices come with a funding rate")
    parser.add_argument("--no-stages", dest="stages", action="store_false")
    parser.add_argument("--digest", action="store_true")
    options = parser.parse_args()
    if options.digest:
        for kind in options.kinds:
            storm = Storm(options.seed, kind, options.accounts, options.positions, funding=options.funding)
            sys.stdout.write(f"{kind:12} {hash_of(storm.break_loose().outputs)}\n")
        return 0
    warm()
    found = {kind: measured(options, kind) for kind in options.kinds}
    sys.stdout.write(table(options.kinds, found))
    repeat = f"python -m tests.telling --seed {options.seed} --accounts {options.accounts}"
    sys.stdout.write(f"seed {options.seed}; again: {repeat} --positions {options.positions}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
