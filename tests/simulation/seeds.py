"""One seed from beginning to end: its story is lived through, then judged; what came of it can be sent anywhere."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.draws import draw
from tests.simulation.judge import judge
from tests.simulation.loop import SeededLoop, simulated
from tests.simulation.story import Story


@dataclass(slots=True)
class Verdict:
    """Say what came of a seed; `complaints` is empty when all was right."""

    seed: int
    complaints: list[str]
    lines: list[str]
    tally: Counter[str]
    digest: str
    seconds: float = 0.0
    features: tuple[str, ...] = field(default=())


@contextmanager
def silent() -> Iterator[None]:
    """Let nothing be logged: what a story logs is not what it tells."""
    logger = logging.getLogger("monitor")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def live(seed: int) -> Verdict:
    """Live through a seed and judge it."""
    started = time.process_time()
    draws, tally = draw(seed), Counter[str]()
    complaints: list[str] = []
    loop = SeededLoop(seed)
    lines: list[str] = []
    trace: list[str] = []
    story: Story | None = None

    async def whole() -> None:
        nonlocal story
        story = Story(seed, draws, tally)
        await story.run()
        complaints.extend(judge(story))

    with silent(), simulated(loop, seed, draws.stutter):
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(whole())
        except Exception as error:  # noqa: BLE001 - whatever ends a story is the story's verdict
            complaints.append(f"the story ended in {type(error).__name__}: {error}")
            trace = traceback.format_exception(error)
    if story is not None:
        lines = story.lines + trace
        _count(story, tally)
    digest = digest_of(story)
    return Verdict(seed, complaints, lines, tally, digest, time.process_time() - started, draws.features)


def digest_of(story: Story | None) -> str:
    """Return a hash over the story and everything that was ever committed, in order."""
    hashed = hashlib.sha256()
    if story is not None:
        hashed.update("\n".join(story.lines).encode())
        for records in story.world.history:
            hashed.update(repr([tuple(record) for record in records]).encode())
    return hashed.hexdigest()


def _count(story: Story, tally: Counter[str]) -> None:
    world = story.world
    tally["instances"] += len(world.instances)
    tally["takeovers"] += sum(one.notes.takeovers for one in world.instances)
    tally["unjudged prices"] += sum(one.notes.unjudged_messages for one in world.instances)
    tally["transactions"] += sum(1 for records in world.history if records[-1].key == b"__meta__")
    tally["events"] += len(world.events())
    tally["dead letters"] += len(world.written("dead_letters"))
    tally["held instruments"] += len(world.quality("instrument_held"))
    tally["exact phases"] += sum(mark.exact for mark in story.marks)
