"""Incidents played to the whole application: what was told with the gate, without it, and of a sound feed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.app.lab import new_world, virtual
from tests.quality.incidents import FALSE_PRICES, PEGGED, cliff, crash, xpl
from tests.quality.theatre import CALLED, Told, play, play_collateral, read_back


def check_chains(told: Told) -> None:
    """Check that sequences count from 1 without gap or repetition, and that each event follows from its evidence."""
    sequences: dict[str, list[int]] = {}
    for event in told.events:
        sequences.setdefault(event["account_id"], []).append(event["sequence"])
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())
    assert not told.differing


@pytest.mark.parametrize("number", range(len(FALSE_PRICES)))
@virtual
async def test_a_false_price_calls_nobody(number: int) -> None:
    """An incident is told of, and nobody is called whom a sound feed would not have called."""
    incident = FALSE_PRICES[number]()
    told, sound = await play(incident), await play(incident, sound=True)
    assert told.flagged_ms is not None
    assert not told.called_ms.keys() - sound.called_ms.keys(), incident.name
    check_chains(told)


@virtual
async def test_without_the_gate_they_would_have_been_called() -> None:
    """The same feed calls accounts where no gate stands: what is shown above is the gate's doing."""
    told = await play(xpl(), quality__enabled=False)
    assert told.called_ms
    assert not told.quality


@pytest.mark.parametrize("number", range(len(FALSE_PRICES)))
@virtual
async def test_good_prices_are_judged_as_without_the_gate(number: int) -> None:
    """A sound feed has the same chains with the gate as without it: what is not quarantined is not touched."""
    incident = FALSE_PRICES[number]()
    told, plain = await play(incident, sound=True), await play(incident, sound=True, quality__enabled=False)
    assert chains(told) == chains(plain) != set()
    assert told.called_ms == plain.called_ms


@virtual
async def test_a_crash_that_its_index_confirms_is_not_delayed() -> None:
    """A true fall by a fifth in a minute calls everybody at the second at which no gate would have."""
    incident = crash()
    told, plain = await play(incident), await play(incident, quality__enabled=False)
    assert told.called_ms == plain.called_ms != {}
    check_chains(told)


@virtual
async def test_a_crash_without_an_index_is_delayed_and_not_hidden() -> None:
    """A fall from one second to the next calls everybody it calls without the gate, later by the delay at most."""
    incident = cliff()
    told, plain = await play(incident), await play(incident, quality__enabled=False)
    assert told.called_ms.keys() == plain.called_ms.keys() != set()
    late_ms = [told.called_ms[name] - at_ms for name, at_ms in plain.called_ms.items()]
    assert 0 < min(late_ms) <= max(late_ms) <= 5_000 + 1_000, "the delay, and the next message"
    check_chains(told)


@virtual
async def test_dislocated_collateral_calls_nobody() -> None:
    """Three assets far below redemption on one venue call nobody whom their redemption would not have called.

    Also through a takeover in the middle of it; without the gate they call many.
    """
    told, sound = await play_collateral(sound=False, kill_at=14), await play_collateral(sound=True)
    assert told.flagged_ms is not None
    assert not told.called_ms.keys() - sound.called_ms.keys()
    check_chains(told)
    lines = [(line["asset"], line["verdict"]) for line in told.quality if line["kind"] == "asset_quality"]
    assert sorted(lines) == sorted([(name, verdict) for name in PEGGED for verdict in ("bad", "good")])
    plain = await play_collateral(sound=False, quality__enabled=False)
    assert len(plain.called_ms.keys() - sound.called_ms.keys()) > 5


@virtual
async def test_a_delay_that_is_over_is_noticed_by_any_message() -> None:
    """A crash told by a single message is judged with the next of another symbol once its delay is over, not before."""
    world = await new_world(partitions=1, quality__enabled=True)
    world.instrument("OTHERUSDT")
    world.opening(2)
    one = world.start()
    for _ in range(2):
        world.price(XUSDT=100, OTHERUSDT=50)
        await world.pass_time(1)
    await world.until_quiet()
    before = len(world.events())
    world.price(XUSDT=40)
    for second in range(1, 8):
        await world.pass_time(0.8)
        world.price(OTHERUSDT=50 + second)
        await world.pass_time(0.2)
        called = {event["status"] for event in world.events()[before:]} & set(CALLED)
        assert bool(called) is (second >= 6), f"after {second} s: {called}"
    await one.stop()
    check_chains(read_back(world))


@virtual
async def test_a_takeover_in_a_quarantine_loses_and_doubles_nothing() -> None:
    """Whoever takes over while a price is quarantined tells what the first owner would have told, each once."""
    for incident, second in ((xpl(), 20), (cliff(), 2)):
        told, whole = await play(incident, kill_after=second), await play(incident)
        check_chains(told)
        assert told.called_ms.keys() == whole.called_ms.keys()
        assert chains(told) == chains(whole)
        lines = Counter((line["symbol"], line["origin"]["offset"]) for line in told.quality)
        assert lines == Counter((line["symbol"], line["origin"]["offset"]) for line in whole.quality)
        assert max(lines.values()) == 1


def chains(told: Told) -> set[tuple[str, int, str]]:
    """Return what each account was told, in order."""
    return {(event["account_id"], event["sequence"], event["status"]) for event in told.events}
