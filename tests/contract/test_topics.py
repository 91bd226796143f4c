"""What the admin of a log promises, whatever the log."""

from __future__ import annotations

import uuid

from monitor.app.ports import TopicSpec
from tests.contract.stages import Stage


async def test_topics_are_created_as_specified(stage: Stage) -> None:
    """A created topic is described with its partitions, replication and settings."""
    name = f"topic-{uuid.uuid4().hex[:12]}"
    admin = await stage.log.admin()
    assert await admin.describe([name]) == {}
    assert await admin.create([TopicSpec(name, 3, 1, {"cleanup.policy": "compact"})]) == {}
    found = (await admin.describe([name, "no-such-topic"]))[name]
    assert (found.partitions, found.replication_factor) == (3, 1)
    assert found.settings["cleanup.policy"] == "compact"


async def test_refusals_are_reported(stage: Stage) -> None:
    """Of several topics those that are refused come back with a reason, the others are made."""
    name = f"topic-{uuid.uuid4().hex[:12]}"
    admin = await stage.log.admin()
    await admin.create([TopicSpec(name, 1, 1, {})])
    errors = await admin.create([TopicSpec(name, 1, 1, {}), TopicSpec(f"{name}-b", 1, 1, {})])
    assert list(errors) == [name]
    assert "exists" in errors[name]
    assert list(await admin.describe([f"{name}-b"])) == [f"{name}-b"]
