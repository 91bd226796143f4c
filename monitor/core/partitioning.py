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
    """Hold what a member says it owned, and in which generation of its group that was true; and what it keeps warm."""

    generation: int = -1
    owned: frozenset[int] = frozenset()
    warm: frozenset[int] = frozenset()


def share_out(partitions: int, claims: Mapping[str, Claim]) -> dict[str, frozenset[int]]:
    """Share `partitions` among the members so that as few as possible change hands and the loads differ by one at most.

    Every member keeps what it owned as far as its quota goes; of two claims to one partition the younger generation
    wins, then the lower member name. What is left goes to members that keep it warm, as far as their quotas go: first
    what the fewest keep warm, to the one with most room. The rest goes out in ascending order. Every partition is given
    to exactly one member; no members, no shares.
    """
    members = sorted(claims, key=lambda name: (-claims[name].generation, name))
    free = set(range(partitions))
    held: dict[str, list[int]] = {}
    for name in members:
        held[name] = sorted(claims[name].owned & free)
        free.difference_update(held[name])
    most_first = sorted(members, key=lambda name: (-len(held[name]), name))
    room: dict[str, int] = {}
    for rank, name in enumerate(most_first):
        quota = partitions // len(members) + (rank < partitions % len(members))
        free.update(held[name][quota:])
        del held[name][quota:]
        room[name] = quota - len(held[name])
    _hand_to_the_warm(free, held, room, claims)
    left = sorted(free, reverse=True)
    for name in most_first:
        for _ in range(room[name]):
            held[name].append(left.pop())
    return {name: frozenset(held[name]) for name in members}


def _hand_to_the_warm(
    free: set[int], held: Mapping[str, list[int]], room: dict[str, int], claims: Mapping[str, Claim]
) -> None:
    warm = {partition: [name for name in held if partition in claims[name].warm] for partition in free}
    for partition in sorted(free, key=lambda one: (len(warm[one]), one)):
        name = max(warm[partition], key=lambda one: (room[one], one), default=None)
        if name is not None and room[name]:
            held[name].append(partition)
            free.discard(partition)
            room[name] -= 1
