"""The topics of the contract on a real broker."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import TopicSpec
from monitor.app.topics import TopicSettings, check_topics, create_topics
from tests.waiting import create

pytestmark = pytest.mark.kafka


async def test_kafka_takes_every_topic_as_specified(broker: Any) -> None:
    """All topics are created with settings the broker accepts, reads back the same, and finds again the second time."""
    log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    await create(log, TopicSpec("is-it-there", 1, 1, {}))
    admin = await log.admin()
    settings = TopicSettings(prefix="spec.", partitions=3)
    assert await create_topics(admin, settings) == []
    assert await create_topics(admin, settings) == []
    assert await check_topics(admin, settings) == []
    await log.close()
