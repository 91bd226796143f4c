"""Tests of crashes and faults at every call an instance makes of the log, one after the other, leaving none out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.app.gates import FAULTS, KILLS, WRITE_FAULTS, WRITE_KILLS, Fate
from tests.app.judge import Judge
from tests.app.lab import Running, World, new_world, virtual

MARKS = (95, 84, 100, 79, 93, 121)
"""A market that falls and recovers: wicks that only one message shows."""
TURN_SECONDS = 0.25
READERS = 3
"""Readers of an instance with two shards: the global inputs, and the accounts of each."""


async def by_prices_alone(world: World, turn: int) -> None:
    """Do one turn in which the chain of every account follows from the prices alone, in their order."""
    if turn == 3:
        price = {"symbol": "XUSDT", "mark_price": str(MARKS[turn]), "event_time_ms": world.now_ms()}
        world.put("mark_prices", "x", [{"symbol": "YUSDT"}, price])
    else:
        world.price(XUSDT=MARKS[turn])
    if turn == 1:
        world.put("mark_prices", "x", b"{")
        world.put("account_events", "a1", b'{"account_id": 7}')
    if turn == 2:
        world.instrument("XUSDT", "0.5")
    if turn == 4:
        world.put("mark_prices", "x", [{"symbol": "YUSDT", "mark_price": "-1", "event_time_ms": 1}])
        world.put("account_events", "nobody", b"[]", 0)
    if turn == 5:
        world.put("instruments", "XUSDT", b"nothing")


async def by_everything(world: World, turn: int) -> None:
    """Do one turn in which accounts, terms and prices move together."""
    await by_prices_alone(world, turn)
    world.account(f"a{turn % 4}", 190 + 30 * turn)
    if turn == 3:
        world.account("a0", positions={"XUSDT": (0, 100)})
        world.account("late", 100, positions={"XUSDT": (10, 95)}, snapshot=True)
        world.instrument("XUSDT", "0.5", confirm=True)
    if turn == 4:
        world.account("a2", deleted=True)
        world.put("account_events", "a3", {"account_id": "a3", "version": 99, "event_time_ms": 1, "positions": [{}]})
    if turn == 5:
        world.account("a2", 210, positions={"XUSDT": (-10, 100)}, snapshot=True)


Turn = Callable[[World, int], Any]


async def story(
    turn: Turn, plan: Callable[[int, str], Fate | None], accounts: int = 4, **overrides: Any
) -> tuple[World, Running]:
    """Run a short story under the eyes of one instance whose calls meet their fate; another is started when it dies.

    A story of prices alone begins where an earlier instance has judged: what follows must be told price by price.
    """
    world = await new_world(**overrides)
    world.opening(accounts)
    if turn is by_prices_alone:
        earlier = world.start()
        await world.until_quiet()
        await earlier.stop()
    first = world.start()
    first.gate.plan = plan
    for number in range(len(MARKS)):
        await world.pass_time(TURN_SECONDS)
        await turn(world, number)
        if first.gate.dead and first is world.instances[-1]:
            world.start()
    await world.pass_time(TURN_SECONDS)
    first.gate.close_book()
    if first.gate.dead and first is world.instances[-1]:
        world.start()
    await world.until_quiet()
    return world, first


def at(call: int, fate: Fate) -> Callable[[int, str], Fate | None]:
    """Return a plan with one fate at one call."""
    return lambda number, name: fate if number == call else None


@virtual
async def calls_of(turn: Turn, into: list[str], **overrides: Any) -> None:
    """Note the calls of an undisturbed story, which must be right."""
    world, first = await story(turn, lambda number, name: None, **overrides)
    Judge(world).check(exact=turn is by_prices_alone)
    into += first.gate.booked


@virtual
async def one_story(turn: Turn, call: int, fate: Fate, **overrides: Any) -> None:
    """Run the story with one fate and judge it."""
    world, _ = await story(turn, at(call, fate), **overrides)
    Judge(world).check(exact=turn is by_prices_alone)


def worth_trying(calls: list[str]) -> Iterable[tuple[int, str]]:
    """Return all calls but polls that come when every reader has polled since the last other call."""
    polls = 0
    for call, name in enumerate(calls, 1):
        polls = polls + 1 if name == "poll" else 0
        if polls <= READERS:
            yield call, name


def sweep(turn: Turn, fates: Callable[[str], Iterable[Fate]], **overrides: Any) -> None:
    """Run the story once for every call and every fate it may meet; report all that went wrong."""
    calls: list[str] = []
    calls_of(turn, calls, **overrides)
    wrong: list[str] = []
    for call, name in worth_trying(calls):
        for fate in fates(name):
            try:
                one_story(turn, call, fate, **overrides)
            except (AssertionError, TimeoutError) as error:
                wrong.append(f"call {call} ({name}), {fate.name}: {error!r:.600}")
    assert not wrong, f"{len(wrong)} stories went wrong of {len(calls)} calls\n" + "\n".join(wrong[:8])


def kills(name: str) -> Iterable[Fate]:
    """Return the ways to die at a call; dying after one that only reads is dying before the next."""
    return WRITE_KILLS if name == "write" else KILLS if name in ("fence", "join") else (Fate.DIE_BEFORE,)


def faults(name: str) -> Iterable[Fate]:
    """Return the faults a call may meet."""
    return WRITE_FAULTS if name == "write" else FAULTS if name == "fence" else (Fate.AWAY_BEFORE,)


def writing(name: str) -> Iterable[Fate]:
    """Return all that may happen where something is written, and nothing elsewhere."""
    return (*kills(name), *faults(name)) if name in ("write", "fence") else ()


def test_a_crash_at_any_call_changes_nothing() -> None:
    """Wherever an instance is killed, the next one tells every price that was missed, once and in order."""
    sweep(by_prices_alone, kills)


def test_a_fault_at_any_call_changes_nothing() -> None:
    """Whatever call of the log fails, with or without effect, the instance goes on and tells everything once."""
    sweep(by_prices_alone, faults)


def test_a_crash_amid_changing_accounts_and_terms_changes_nothing() -> None:
    """From the first start on, a kill at any call leaves chains that end where the last inputs end."""
    sweep(by_everything, kills)


def test_a_fault_of_any_write_amid_changing_accounts_and_terms_changes_nothing() -> None:
    """Refused, fenced or of unknown outcome: what a transaction says is told once, whatever it says."""
    sweep(by_everything, lambda name: faults(name) if name in ("write", "fence") else ())


@pytest.mark.parametrize("limits", [{"limits__max_transaction_records": 16}, {"limits__max_turn_scopes": 5}])
def test_a_step_of_several_transactions_may_be_cut_between_any_two(limits: dict[str, int]) -> None:
    """A message of more than one transaction, or turn, is told once for each account, wherever it is cut."""
    sweep(by_prices_alone, writing, accounts=14, partitions=1, **limits)
