"""The gate at work: `recorded` counts false alarms on the recorded series, `incidents` plays what venues have done.

`oracle` compares it with one that looks everything up anew, `cost` times it.

Each prints a verdict and ends with exit code 0 or 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

from monitor.core.inputs import Origin
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.settings import QualitySettings
from tests.app.lab import VirtualLoop
from tests.quality.cost import measure
from tests.quality.incidents import FALSE_PRICES, TRUE_CRASHES
from tests.quality.recorded import FOLDER, messages_of
from tests.quality.test_gate import begun_later, by_both
from tests.quality.theatre import Told, play, play_collateral


def recorded(folder: Path, step_ms: int) -> int:
    """Judge the recorded series, and print how many of its prices would be doubted, and how many quarantined."""
    if not folder.is_dir():
        print(f"skipped: there are no recorded series at {folder}")
        return 0
    gate, counted, quarantined, prices = PartitionGate(QualitySettings()), Counter[str](), 0, 0
    spent, messages = 0.0, messages_of(folder, step_ms)
    for offset, (log_ms, updates) in enumerate(messages):
        started = time.process_time()
        qualities, _ = gate.judge(updates, Origin("mark-prices", 0, offset), log_ms)
        spent += time.process_time() - started
        prices += len(qualities)
        quarantined += sum(not quality.is_believed for quality in qualities)
        counted.update(reason for quality in qualities for reason in quality.reasons)
    print(f"{prices} prices of {len(messages)} messages, one every {step_ms} ms, {spent / prices * 1e6:.1f} µs each")
    print(f"doubted: {dict(counted) or 'none'}")
    print(f"false-positive rate: {quarantined} quarantined of {prices} ({quarantined / prices:.4%})")
    return int(quarantined > 0)


def compared(seeds: range) -> int:
    """Compare the gate with the oracle, and with itself begun elsewhere; print how many verdicts, and who differs."""
    prices, pairs, differing = 0, 0, []
    for seed in seeds:
        found, expected = by_both(seed)
        both = begun_later(seed)
        prices, pairs = prices + len(found), pairs + len(both)
        if found != expected or any(one != other for one, other in both):
            differing.append(seed)
    print(f"seeds {seeds.start}..{seeds.stop - 1}: {prices} verdicts beside the oracle's, {pairs} of gates begun later")
    print(f"differing: {differing or 'none'}")
    return int(bool(differing))


async def incidents() -> int:
    """Play every incident with the gate, without it, and with a sound feed; print who was called."""
    wrong = 0
    for make in FALSE_PRICES:
        incident = make()
        told, sound = await play(incident), await play(incident, sound=True)
        wrong += _said(incident.name, told, await play(incident, quality__enabled=False), sound)
    told, sound = await play_collateral(sound=False), await play_collateral(sound=True)
    plain = await play_collateral(sound=False, quality__enabled=False)
    wrong += _said("collateral of 2025-10-10", told, plain, sound)
    for make in TRUE_CRASHES:
        incident = make()
        told, plain = await play(incident), await play(incident, quality__enabled=False)
        late = [told.called_ms.get(name, sys.maxsize) - at_ms for name, at_ms in plain.called_ms.items()]
        is_bad = told.called_ms.keys() != plain.called_ms.keys() or max(late) > QualitySettings().delay_ms + 1_000
        wrong += is_bad
        print(f"{incident.name}: {len(told.called_ms)} called, {max(late) / 1000:.2f} s later than without it at most")
    print(
        "all incidents are stopped, no crash is hidden" if not wrong else f"{wrong} of these are not as they should be"
    )
    return int(wrong > 0)


def _said(name: str, told: Told, plain: Told, sound: Told) -> int:
    wrongly = told.called_ms.keys() - sound.called_ms.keys()
    flagged = "never" if told.flagged_ms is None else f"after {told.flagged_ms / 1000:.2f} s"
    print(
        f"{name}: flagged {flagged}; called {len(told.called_ms)} with the gate, {len(plain.called_ms)} without, "
        f"{len(sound.called_ms)} with a sound feed; {len(wrongly)} wrongly; {len(told.differing)} events not verified"
    )
    return int(bool(wrongly) or told.flagged_ms is None or bool(told.differing))


def main() -> int:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality", description=__doc__)
    parser.add_argument("part", choices=["recorded", "incidents", "oracle", "cost"])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the recorded series lie")
    parser.add_argument("--step-ms", type=int, default=1_000, help="how often a price is taken from them")
    parser.add_argument("--seeds", type=int, default=60, help="of `oracle`")
    parser.add_argument("--rounds", type=int, default=15, help="of `cost`")
    parser.add_argument("--seed", type=int, default=1, help="of the prices of `cost`")
    args = parser.parse_args()
    if args.part == "cost":
        return measure(args.rounds, 40, args.seed)
    if args.part == "oracle":
        return compared(range(args.seeds))
    if args.part == "recorded":
        return recorded(args.folder, args.step_ms)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(incidents())


if __name__ == "__main__":
    sys.exit(main())
