"""`liqmon webhooks` on a real Kafka: two processes, killed, frozen and stopped, before targets that misbehave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker import shared_broker
from tests.programs import free_port
from tests.webhooks.kills import one_run


@pytest.mark.kafka
@pytest.mark.timeout(180)
async def test_senders_that_die_lose_nothing_and_keep_the_order(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Events in = acknowledged + digested + parked, each once, in order, one id one content, signed, no redirect."""
    broker = shared_broker(request)
    found = await one_run(broker.bootstrap_servers, tmp_path, 1, 80, 3, [free_port(), free_port()])
    assert not found.complaints, found
