"""The parts of the bench, each of which can be run by itself.

A part is built from a context, says what is unequal, and only then measures. `PARTS` lists them in the order they run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bench.parts.context import Context, Part
from bench.parts.events import AccountEvents
from bench.parts.fallback import Fallback
from bench.parts.full import FullTick
from bench.parts.mixes import MixedTicks
from bench.parts.peers import Peers
from bench.parts.portfolio import PortfolioTick
from bench.parts.single import SingleTick
from bench.parts.streams import Streams
from bench.parts.threads import KernelThreads

PARTS: Final[Mapping[str, Callable[[Context], Part]]] = {
    "full": FullTick,
    "single": SingleTick,
    "portfolio": PortfolioTick,
    "mixes": MixedTicks,
    "events": AccountEvents,
    "numpy": Fallback,
    "threads": KernelThreads,
    "peers": Peers,
    "streams": Streams,
}
LATE: Final = frozenset({"streams"})
"""Parts that start programs which run on by themselves: they have their turn when the others have been timed."""
