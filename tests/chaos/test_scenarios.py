"""Short scenarios on the real Kafka of the test run; the others are one command each (`make chaos SCENARIO=…`)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.broker import shared_broker
from tests.chaos.scenarios.bench import Bench
from tests.chaos.scenarios.catalogue import SCENARIOS


@pytest.mark.kafka
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["compaction", "too-large"])
async def test_a_scenario_ends_well(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    """What the scenario does to the topics of a daemon costs no event, doubles none and breaks no chain."""
    broker = await asyncio.to_thread(shared_broker, request)
    bench = Bench(tmp_path, broker.bootstrap_servers, prefix=f"{name}.")
    cluster: Any = None  # nothing is done to the broker itself
    try:
        await SCENARIOS[name].play(bench, cluster, 1, 1.0)
    finally:
        await bench.close()
    assert bench.verdict.is_good, bench.verdict.body()
    assert bench.verdict.figures["events told"] == bench.verdict.figures["events due"] > 100
