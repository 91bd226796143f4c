"""Which partition a key belongs to, and which group member a partition belongs to; how members meet is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the unsigned 32-bit MurmurHash2 of `data` with the seed of the Java Kafka client.

    Source: `org.apache.kafka.common.utils.Utils.murmur2` (which returns the same bits as a signed integer).
    """
    length = len(data)
    whole = length & ~3
    digest = (_SEED ^ length) & _MASK
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ (word >> 24)) * _MULTIPLIER & _MASK
        digest = (digest * _MULTIPLIER & _MASK) ^ word
    if length > whole:
        digest = (digest ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    digest = (digest ^ (digest >> 13)) * _MULTIPLIER & _MASK
    return digest ^ (digest >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition the Java client's default partitioner gives `key` among `partitions` (> 0)."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold what a member says it owned, and in which generation of its group that was true."""

    generation: int = -1
    owned: frozenset[int] = frozenset()


def share_out(partitions: int, claims: Mapping[str, Claim]) -> dict[str, frozenset[int]]:
    """Share `partitions` among the members so that as few as possible change hands and the loads differ by one at most.

    Every member keeps what it owned as far as its quota goes; of two claims to one partition the younger generation
    wins, then the lower member name. What is left goes out in ascending order. Every partition is given to exactly one
    member; no members, no shares.
    """
    members = sorted(claims, key=lambda name: (-claims[name].generation, name))
    free = set(range(partitions))
    held: dict[str, list[int]] = {}
    for name in members:
        held[name] = sorted(claims[name].owned & free)
        free.difference_update(held[name])
    most_first = sorted(members, key=lambda name: (-len(held[name]), name))
    for rank, name in enumerate(most_first):
        quota = partitions // len(members) + (rank < partitions % len(members))
        free.update(held[name][quota:])
        del held[name][quota:]
    left = sorted(free, reverse=True)
    for rank, name in enumerate(most_first):
        quota = partitions // len(members) + (rank < partitions % len(members))
        while len(held[name]) < quota:
            held[name].append(left.pop())
    return {name: frozenset(held[name]) for name in members}
