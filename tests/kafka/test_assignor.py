"""The assignor shares what is subscribed, prefers younger claims, and never raises, whatever members say."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

from monitor.adapters.kafka.assignor import StickyAssignor


class Cluster:
    """Know how many partitions topics have."""

    def __init__(self, **counts: int) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Return the partitions as the client's metadata does."""
        return set(range(self._counts[topic])) if topic in self._counts else None


def _given(assignment: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    return {name: {topic: list(parts) for topic, parts in one.assignment} for name, one in assignment.items()}


def _round(cluster: Cluster, members: dict[str, StickyAssignor], topics: tuple[str, ...] = ("t",)) -> dict[str, Any]:
    """Play one rebalance: everybody states, the first leads, everybody learns."""
    said = {name: _over_the_wire(member.metadata(topics)) for name, member in members.items()}
    assignment = next(iter(members.values())).assign(cluster, said)
    for name, member in members.items():
        member.on_assignment(assignment[name])
    return _given(assignment)


def _over_the_wire(metadata: Any) -> Any:
    return ConsumerProtocolMemberMetadata.decode(metadata.encode())


def test_members_keep_what_they_had() -> None:
    """Over joins and leaves a member keeps its partitions as far as its share allows."""
    cluster, one, two = Cluster(t=6), StickyAssignor(), StickyAssignor()
    assert _round(cluster, {"one": one}) == {"one": {"t": [0, 1, 2, 3, 4, 5]}}
    both = _round(cluster, {"two": two, "one": one})
    assert len(both["one"]["t"]) == len(both["two"]["t"]) == 3
    assert _round(cluster, {"one": one, "two": two}) == both
    assert _round(cluster, {"two": two}) == {"two": {"t": [0, 1, 2, 3, 4, 5]}}


def test_a_dead_owner_is_followed_by_whoever_is_warm() -> None:
    """What a member states as warm travels with its claims and counts where nobody owns a partition."""
    cluster, one, two, three = Cluster(t=6), StickyAssignor(), StickyAssignor(), StickyAssignor()
    before = _round(cluster, {"a": one, "b": two, "c": three})
    lost = before["a"]["t"]
    two.warm, three.warm = frozenset(lost[1:]), frozenset(lost[:1])
    after = _round(cluster, {"b": two, "c": three})
    assert after == {"b": {"t": sorted(before["b"]["t"] + lost[1:])}, "c": {"t": sorted(before["c"]["t"] + lost[:1])}}


def test_a_zombie_claims_in_vain() -> None:
    """What a member owned before the others went on without it is not taken from them when it returns."""
    cluster, zombie, two, three = Cluster(t=4), StickyAssignor(), StickyAssignor(), StickyAssignor()
    _round(cluster, {"a": zombie})
    _round(cluster, {"b": two})
    apart = _round(cluster, {"b": two, "c": three})
    back = _round(cluster, {"a": zombie, "b": two, "c": three})
    assert set(back["b"]["t"]) <= set(apart["b"]["t"])
    assert set(back["c"]["t"]) <= set(apart["c"]["t"])


def test_two_members_in_one_process_do_not_mix() -> None:
    """The state belongs to the instance, not to the class."""
    one, two = StickyAssignor(), StickyAssignor()
    _round(Cluster(t=2), {"one": one})
    assert one.metadata(["t"]).user_data != two.metadata(["t"]).user_data


@pytest.mark.parametrize(
    "user_data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"generation": "x"}',
        b'{"owned": {"t": ["a"]}}',
        b'{"warm": {"t": 1}}',
        b'{"language": 9, "owned": 5}',
    ],
)
def test_nonsense_counts_as_no_claim(user_data: bytes) -> None:
    """A member whose words cannot be understood gets its share like a newcomer."""
    members = {name: ConsumerProtocolMemberMetadata(0, ["t"], user_data) for name in "ab"}
    given = _given(StickyAssignor().assign(Cluster(t=4), members))
    assert sorted(given["a"]["t"] + given["b"]["t"]) == [0, 1, 2, 3]


def test_uneven_and_missing_topics_do_not_raise() -> None:
    """Topics of different sizes are shared each by itself, among those that subscribe; a missing one gives nothing."""
    members = {
        "a": ConsumerProtocolMemberMetadata(0, ["t", "gone"], b""),
        "b": ConsumerProtocolMemberMetadata(0, ["t", "other"], b""),
    }
    given = _given(StickyAssignor().assign(Cluster(t=3, other=2), members))
    assert sorted(given["a"]["t"] + given["b"]["t"]) == [0, 1, 2]
    assert given["b"]["other"] == [0, 1]
    assert "other" not in given["a"]
    assert "gone" not in given["a"]


def test_a_broken_cluster_gives_everybody_nothing() -> None:
    """Whatever goes wrong inside, every member gets a valid, empty assignment."""
    given = StickyAssignor().assign(None, {"a": ConsumerProtocolMemberMetadata(0, ["t"], b"")})
    assert _given(given) == {"a": {}}
