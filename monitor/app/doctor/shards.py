"""The shards: who owns them by the group, and who works on them by the heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.app.doctor.findings import Finding, failure, good, listed, warning
from monitor.app.doctor.market import named_ages
from monitor.app.doctor.seen import GroupSeen

SHARDS, FEEDS = "shards", "feeds"


@dataclass(slots=True)
class BeatsSeen:
    """Hold when each shard, and each feed, was last heard of, by the time of the log in milliseconds since 1970."""

    now_ms: int = 0
    shards: dict[int, int] = field(default_factory=dict)
    feeds: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    """Feeds whose last heartbeat named reasons why they wait."""


def judge_shards(group_id: str, group: GroupSeen, shards: int, beats: BeatsSeen, silent_ms: int) -> Iterator[Finding]:
    """Yield who has the shards; `silent_ms` is the silence that is too long, 0 where there are no heartbeats."""
    if group.is_hidden:
        return
    if not group.members:
        yield warning(SHARDS, f"no `liqmon run` is in the group {group_id}: nothing is judged", "start one, or several")
        return
    owned = {shard: member for member in group.members for shard in member.partitions}
    ownerless = [str(shard) for shard in range(shards) if shard not in owned]
    instances = f"{len(group.members)} instance{'s' if len(group.members) > 1 else ''}"
    if ownerless and group.state != "Stable":
        said = f"{group_id} is {group.state}: shards are being shared out ({instances})"
        yield warning(SHARDS, said, "look again in a moment; a group that never settles: see rebalance_timeout_ms")
        return
    if ownerless:
        said = f"nobody owns {listed(ownerless)} of {shards} shards ({instances})"
        yield failure(SHARDS, said, "is another consumer in this group? kafka-consumer-groups.sh --describe")
    late = [str(shard) for shard in range(shards) if beats.now_ms - beats.shards.get(shard, 0) > silent_ms]
    if silent_ms and (late := [shard for shard in late if shard not in ownerless]):
        said = f"owned, but without a heartbeat for {silent_ms / 1000:.0f} s: {listed(late)}"
        yield failure(SHARDS, said, "/readyz of its owner says what it waits for, or why it stands")
    if not ownerless and not (silent_ms and late):
        shares = sorted(len(member.partitions) for member in group.members)
        spread = f"{shares[0]} each" if shares[0] == shares[-1] else f"{shares[0]} to {shares[-1]} each"
        yield good(SHARDS, f"{shards} shards, {instances}, {spread}; all of them work")


def judge_feeds(beats: BeatsSeen) -> Iterator[Finding]:
    """Yield which feeds were heard, and what they wait for."""
    if beats.feeds:
        yield good(FEEDS, f"heard: {', '.join(named_ages(beats.feeds, beats.now_ms))}")
    for feed, reasons in beats.waiting.items():
        yield warning(FEEDS, f"{feed} waits: {reasons}", "docs/feeds.md says what its reasons mean")
