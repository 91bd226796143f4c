"""Every test of the contract runs once on the embedded log and once on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.broker import shared_broker
from tests.contract.stages import EmbeddedStage, KafkaStage, Stage


@pytest_asyncio.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Set up one of the two logs."""
    if request.param == "embedded":
        found: Stage = EmbeddedStage()
    else:
        found = KafkaStage(shared_broker(request).bootstrap_servers)
    yield found
    await found.close()
