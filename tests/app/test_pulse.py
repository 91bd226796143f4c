"""Tests of the pulse: what a late loop and a long piece of kernel work lead to, decided without threads or timers."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from monitor.app.alarms import Alarms, Watchdog
from monitor.app.observing import SilentObserver
from monitor.app.pulse import Pulse, TermEnded
from tests.app.lab import new_world, virtual

LATE, LOST, KERNEL, HOLD = 3.0, 6.0, 10.0, 15.0


class Clock:
    """A pulse under a clock that is set by hand; the group has confirmed us `confirmed` seconds ago."""

    def __init__(self) -> None:
        self.now = 100.0
        self.alarms = Alarms(SilentObserver(), HOLD)
        self.pulse = Pulse(lambda: self.now, self.alarms, LATE, LOST, KERNEL)
        self.beat()

    def beat(self, confirmed: float = 0.05) -> float:
        """Have the loop turn."""
        return self.pulse.beat(self.now + 0.1, confirmed)

    def stand_still(self, seconds: float) -> None:
        """Have the loop be so late for its next turn; nobody looks."""
        self.now += 0.1 + seconds

    def look(self) -> None:
        """Look as the thread does."""
        self.pulse.look(self.now)

    def may_emit(self) -> bool:
        """Return whether a transaction would be begun at once."""
        return self.pulse._may_emit.is_set()


@pytest.fixture
def clock() -> Clock:
    """Return a pulse that has beaten once."""
    return Clock()


def test_a_loop_that_is_on_time_is_no_alarm(clock: Clock) -> None:
    """Small lateness is told to whoever asks and changes nothing."""
    clock.stand_still(LATE - 0.1)
    clock.look()
    assert clock.beat() == pytest.approx(LATE - 0.1)
    assert (clock.may_emit(), clock.pulse.term, clock.alarms.not_live(clock.now)) == (True, 0, [])


def test_a_late_loop_stops_emitting_until_the_group_has_confirmed_us(clock: Clock) -> None:
    """From half a session on nothing is begun; a confirmation from before the return does not count."""
    clock.stand_still(LATE)
    clock.look()
    assert not clock.may_emit()
    clock.beat(confirmed=0.2)
    for _ in range(5):
        clock.now += 0.1
        clock.beat(confirmed=2.0)
    assert not clock.may_emit(), "the group has not been heard of since"
    clock.now += 0.1
    clock.beat(confirmed=0.3)
    assert (clock.may_emit(), clock.pulse.term) == (True, 0)


def test_a_group_that_does_not_confirm_begins_a_new_term(clock: Clock) -> None:
    """Emitting does not wait for ever: after a session without confirmation the fences have to prove who owns what."""
    clock.stand_still(LATE)
    clock.beat(confirmed=9.0)
    for _ in range(70):
        clock.now += 0.1
        clock.beat(confirmed=90.0)
    assert (clock.may_emit(), clock.pulse.term) == (True, 1)


def test_a_loop_that_outlasts_the_session_loses_all_shards_once(clock: Clock) -> None:
    """However often it is looked at, one standstill ends one term; the next one ends the next."""
    clock.stand_still(LOST)
    for _ in range(5):
        clock.look()
        clock.now += 1
    clock.beat()
    assert (clock.pulse.term, clock.may_emit()) == (1, True)
    clock.stand_still(LOST)
    clock.beat()
    assert clock.pulse.term == 2


def test_nobody_has_to_look_for_a_transaction_to_be_refused(clock: Clock) -> None:
    """What is first to run after a standstill may be a commit: it sees for itself that its term is over."""
    clock.stand_still(LOST)

    async def begin() -> None:
        async with asyncio.timeout(0.01):
            await clock.pulse.permit(0)

    with pytest.raises(TimeoutError):
        asyncio.run(begin())
    clock.beat()
    with pytest.raises(TermEnded):
        clock.pulse.check(0)
    clock.pulse.check(1)


def test_a_late_loop_fails_liveness_and_for_a_while_after(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A probe between two standstills must not hear that all is well; one line is logged at each end."""
    clock.stand_still(LATE)
    for _ in range(3):
        clock.look()
        clock.now += 1
    assert "stood still for" in clock.alarms.not_live(clock.now)[0]
    clock.beat()
    clock.beat()
    assert clock.alarms.not_live(clock.now)[0].startswith("until 0.0 s ago: the event loop has stood still")
    assert clock.alarms.not_ready(clock.now) == clock.alarms.not_live(clock.now)
    assert clock.alarms.not_live(clock.now + HOLD - 0.1) != []
    assert clock.alarms.not_live(clock.now + HOLD) == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_rest_is_no_standstill(clock: Clock) -> None:
    """An instance that stops beats no more, and is not called stuck."""
    clock.pulse.rest()
    clock.now += 100
    clock.look()
    assert (clock.alarms.not_live(clock.now), clock.pulse.term) == ([], 0)


def test_long_work_in_the_kernel_thread_fails_liveness(clock: Clock) -> None:
    """A piece of work beyond its budget is seen while it lasts, and over when it ends, also by an error."""
    seen: list[list[str]] = []

    def work() -> None:
        for seconds in (KERNEL - 1, 1.0):
            clock.now += seconds
            clock.pulse._due = None
            clock.look()
            seen.append(clock.alarms.not_live(clock.now))
        raise RuntimeError("work failed")

    with pytest.raises(RuntimeError, match="work failed"):
        clock.pulse.work(work)
    assert seen == [[], ["the kernel thread has worked on one piece for 10 s"]]
    clock.look()
    assert clock.alarms.not_live(clock.now)[0].startswith("until 0.0 s ago")
    assert clock.alarms.not_live(clock.now + HOLD) == []


def test_what_only_alarms_does_not_ask_for_a_restart(clock: Clock) -> None:
    """Watchdogs whose cause lies outside the process fail readiness and leave liveness alone."""
    for kind in set(Watchdog) - {Watchdog.EVENT_LOOP, Watchdog.KERNEL}:
        clock.alarms.settle(kind, {"x": kind.value}, clock.now)
    assert clock.alarms.not_live(clock.now) == []
    assert len(clock.alarms.not_ready(clock.now)) == len(Watchdog) - 2


@virtual
async def test_after_a_standstill_all_shards_are_taken_over_anew() -> None:
    """The client does not tell that the group gave our shards away meanwhile: each is fenced and restored again."""
    world = await new_world(watchdog__loop_late_ms=300, watchdog__loop_lost_ms=600)
    world.opening()
    one = world.start()
    await world.until_quiet()
    before = one.notes.takeovers
    selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    selector.now += 0.5
    await world.pass_time(2)
    assert one.notes.takeovers == before, "late is not lost"
    selector.now += 0.8
    await world.pass_time(3)
    await world.until_ready()
    assert one.notes.takeovers == before + 2
    world.price(XUSDT=84)
    await world.until(lambda: world.chain("a0") == ["takeover"], 2)
