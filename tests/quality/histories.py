"""Seeded price histories of one partition: quiet markets, and whatever a broken source makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from monitor.core.inputs import Origin
from monitor.core.prices import PriceUpdate
from monitor.core.quality.gate import PartitionGate
from monitor.core.quality.judging import Quality
from tests.quality.oracle import Said

START_MS = 1_700_000_017_300


def drawn(rng: Random, minutes: int, symbols: int, troubles: int, venues: int = 0) -> list[Said]:
    """Return some minutes of a market of a few symbols, with troubles that begin and end at random.

    `venues`: so many others price the first symbol as well; troubles befall that alone.
    """
    end_ms = START_MS + minutes * 60_000
    prices = {f"S{number}": 10 ** rng.uniform(-4, 5) for number in range(symbols)}
    begun = [(rng.choice(_TROUBLES), rng.choice(list(prices)), rng.uniform(0, minutes)) for _ in range(troubles)]
    spans = [(kind, name, START_MS + at * 60_000, rng.expovariate(1 / 90_000)) for kind, name, at in begun]
    history: list[Said] = []
    log_ms, step_ms = START_MS, rng.choice([300, 1_000, 3_000, 8_000])
    frozen: dict[str, float] = {}
    while log_ms < end_ms:
        others = [f"S0@{number}" for number in range(venues) if rng.random() < 0.9]
        history += [_said(name, prices["S0"] * (1 + rng.gauss(0, 0.0005)), log_ms, rng) for name in others]
        for name, price in list(prices.items()):
            prices[name] = price * (1 + rng.gauss(0, 0.0004))
            said = _said(name, prices[name], log_ms, rng)
            for kind, victim, begin, lasts in spans:
                if victim == name and begin <= log_ms < begin + lasts:
                    said = _troubled(kind, said, prices, frozen, rng)
            if said.mark:
                history.append(said)
        pause = rng.random()
        log_ms += rng.randint(0, 2 * step_ms) if pause < 0.998 else rng.randint(0, 1_200_000)
    return history


_TROUBLES = ("spike", "crash", "true_crash", "unit", "pinned", "stuck", "late", "no_index", "far", "silent")
"""`silent`, a mark of 0, is said by nobody."""


def _said(name: str, price: float, log_ms: int, rng: Random) -> Said:
    return Said(log_ms, log_ms - rng.randint(0, 3) // 3, name, price, price * (1 + rng.gauss(0.0002, 0.0001)))


def _troubled(kind: str, said: Said, prices: dict[str, float], frozen: dict[str, float], rng: Random) -> Said:
    index = said.index or said.mark
    found = said
    match kind:
        case "spike" if rng.random() < 0.2:
            found = said._replace(mark=said.mark * rng.choice([0.5, 0.9, 1.2, 4]))
        case "crash":
            found = said._replace(mark=said.mark * 0.8)
        case "true_crash":
            prices[said.symbol] *= 0.985
        case "unit":
            found = said._replace(mark=said.mark * 100, index=index * rng.choice([1, 100]))
        case "pinned":
            prices[said.symbol] *= 1.004
            found = said._replace(index=frozen.setdefault(said.symbol, index))
        case "stuck":
            prices[said.symbol] *= 1.0005
            found = said._replace(mark=frozen.setdefault(f"mark of {said.symbol}", said.mark))
        case _:
            found = said._replace(**_OF_FIELDS.get(kind, lambda said: {})(said))
    return found


_OF_FIELDS: dict[str, Callable[[Said], dict[str, Any]]] = {
    "late": lambda said: {"event_ms": said.event_ms - 5_000},
    "no_index": lambda _: {"index": None},
    "far": lambda said: {"index": said.mark * 0.9},
    "silent": lambda _: {"mark": 0.0},
}


def stated(said: Said) -> PriceUpdate:
    """Return what a message says of one price."""
    index = None if said.index is None else Decimal(said.index)
    return PriceUpdate(said.symbol, Decimal(said.mark), index, None, None, said.event_ms)


def judged(gate: PartitionGate, history: Sequence[Said], first: int = 0) -> list[Quality]:
    """Return what a gate says of each price, one message each."""
    found: list[Quality] = []
    for offset, said in enumerate(history, first):
        qualities, _ = gate.judge((stated(said),), Origin("mark-prices", 0, offset), said.log_ms)
        found += qualities
    return found
