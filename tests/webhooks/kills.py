"""Two `liqmon webhooks` on a real Kafka, killed and frozen again and again, before targets that misbehave."""

from __future__ import annotations

import asyncio
import base64
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import LogFault, OutputRecord, ShardWriter
from monitor.app.topics import TopicSettings, create_topics
from tests.programs import Program, liqmon
from tests.webhooks.faulty import FaultyReceiver, misbehaving
from tests.webhooks.house import PARTITIONS, Story, judge, kinds_of, parked_of, settled, states_of, told_by

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SESSION_SECONDS = 1.5
CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
session_timeout_ms = 1500
heartbeat_interval_ms = 300
[topics]
prefix = "{prefix}"
partitions = 2
[webhooks]
http_port = {http_port}
send_ms = 500
"""
TARGET = """\
[webhooks.targets.{name}]
url = "http://127.0.0.1:{port}/{name}"
secret_file = "{secret}"
allow_private = true
interval_ms = 0
backoff_ms = 10
max_backoff_ms = 80
max_attempts = 4
max_waiting = 40
digest_after = 2
digest_ms = 300
{more}
"""
TARGETS = {
    "desk": 'escalate_to = "duty"\nescalate_ms = 2000',
    "duty": "only_escalations = true",
    "fickle": "",
    "alarms": 'format = "alertmanager"',
}
"""`fickle` says 410 on the way, and is enabled again."""
_FATES = ("killed", "frozen", "stopped", "killed", "killed")
"""What becomes of whoever sends: these first, then any of them."""


@dataclass(slots=True)
class Verdict:
    """Hold what a run found."""

    complaints: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class Run:
    """One run: events written in transactions, processes that die, targets that misbehave."""

    def __init__(
        self, log: KafkaLog, prefix: str, receiver: FaultyReceiver, processes: list[Program], seed: int
    ) -> None:
        self._log = log
        self._prefix = prefix
        self._receiver = receiver
        self._processes = processes
        self._dice = Random(seed)
        self._writers: dict[int, ShardWriter] = {}
        self._writing = asyncio.Lock()
        self.broker: Any = None
        self.story = Story(Random(seed), accounts=12)
        self.deaths: dict[str, int] = {"killed": 0, "frozen": 0, "stopped": 0}

    async def live(self, events: int, faults: int) -> None:
        """Write events while active senders die; `fickle` is gone in the middle, and enabled at the end."""
        writing = asyncio.create_task(self._write(events, faults * 5.0))
        try:
            for number in range(faults):
                if number == faults // 2:
                    self._receiver.gone.add("fickle")
                if self.broker is not None and number % 3 == 2:
                    await self._without_broker()
                await self._fault(is_last=number == faults - 1)
            await writing
        finally:
            writing.cancel()
        await self._settle()
        self._receiver.gone.clear()
        config = str(self._processes[0].config)
        done = await asyncio.to_thread(liqmon, "webhooks", "--config", config, "--enable", "fickle")
        assert "is sent to again" in done.stdout, done
        await self._write(10, 0.5)
        await self._settle()

    async def judged(self) -> Verdict:
        """Return the verdict."""
        verdict = Verdict(self._receiver.complaints)
        written, receiver = self.story.written, self._receiver
        verdict.complaints += self._said_amiss()
        for name in ("desk", "fickle"):
            try:
                tally = await judge(self._log, name, receiver.desks[name], written, self._prefix)
            except AssertionError as fault:
                verdict.complaints.append(f"{name}: {fault}")
            else:
                copies, messages = len(receiver.desks[name].copies), len(told_by(receiver.desks[name]))
                verdict.lines.append(f"{name}: {tally}; {messages} messages in {copies} copies")
        states = await states_of(self._log, self._prefix)
        for name in ("duty", "alarms"):
            tally = states[f"target|{name}|"]
            verdict.lines.append(f"{name}: {tally}")
            if tally["received"] != tally["acknowledged"] + tally["digested"] + tally["parked"]:
                verdict.complaints.append(f"{name}: the tally does not add up: {tally}")
        if states["target|alarms|"]["received"] != len(written):
            verdict.complaints.append(f"alarms: {len(written)} events were written")
        told = {kind for data in told_by(receiver.desks["duty"]).values() for kind in kinds_of(data)}
        given_up = await parked_of(self._log, "desk", self._prefix)
        if missing := {kind for kinds in given_up.values() for kind in kinds} - told:
            verdict.complaints.append(f"duty was not told of what desk has not taken: {sorted(missing)}")
        verdict.lines.append(f"events {len(written)}, senders {self.deaths}, answers {dict(receiver.fates)}")
        return verdict

    def _said_amiss(self) -> Iterator[str]:
        """Yield what should not be in the logs of the processes."""
        for process in self._processes:
            said, name = process.said(), process.config.stem
            if SECRET in said or f"{self._receiver.port}/" in said:
                yield f"{name}: its log shows a secret or an address"
            if "Traceback" in said:
                yield f"{name}: {said[said.index('Traceback') :][:2000]}"

    async def _fault(self, *, is_last: bool) -> None:
        """Do something to whoever sends; at last one sender is enough."""
        active = await self._active()
        await asyncio.sleep(self._dice.uniform(0, 1.2))
        first = sum(self.deaths.values())
        how = _FATES[first] if first < len(_FATES) else self._dice.choice(_FATES)
        self.deaths[how] += 1
        if how == "frozen":
            active.tell(signal.SIGSTOP)
            try:
                await asyncio.sleep(SESSION_SECONDS)
                await self._active(but=active)
            finally:
                active.tell(signal.SIGCONT)
            return
        code = await asyncio.to_thread(active.end, signal.SIGKILL if how == "killed" else signal.SIGTERM)
        assert how == "killed" or code == 0, f"exit code {code} after SIGTERM"
        if not is_last:
            active.start()

    async def _without_broker(self) -> None:
        """Kill the broker amid whatever the senders do, and start it again; events are not written meanwhile."""
        async with self._writing:
            self.deaths["without broker"] = self.deaths.get("without broker", 0) + 1
            for writer in self._writers.values():
                await writer.close()
            self._writers.clear()
            await asyncio.to_thread(self.broker.kill)
            await asyncio.sleep(self._dice.uniform(0, 6))
            await asyncio.to_thread(self.broker.start)

    async def _active(self, but: Program | None = None) -> Program:
        """Return the process that sends, once there is one."""
        async with asyncio.timeout(40):
            while True:
                for process in self._processes:
                    if process is not but and await asyncio.to_thread(process.metric, "liqmon_webhooks_active"):
                        return process
                await asyncio.sleep(0.1)

    async def _write(self, count: int, seconds: float) -> None:
        """Write events over some time, each partition in transactions over several topics."""
        before = len(self.story.written)
        while (done := len(self.story.written) - before) < count:
            batch: dict[int, list[OutputRecord]] = {}
            for _ in range(min(self._dice.randrange(1, 8), count - done)):
                record = self.story.next()
                record = record._replace(topic=self._prefix + record.topic)
                batch.setdefault(record.partition, []).append(record)
            async with self._writing:
                for partition, records in batch.items():
                    await (await self._writer(partition)).write(records)
            await asyncio.sleep(seconds * 4 / count)

    async def _writer(self, partition: int) -> ShardWriter:
        if partition not in self._writers:
            self._writers[partition] = self._log.writer(f"{self._prefix}{partition}")
            await self._writers[partition].fence()
        return self._writers[partition]

    async def _settle(self) -> None:
        for name in ("desk", "fickle", "alarms"):
            await settled(self._log, name, len(self.story.written), self._prefix, seconds=60)
        async with asyncio.timeout(60):
            while any(key.startswith("message|") for key in await states_of(self._log, self._prefix)):  # noqa: ASYNC110
                await asyncio.sleep(0.3)

    async def close(self) -> None:
        """End everything."""
        for process in self._processes:
            process.close()
        for writer in self._writers.values():
            await writer.close()


@asynccontextmanager
async def stage(bootstrap: str, folder: Path, prefix: str, seed: int, ports: list[int]) -> AsyncIterator[Run]:
    """Yield a run whose processes have begun to start."""
    log = KafkaLog(KafkaSettings(bootstrap_servers=bootstrap))
    secret = folder / "secret"
    secret.write_text(SECRET)
    async with misbehaving(Random(seed), SECRET) as receiver:
        receiver.well.add("duty")
        assert not await create_topics(await log.admin(), TopicSettings(prefix=prefix, partitions=PARTITIONS))
        processes = []
        for number, http_port in enumerate(ports):
            text = CONFIG.format(bootstrap=bootstrap, prefix=prefix, http_port=http_port)
            for name, more in TARGETS.items():
                text += TARGET.format(name=name, port=receiver.port, secret=secret, more=more)
            config = folder / f"hooks-{number}.toml"
            config.write_text(text)
            processes.append(Program("webhooks", config=config, health_port=http_port))
        run = Run(log, prefix, receiver, processes, seed)
        try:
            for process in processes:
                process.start()
            yield run
        finally:
            await run.close()
            await log.close()


async def one_run(
    bootstrap: str, folder: Path, seed: int, events: int, faults: int, ports: list[int], broker: Any = None
) -> Verdict:
    """Run once and return the verdict; a `broker` that may be killed is."""
    begun = time.monotonic()
    async with stage(bootstrap, folder, f"hooks-{seed}.", seed, ports) as run:
        run.broker = broker
        try:
            await run.live(events, faults)
        except (TimeoutError, LogFault, AssertionError) as fault:
            found = await run.judged()
            found.complaints.insert(0, f"it did not come to its end: {type(fault).__name__} {fault}")
            return found
        found = await run.judged()
    found.lines.append(f"{time.monotonic() - begun:.1f} s")
    return found
