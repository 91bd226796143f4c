"""Tests of the chain memory: what is told, how it goes on, and its packed form."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.ladder import BY_RANK, MarginStatus
from monitor.core.told import NOT_SHOWN, UNTOLD, Remembered, Told, event_id, named_event_id, pack_memory, unpack_memory

HEALTHY, WATCH, WARNING = MarginStatus.HEALTHY, MarginStatus.WATCH, MarginStatus.WARNING
CRITICAL, BANKRUPT, UNKNOWN = MarginStatus.CRITICAL, MarginStatus.BANKRUPT, MarginStatus.UNKNOWN

NEWS = [
    (HEALTHY, HEALTHY, False),
    (HEALTHY, WATCH, True),
    (WATCH, WATCH, False),
    (WATCH, BANKRUPT, True),
    (BANKRUPT, HEALTHY, True),
    (HEALTHY, UNKNOWN, False),
    (WATCH, UNKNOWN, True),
    (BANKRUPT, UNKNOWN, True),
    (UNKNOWN, UNKNOWN, False),
    (UNKNOWN, WATCH, True),
    (UNKNOWN, HEALTHY, True),
]


@pytest.mark.parametrize(("told", "status", "news"), NEWS)
def test_what_is_news(told: MarginStatus, status: MarginStatus, news: bool) -> None:
    """A change is told; becoming unknown only where watch or worse was told, and only once."""
    assert Told(told, told if told is not UNKNOWN else WATCH, 1, 1).is_news(status) is news


CHAINS = [
    # what is told one after the other -> (last known, episode) after each
    ((WATCH, HEALTHY, WATCH), ((WATCH, 1), (HEALTHY, 1), (WATCH, 2))),
    ((WATCH, CRITICAL, WARNING, HEALTHY), ((WATCH, 1), (CRITICAL, 1), (WARNING, 1), (HEALTHY, 1))),
    ((WATCH, UNKNOWN, WATCH), ((WATCH, 1), (WATCH, 1), (WATCH, 1))),
    ((WARNING, UNKNOWN, HEALTHY, WATCH), ((WARNING, 1), (WARNING, 1), (HEALTHY, 1), (WATCH, 2))),
    ((CRITICAL, UNKNOWN, BANKRUPT), ((CRITICAL, 1), (CRITICAL, 1), (BANKRUPT, 1))),
]


@pytest.mark.parametrize(("statuses", "expected"), CHAINS)
def test_chains(statuses: tuple[MarginStatus, ...], expected: tuple[tuple[MarginStatus, int], ...]) -> None:
    """The sequence rises by one, unknown carries the last known status, an episode begins where healthy is left."""
    told = UNTOLD
    for number, (status, (last, episode)) in enumerate(zip(statuses, expected, strict=True), 1):
        told = told.after(status)
        assert (told.status, told.last_status, told.sequence, told.episode) == (status, last, number, episode)


def test_one_adl_watch_an_episode() -> None:
    """That adl_watch was sent is remembered through the episode, unknown included, and forgotten with it."""
    watched = UNTOLD.after(CRITICAL)._replace(adl_watched=True)
    for status in (BANKRUPT, WATCH, UNKNOWN):
        assert watched.after(status).adl_watched
    over = watched.after(HEALTHY)
    assert not over.adl_watched
    assert not over.after(CRITICAL).adl_watched


def test_a_scope_that_reopens_goes_on() -> None:
    """What was closed stands at healthy: when it comes back its sequence and episodes go on."""
    again = UNTOLD.after(WATCH).after(HEALTHY).after(CRITICAL)
    assert (again.sequence, again.episode) == (3, 2)


def test_ids() -> None:
    """An event's id is 32 hex digits of sha256 over account, scope and sequence; others are never the same."""
    assert event_id("a|1", "cross:USDT", 7) == hashlib.sha256(b"a|1\ncross:USDT\n7").hexdigest()[:32]
    assert named_event_id("a|1", "cross:USDT", "adl_watch", 7) != event_id("a|1", "cross:USDT", 7)


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
lines = st.builds(
    Remembered,
    st.builds(
        Told,
        st.sampled_from(BY_RANK),
        st.sampled_from(BY_RANK[:-1]),
        st.integers(0, 2**40),
        st.integers(0, 2**30),
        st.booleans(),
    ),
    st.sampled_from([*range(9), NOT_SHOWN]),
)


@given(st.dictionaries(names, lines, max_size=5))
def test_memory_comes_back(memory: dict[str, Remembered]) -> None:
    """What was packed is unpacked, whatever the scopes are called."""
    assert unpack_memory(pack_memory(memory)) == memory


def test_memory_of_another_version_is_refused() -> None:
    """Bytes in a form this version does not know are an error, not an empty memory."""
    with pytest.raises(ValueError, match="format '2'"):
        unpack_memory(b"2\x1ewhatever")
