"""The catalogue of scenarios: the name of each, what it does in a line, and what it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.chaos.cluster import Cluster
from tests.chaos.scenarios import at_disk, at_inputs, at_nodes, at_topics
from tests.chaos.scenarios.bench import Bench

Play = Callable[[Bench, Cluster, int, float], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """Hold one scenario; `settings` is TOML for its daemons, `seconds` how long its disturbance lasts by default."""

    says: str
    play: Play
    nodes: int = 1
    settings: str = ""
    seconds: float = 20.0


def _of_inputs(scene: at_inputs.Scene) -> Play:
    async def play(bench: Bench, cluster: Cluster, seed: int, seconds: float) -> None:
        await scene(bench, seed)

    return play


SCENARIOS: dict[str, Scenario] = {
    "nodes": Scenario(
        "coordinators and leaders of three nodes are killed and stopped", at_nodes.nodes, nodes=3, seconds=600
    ),
    "frozen-nodes": Scenario("coordinators and leaders of three nodes freeze", at_nodes.frozen, nodes=3),
    "rolling-restart": Scenario("three nodes are restarted in turn under load", at_nodes.rolling, nodes=3, seconds=1),
    "storm": Scenario("a member joins or leaves every two seconds", at_nodes.storm, seconds=40),
    "outage": Scenario("no broker at the start, and none for a while in the middle", at_nodes.outage),
    "open-transaction": Scenario(
        "a stranger leaves transactions open on mark-prices and account-events", _of_inputs(at_inputs.open_transaction)
    ),
    "growth": Scenario("mark-prices grows partitions while running", _of_inputs(at_inputs.growth)),
    "retention": Scenario("retention passes the stored offset of account-events", _of_inputs(at_inputs.retention)),
    "compaction": Scenario(
        "the changelog is really compacted, and restored from with tombstones", at_topics.compaction
    ),
    "too-large": Scenario("topics take less than what is written to them", at_topics.too_large),
    "disk-full": Scenario("the disk of the snapshots is full, and has room again", at_disk.disk_full),
}
