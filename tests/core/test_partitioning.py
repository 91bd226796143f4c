"""Keys go where the Java client puts them, and partitions are shared fairly and stickily."""

from __future__ import annotations

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
    st.builds(Claim, st.integers(-1, 3), st.frozensets(st.integers(0, 20))),
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
