"""A short chaos run on a real Kafka: daemons and broker killed, frozen and stopped, at random and at named points."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import shared_broker
from tests.chaos.campaign import Campaign, Plan
from tests.chaos.cluster import SingleNode
from tests.chaos.faults import Pace
from tests.chaos.report import table

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]
SEED = 20


@pytest.fixture
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SingleNode]:
    """Return a node of one's own, which may be killed; skip where there is no Kafka."""
    shared_broker(request)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = SingleNode(tmp_path / "node")
    yield found
    found.close()


def test_nothing_is_lost_and_nothing_doubled(node: SingleNode, tmp_path: Path) -> None:
    """After half a minute of deaths the judge has no complaint, and the faults did happen."""
    pace = Pace(instances=3, fault_seconds=1.6, broker_seconds=11)
    campaign = Campaign(Plan(25, SEED, pace, witnesses=15, people=30), node, tmp_path)
    verdict = asyncio.run(campaign.run())
    story = "\n".join(campaign.story)
    assert verdict.is_good, f"{table(campaign, verdict, '')}\n{story}"
    assert verdict.figures["events in chains"] > 50
    assert sum(campaign.faults_done().values()) > 5, story
