"""The two sides of a migration, and what is counted of one; what is done with them is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.app.codec import Codec
from monitor.app.image import Image, read_image
from monitor.app.ledger import Ledger
from monitor.app.ports import LogReader, TopicPartition
from monitor.app.topics import TopicNames


@dataclass(slots=True)
class Moved:
    """Count what was moved; `before`: by an earlier run, of which only the opening was left."""

    shards_before: int = 0
    shards_after: int = 0
    accounts: int = 0
    lines: int = 0
    statuses: int = 0
    before: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """Hold one side of a migration: its topics, how many shards, and the group that judges there."""

    group: str
    topics: TopicNames
    ledgers: list[Ledger] = field(default_factory=list)

    @property
    def shards(self) -> int:
        """The number of shards."""
        return len(self.ledgers)

    def state(self, shard: int) -> TopicPartition:
        """Return the changelog of a shard."""
        return TopicPartition(self.topics.state, shard)


async def counted_image(reader: LogReader, where: TopicPartition, codec: Codec) -> Image:
    """Return what a changelog holds. Raises `DamagedState` where that is not what its writer left."""
    image = await read_image(reader, where, codec)
    image.count()
    image.check()
    return image
