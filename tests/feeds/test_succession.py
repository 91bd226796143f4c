"""Tests of the succession of connections, by hand and in made-up lives: no socket, no clock, no chance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.app.venue_feed.ports import Ending, LineFault
from monitor.app.venue_feed.succession import End, Open, Patience, Succession

LIMITS = Patience(connect=10, life=1000, backoff=1, max_backoff=30, rate_limit=60)
DEADLINES = {"a": 10.0, "b": 10.0}
LOST = LineFault(Ending.CLOSED, "lost")


def new() -> Succession:
    """Return a succession of two streams, whose draws of chance are all the greatest."""
    return Succession(DEADLINES, LIMITS, lambda: 1.0)


def flowing(at: float = 0.0) -> Succession:
    """Return one whose first connection has been heard on both streams."""
    one = new()
    assert one.due(at) == [Open(1)]
    one.begun(1, at)
    for stream in DEADLINES:
        one.heard(1, stream, at)
    return one


def test_waits_double_up_to_the_longest() -> None:
    """Each failure doubles the wait until the longest; nothing is due before it is over."""
    one, now, waits = new(), 0.0, []
    for _ in range(8):
        [command] = one.due(now)
        assert isinstance(command, Open)
        one.ended(command.number, LOST, now)
        waits.append(one.next_due(now))
        assert one.due(now + waits[-1] - 0.001) == []
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_jitter_takes_up_to_half_of_a_wait() -> None:
    """Chance shortens a wait, by half at most, so that many feeds do not come back at one moment."""
    one = Succession(DEADLINES, LIMITS, lambda: 0.0)
    one.due(0)
    one.ended(1, LOST, 0)
    assert one.next_due(0) == 0.5


def test_only_a_connection_that_lived_long_makes_up_for_failures() -> None:
    """A venue that accepts, says one thing and closes is not hammered: the waits go on growing."""
    one, now = new(), 0.0
    for expected in (1, 2, 4, 8):
        [command] = one.due(now)
        one.begun(command.number, now)
        one.heard(command.number, "a", now)
        one.heard(command.number, "b", now)
        one.ended(command.number, LOST, now)
        assert one.next_due(now) == expected
        now += expected
    [command] = one.due(now)
    one.begun(command.number, now)
    one.ended(command.number, LOST, now + 30)
    assert one.next_due(now + 30) == 1


def test_a_rate_limit_outweighs_the_backoff() -> None:
    """The venue's wish counts where it states one, else the configured wait, never less than the backoff."""
    for retry_after, expected in ((7.0, 7.0), (None, 60.0), (0.0, 1.0)):
        one = new()
        one.due(0)
        one.ended(1, LineFault(Ending.RATE_LIMITED, "429", retry_after), 0)
        assert one.next_due(0) == expected


def test_a_connection_that_does_not_come_is_given_up() -> None:
    """What is not open and answered in time is ended, and counts as a failure."""
    one = new()
    one.due(0)
    assert one.due(9.9) == []
    assert one.due(10) == [End(1, Ending.UNREACHABLE)]
    assert one.due(11) == [Open(2)]


def test_a_connection_in_which_nothing_flows_is_ended_at_once() -> None:
    """Both streams silent: there is nothing to lose, and the next connection is opened after the backoff."""
    one = flowing()
    assert one.due(9.9) == []
    assert one.due(10) == [End(1, Ending.SILENT)]
    assert one.silent(10) == ["a", "b"]
    assert one.due(11) == [Open(2)]


def test_a_half_silent_connection_goes_when_its_successor_is_whole() -> None:
    """One stream silent: the old connection stays until the new one is heard on every stream."""
    one = flowing()
    one.heard(1, "a", 10)
    assert one.silent(10) == ["b"]
    assert one.due(10) == [Open(2)]
    one.begun(2, 10)
    one.heard(2, "a", 10)
    assert one.due(11) == []
    one.heard(2, "b", 11)
    assert one.due(11) == [End(1, Ending.REPLACED)]
    assert one.silent(11) == []


def test_a_successor_that_is_no_better_is_dropped() -> None:
    """Where the venue itself is silent on a stream the old connection stays, and attempts wait ever longer."""
    one = flowing()
    one.heard(1, "a", 10)
    one.due(10)
    one.begun(2, 10)
    for second in range(10, 21):
        one.heard(1, "a", second)
        one.heard(2, "a", second)
    assert one.due(20) == [End(2, Ending.SILENT)]
    assert one.due(20.9) == []
    assert one.due(21) == [Open(3)]


def test_an_aged_connection_is_replaced_by_one_that_hears_as_much() -> None:
    """At the end of its life a connection goes even while a stream is silent everywhere: the venue would cut it off."""
    one = flowing()
    for second in range(1001):
        one.heard(1, "a", second)
    one._retry_at = 0.0  # the silent stream has been tried for before
    opened = [command for command in one.due(1000) if isinstance(command, Open)]
    [successor] = opened
    one.begun(successor.number, 1000)
    for second in range(1000, 1011):
        one.heard(1, "a", second)
        one.heard(successor.number, "a", second)
    assert one.due(1010) == [End(1, Ending.REPLACED)]


EVENTS = st.lists(
    st.tuples(st.sampled_from(["begin", "a", "b", "lose", "wait"]), st.booleans(), st.floats(0, 15)), max_size=60
)


@given(EVENTS)
def test_whatever_happens_there_are_two_connections_at_most_and_always_one_coming(
    events: list[tuple[str, bool, float]],
) -> None:
    """In any life: never more than two connections; what flows is never ended for a worse; one is always due."""
    one, now = new(), 0.0
    lines: dict[int, dict[str, float]] = {}
    for kind, youngest, seconds in events:
        if lines:
            number = max(lines) if youngest else min(lines)
            if kind == "begin":
                one.begun(number, now)
            elif kind in DEADLINES:
                one.heard(number, kind, now)
                lines[number][kind] = now
            elif kind == "lose":
                one.ended(number, LOST, now)
                del lines[number]
        now += seconds
        for command in one.due(now):
            if isinstance(command, Open):
                lines[command.number] = {}
            else:
                gone = lines.pop(command.number)
                if command.ending is Ending.REPLACED:
                    fresh = {name for name, at in gone.items() if now - at < DEADLINES[name]}
                    assert fresh <= lines[max(lines)].keys()
        assert len(lines) <= 2
        rest = one.next_due(now)
        assert 0 <= rest <= max(LIMITS.max_backoff, LIMITS.life)
        if not lines:
            assert [Open] == [type(command) for command in one.due(now + rest)], "a next attempt is always due"
            lines[one._count] = {}
