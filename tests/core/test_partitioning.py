"""Keys go where the Java client puts them, and partitions are shared fairly and stickily."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiokafka.partitioner import murmur2 as client_murmur2
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.partitioning import Claim, murmur2, partition_of, share_out

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
JAVA_VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), JAVA_VECTORS)
def test_murmur2_is_that_of_java(key: bytes, signed: int) -> None:
    """The hash has the bits the Java client's own test expects."""
    assert murmur2(key) == signed & 0xFFFFFFFF


@given(st.binary(max_size=64))
def test_murmur2_is_that_of_the_client(key: bytes) -> None:
    """Every key hashes as in aiokafka, which writes to the same topics."""
    assert murmur2(key) == client_murmur2(key) & 0xFFFFFFFF


@given(st.binary(max_size=16), st.integers(1, 64))
def test_partitions_are_in_range(key: bytes, partitions: int) -> None:
    """A key belongs to one of the partitions there are."""
    assert 0 <= partition_of(key, partitions) < partitions


CLAIMS = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.builds(Claim, st.integers(-1, 3), st.frozensets(st.integers(0, 20)), st.frozensets(st.integers(0, 20))),
)


@given(st.integers(0, 16), CLAIMS)
def test_every_partition_has_one_owner(partitions: int, claims: dict[str, Claim]) -> None:
    """Whatever members claim, each partition gets exactly one owner and loads differ by one at most."""
    shares = share_out(partitions, claims)
    assert shares.keys() == claims.keys()
    if claims:
        sizes = [len(share) for share in shares.values()]
        assert frozenset[int]().union(*shares.values()) == frozenset(range(partitions))
        assert sum(sizes) == partitions
        assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 24), st.integers(1, 5))
def test_a_newcomer_moves_only_its_own_share(partitions: int, members: int) -> None:
    """When one member joins, exactly the partitions it receives change hands."""
    before = share_out(partitions, {f"m{n}": Claim() for n in range(members)})
    claims = {name: Claim(1, share) for name, share in before.items()}
    after = share_out(partitions, {**claims, "new": Claim()})
    moved = sum(len(before[name] - after[name]) for name in before)
    assert moved == len(after["new"])


def test_of_two_claims_the_younger_generation_wins() -> None:
    """A member back from a long absence does not take from those who own its partitions now."""
    claims = {"a-zombie": Claim(3, frozenset({0, 1})), "b": Claim(5, frozenset({0, 1})), "c": Claim(5, frozenset({2}))}
    shares = share_out(6, claims)
    assert {0, 1} <= shares["b"]
    assert 2 in shares["c"]
    assert not shares["a-zombie"] & {0, 1, 2}


@given(st.integers(1, 16), st.integers(1, 5), st.data())
def test_what_is_warm_takes_nothing_from_owners(partitions: int, members: int, data: st.DataObject) -> None:
    """Warm copies decide about what nobody keeps and about nothing else, whoever joins or is gone."""
    names = [f"m{number}" for number in range(members)]
    before = share_out(partitions, {name: Claim() for name in names})
    there = data.draw(st.lists(st.sampled_from([*names, "new"]), min_size=1, unique=True))
    cold = {name: Claim(1, before.get(name, frozenset())) for name in there}
    warm = {name: replace(one, warm=data.draw(st.frozensets(st.integers(0, 20)))) for name, one in cold.items()}
    shares, without = share_out(partitions, warm), share_out(partitions, cold)
    for name, one in cold.items():
        assert shares[name] & one.owned == without[name] & one.owned
        assert len(shares[name]) == len(without[name])


@given(st.integers(2, 12), st.data())
def test_the_warm_come_before_the_rest(partitions: int, data: st.DataObject) -> None:
    """When an owner dies, a survivor with room that keeps a partition warm gets it before one that does not."""
    before = share_out(partitions, {name: Claim() for name in ("dead", "x", "y")})
    warm = data.draw(st.frozensets(st.sampled_from(sorted(before["dead"])))) if before["dead"] else frozenset()
    claims = {"x": Claim(1, before["x"], warm), "y": Claim(1, before["y"])}
    after = share_out(partitions, claims)
    room = len(after["x"] - before["x"])
    assert len(after["x"] & warm) == min(room, len(warm))
