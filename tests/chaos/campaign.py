"""One chaos run from its first topic to its verdict: cluster, load, daemons and faults put together."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.dump import Dump, read_all
from tests.chaos.faults import Faults, Pace, Scenario
from tests.chaos.fleet import Fleet
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.messages import EVENTS, INPUTS, OUTPUTS, STATE
from tests.chaos.people import WITNESS
from tests.chaos.processes import ROOT, Nursery
from tests.chaos.verdict import POSITION, PROOF, Verdict

PORTFOLIO: dict[str, Any] = {
    "method": "scenario",
    "groups": {
        "L1": {"members": ["AUSDT", "BUSDT", "EUSDT"], "move": "0.16", "allow_mixed": True},
        "L2": {"members": ["CUSDT", "DUSDT"], "move": "0.2", "allow_mixed": True},
        "BTC": {"members": ["BTCUSD"], "assets": ["BTC"], "move": "0.12"},
    },
}
DRAIN_SECONDS = 120.0
QUIET_SECONDS = 3.0
# prices do not age: how long a busy machine takes to come to the end of a run is no matter of the judge's
CONFIG = """\
[kafka]
bootstrap_servers = "{servers}"
session_timeout_ms = {session_ms}
heartbeat_interval_ms = {heartbeat_ms}
rebalance_timeout_ms = 4000
transaction_timeout_ms = 4000
request_timeout_ms = 4000

[topics]
partitions = {partitions}
replication_factor = {replication_factor}

[prices]
max_age_ms = 0
unknown_after_ms = 0

[status]
publish_interval_ms = 300
healthy_interval_ms = 1000

[http]
port = 0

[log]
format = "json"

[portfolio]
method = "scenario"
{groups}
{more}
"""


@dataclass(frozen=True)
class Plan:
    """Hold what a run is to be; `more` is TOML added to the daemons' configuration."""

    seconds: float
    seed: int
    pace: Pace = field(default_factory=Pace)
    partitions: int = 6
    rate: float = 25.0
    witnesses: int = 30
    people: int = 60
    broken: str | None = None
    more: str = ""
    scenarios: Sequence[Scenario] = ()


class Campaign:
    """Run one plan on one cluster."""

    def __init__(self, plan: Plan, cluster: Cluster, folder: Path, *, verbose: bool = False) -> None:
        self.plan = plan
        self.story: list[str] = []
        self._cluster = cluster
        self._folder = folder
        self._verbose = verbose
        self._began = time.monotonic()
        self._config = folder / "monitor.toml"
        self._config.write_text(_config(plan, cluster), encoding="utf-8")
        self._nursery = Nursery(folder)
        self.fleet = Fleet(self._config, folder, self._nursery, plan.broken)
        self.load = Load(
            plan.seed,
            cluster.bootstrap_servers,
            plan.partitions,
            rate=plan.rate,
            witnesses=plan.witnesses,
            people=plan.people,
        )
        self.faults = Faults(plan.seed, plan.pace, self.fleet, cluster, self.say)

    def say(self, text: str) -> None:
        """Note what happens."""
        self.story.append(f"{time.monotonic() - self._began:8.2f}  {text}")
        with (self._folder / "story.txt").open("a", encoding="utf-8") as file:
            file.write(self.story[-1] + "\n")
        if self._verbose:
            sys.stderr.write(self.story[-1] + "\n")

    async def run(self) -> Verdict:
        """Run, wait until all is told, and judge."""
        self._liqmon("topics", "create", "--config", str(self._config))
        try:
            await self.load.open()
            for _ in range(self.plan.pace.instances):
                self.fleet.start(cold=self.plan.pace.cold_share >= 1)
            await self._until_witnesses_are_shown()
            await self._disturbed()
            settled = await self._drain()
            await self.fleet.stop_all()
            return await self._judged(settled=settled)
        finally:
            await self.load.close()
            self.fleet.close()
            self._nursery.close()

    async def _until_witnesses_are_shown(self) -> None:
        """Wait until every witness was judged: from then on every price message counts for them."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            dump = await read_all(self._cluster.bootstrap_servers, ["account-status"])
            shown = {record.key for record in dump.of("account-status")}
            if sum((key or b"").startswith(WITNESS.encode()) for key in shown) >= self.load.witnesses:
                self.say("every witness is shown")
                return
            self.fleet.look(0)
            await asyncio.sleep(0.3)
        raise RuntimeError(f"the daemons do not get going:\n{self.fleet.workers[0].tail()}")

    async def _disturbed(self) -> None:
        """Let load and faults and scenarios happen for the time of the plan."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.load.run(stop))
            group.create_task(self.faults.run(stop))
            for scenario in self.plan.scenarios:
                group.create_task(scenario.run(stop, self.say))
            await asyncio.sleep(self.plan.seconds)
            stop.set()

    async def _drain(self) -> bool:
        """Leave daemons of the product alone with what is left; return whether they came to the end of it."""
        self.say("peace")
        for worker in self.fleet.alive():
            if worker.frozen_until is not None or worker.stops_itself:
                self.fleet.thaw(worker)
            worker.stops_itself = False
            if worker.point is not None and worker.asked_at is None:
                self.fleet.kill(worker)
        await self.load.finish()
        while len(self.fleet.free()) < self.plan.pace.instances:
            self.fleet.start()
        deadline, before, since = time.monotonic() + DRAIN_SECONDS, None, time.monotonic()
        while time.monotonic() < deadline:
            self.fleet.look(0)
            now = await self._ends()
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > QUIET_SECONDS and await self._is_used_up():
                return True
            await asyncio.sleep(0.3)
        return False

    async def _ends(self) -> dict[tuple[str, int], int]:
        return (await read_all(self._cluster.bootstrap_servers, [*INPUTS, *OUTPUTS], read=False)).ends

    async def _is_used_up(self) -> bool:
        """Return whether the last `__meta__` of every shard stands at the ends of all inputs."""
        dump = await read_all(self._cluster.bootstrap_servers, [STATE])
        metas = {r.partition: json.loads(r.value or b"{}") for r in dump.of(STATE) if r.key == b"__meta__"}
        ends = (await read_all(self._cluster.bootstrap_servers, INPUTS, read=False)).ends
        for (topic, partition), end in ends.items():
            for shard in range(self.plan.partitions):
                if topic == "account-events" and shard != partition:
                    continue
                if metas.get(shard, {"inputs": {}})["inputs"].get(topic, {}).get(str(partition), 0) != end:
                    return False
        return True

    async def _judged(self, *, settled: bool) -> Verdict:
        dump = await read_all(self._cluster.bootstrap_servers, [*INPUTS, *OUTPUTS, STATE])
        dump.save(self._folder / "topics.jsonl.gz")
        verdict = await asyncio.to_thread(judge, dump, PORTFOLIO, self.plan.partitions)
        verdict.expect(settled, POSITION, f"the daemons did not come to the end within {DRAIN_SECONDS:.0f} s")
        await asyncio.to_thread(self._prove, dump, verdict)
        self._acknowledged(dump, verdict)
        for kind, complaints in self.fleet.verdict.complaints.items():
            verdict.complaints[kind] += complaints
        verdict.figures += self.fleet.read_logs()
        verdict.figures["producers"] = self.load.ledger.producers
        verdict.figures["processes from cold"] = self.fleet.counts["started cold"]
        verdict.figures["processes"] = len(self.fleet.workers)
        (self._folder / "verdict.json").write_text(json.dumps(verdict.body(), indent=1), encoding="utf-8")
        return verdict

    def _prove(self, dump: Dump, verdict: Verdict) -> None:
        """Have `liqmon verify` compute every event of the chains again."""
        lines = [record.value or b"" for record in dump.of(*EVENTS) if b'"sequence"' in (record.value or b"")]
        path = self._folder / "events.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        done = self._liqmon("verify", str(path), check=False)
        verdict.figures["events verified"] = len(lines)
        verdict.expect(done.returncode == 0, PROOF, f"liqmon verify: {(done.stdout + done.stderr)[-2000:]}")

    def _acknowledged(self, dump: Dump, verdict: Verdict) -> None:
        """Look whether the log has kept what it acknowledged: else the run says nothing about the product."""
        stands = {record[:3] for record in dump.of(*INPUTS)}
        gone = [place for place in self.load.ledger.acknowledged.values() if place[2] >= 0 and place not in stands]
        if gone:
            verdict.notes.append(f"the log itself has lost {len(gone)} acknowledged inputs, like {gone[0]}")

    def faults_done(self) -> Counter[str]:
        """Return how often each fault was made."""
        found = Counter(
            {f"instance {kind}": n for kind, n in self.fleet.counts.items() if not kind.startswith("started")}
        )
        found += Counter({f"instance {kind}": n for kind, n in self.fleet.points.items()})
        return found + Counter({f"broker {kind}": n for kind, n in self.faults.broker.items()})

    def _liqmon(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "monitor.cli.main", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"liqmon {' '.join(arguments)} said {done.returncode}: {done.stdout}{done.stderr}")
        return done


def _config(plan: Plan, cluster: Cluster) -> str:
    session_ms = int(plan.pace.session_seconds * 1000)
    lines: list[str] = []
    for name, group in PORTFOLIO["groups"].items():
        lines.append(f"[portfolio.scenario.groups.{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in group.items()]
    return CONFIG.format(
        servers=cluster.bootstrap_servers,
        session_ms=session_ms,
        heartbeat_ms=session_ms // 5,
        partitions=plan.partitions,
        replication_factor=cluster.replication_factor,
        groups="\n".join(lines),
        more=plan.more,
    )
