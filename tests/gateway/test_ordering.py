"""The order of chains over several topics, whatever order a reader finds them in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from monitor.app.gateway.ordering import Item, Ordering
from monitor.app.gateway.places import Places
from monitor.app.gateway.stalls import Stalls
from monitor.app.gateway.standings import Board
from monitor.app.gateway.views import EventView, StatusView
from monitor.app.ports import TopicPartition

PLACES = Places(("m", "l", "a"), "s", 2)
STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=40)


def written(steps: list[tuple[int, int, bool]]) -> list[list[Item]]:
    """Return the records of each place as a writer for each partition wrote them; a step: account, topic, shown."""
    places: list[list[Item]] = [[] for _ in PLACES.all]
    sequences: dict[int, int] = defaultdict(int)
    for number, (account, topic, shows) in enumerate(steps):
        sequences[account] += 1
        name, sequence, partition = f"a{account}", sequences[account], account % 2
        event = EventView(name, "x", sequence, "watch", 1, 1, "", None, b"{}")
        index = partition * PLACES.width + topic
        places[index].append(Item(index, len(places[index]), number, event))
        if shows:
            index = partition * PLACES.width + 3
            status = StatusView(name, "x", sequence, 1, "", None, b"{}")
            places[index].append(Item(index, len(places[index]), number, status))
    return places


@given(STEPS, st.randoms(use_true_random=False))
def test_any_interleaving_of_the_topics_gives_the_chains_in_order(
    steps: list[tuple[int, int, bool]], dice: object
) -> None:
    """All records come out, by themselves; each topic in its order, each chain without a gap, no status too early."""
    board = Board(PLACES.partitions, 100)
    ordering = Ordering(PLACES, board)
    places = written(steps)
    left = [list(place) for place in places]
    out: list[Item] = []
    while any(left):
        place = dice.choice([place for place in left if place])  # type: ignore[attr-defined]
        for item in ordering.feed(place.pop(0)):
            out.append(item)
            if isinstance(item.view, EventView):
                board.put_event(item.view, item.index // PLACES.width, b"{}")
            else:
                board.put_status(item.view, item.index // PLACES.width, item.offset)
    assert not ordering.blocked()
    for index, place in enumerate(places):
        assert [item for item in out if item.index == index] == place
    told: dict[str, int] = defaultdict(int)
    for item in out:
        name, sequence = item.view.account_id, item.view.sequence
        if isinstance(item.view, EventView):
            assert sequence == told[name] + 1
            told[name] = sequence or 0
        else:
            assert (sequence or 0) <= told[name]


class Shelf:
    """A reader of which only positions, ends and open transactions are told."""

    def __init__(self) -> None:
        self.read = self.open = 0

    def position(self, where: TopicPartition) -> int:
        """Return how far is read."""
        return self.read

    def unresolved(self, where: TopicPartition) -> int:
        """Return what waits behind an open transaction."""
        return self.open

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the ends."""
        return dict.fromkeys(partitions, 5)


async def test_waiting_ends_only_when_nothing_can_come() -> None:
    """Not before all that stood there is read, not while a transaction is open, and then a moment later."""
    shelf, now = Shelf(), [0.0]
    stalls = Stalls(PLACES, shelf, 0.5, lambda: now[0])  # type: ignore[arg-type]

    async def over(seconds: float) -> list[int]:
        now[0] += seconds
        return await stalls.over({1})

    assert await over(0) == []
    assert await over(9) == []
    shelf.read = 5
    assert await over(0) == []
    assert await over(0.4) == []
    shelf.open = 1
    assert await over(0.4) == []
    shelf.open = 0
    assert await over(0) == []
    assert await over(0.4) == []
    assert await over(0.2) == [1]
    assert await stalls.over(set()) == []
