"""Groups of the embedded log: which member owns which partitions; sharing them out is `core.partitioning`'s formula."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.adapters.embedded.store import Store
from monitor.core.partitioning import Claim, share_out


@dataclass(slots=True)
class Group:
    """Hold the members of one group over one topic, in the order they joined."""

    store: Store
    topic: str
    generation: int = 0
    joined: int = 0
    members: dict[str, EmbeddedMembership] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.on_topics_changed.append(self._rebalance)

    def join(self, member: EmbeddedMembership) -> str:
        """Add a member, rebalance, and return the member's name."""
        self.joined += 1
        name = f"member-{self.joined:06d}"
        self.members[name] = member
        self._rebalance()
        return name

    def leave(self, name: str) -> None:
        """Take a member out and rebalance."""
        if self.members.pop(name, None) is not None:
            self._rebalance()

    def _rebalance(self) -> None:
        if not self.members:
            return
        self.generation += 1
        topic = self.store.topics.get(self.topic)
        claims = {name: Claim(self.generation, member.shards(), member.warm) for name, member in self.members.items()}
        shares = share_out(len(topic.partitions) if topic else 0, claims)
        for name, member in self.members.items():
            member.take(shares[name])


class EmbeddedMembership:
    """Tell which shards this member owns; joins at `start`, in the process and at once."""

    def __init__(self, store: Store, group: Group) -> None:
        self._store = store
        self._group = group
        self._name: str | None = None
        self._shards: frozenset[int] = frozenset()
        self.warm: frozenset[int] = frozenset()
        self._on_change: Callable[[], None] | None = None
        self._dropped_ms: int | None = None

    async def start(self, on_change: Callable[[], None]) -> None:
        """Join."""
        await asyncio.sleep(0)
        self._store.faults.check()
        self._on_change = on_change
        self._dropped_ms = None
        self._name = self._group.join(self)

    async def stop(self) -> None:
        """Leave; nothing is called back afterwards."""
        self._on_change = None
        if self._name is not None:
            self._group.leave(self._name)
            self._name = None
        self._shards = frozenset()

    async def watch(self) -> None:
        """Wait for ever: this membership cannot fail."""
        await asyncio.Event().wait()

    def shards(self) -> frozenset[int]:
        """Return the shards assigned to this member."""
        return self._shards

    def keep_warm(self, shards: frozenset[int]) -> None:
        """State which shards a standby keeps here, for the next time the shards are shared out."""
        self.warm = shards

    def confirmed_ms(self) -> int:
        """Return 0, or how long ago the group dropped this member unseen."""
        return 0 if self._dropped_ms is None else self._store.clock() - self._dropped_ms

    def freeze(self) -> None:
        """Let the group drop this member unseen, as if its heartbeats had stopped: it still believes what it owned."""
        assert self._name is not None, "only a member can be dropped"
        name, self._name = self._name, None
        self._dropped_ms = self._store.clock()
        self._group.leave(name)

    def thaw(self) -> None:
        """Let a dropped member join again, as one does that wakes up."""
        assert self._dropped_ms is not None, "only a dropped member can join again"
        self._dropped_ms = None
        self.take(frozenset())  # told as well where nothing is given in their place
        self._name = self._group.join(self)

    def take(self, shards: frozenset[int]) -> None:
        """Accept an assignment from the group."""
        if shards == self._shards:
            return
        self._shards = shards
        if self._on_change is not None:
            asyncio.get_running_loop().call_soon(self._on_change)
