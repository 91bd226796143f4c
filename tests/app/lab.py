"""The laboratory of the application: a world of topics under a virtual clock, and instances that can be killed in it.

Time, the log with its gates, feeding and starting live here; what must be true afterwards is the judge's business.
"""

from __future__ import annotations

import asyncio
import functools
import json
import selectors
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ClassVar, TypeVar
from unittest.mock import patch

from monitor.adapters.embedded import EmbeddedLog
from monitor.adapters.embedded.journal import Change
from monitor.app.observing import SilentObserver
from monitor.app.ports import Record, TopicPartition
from monitor.app.topics import create_topics
from monitor.cli.assembly import assemble
from monitor.config import Settings, load
from tests.app.gates import Gate, GatedLog

T = TypeVar("T")

BEGIN_MS = 1_700_000_000_000
SESSION_SECONDS = 0.4
"""After this time the group drops a killed or frozen member."""
PLAIN: Mapping[str, Any] = {
    "ladder.hysteresis": "0",
    "prices.max_age_ms": 0,
    "prices.unknown_after_ms": 0,
    "watchdog.heartbeat_ms": 0,
    "audit.rate": 0,
}
"""Settings under which a status depends on the last inputs alone, nothing is written beside verdicts, and nothing
depends on how fast this machine is."""


class _Impatient(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Do not wait: move the loop's clock to where the wait would end."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready, at once."""
        if timeout is None:
            raise RuntimeError("everybody waits and no timer is set: nothing will ever happen again")
        self.now += max(timeout, 0.0)
        return []  # nothing but timers and callbacks: there is no descriptor anybody could wait for


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run as if waiting took no time; the same program runs the same way every time."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Return the virtual time."""
        return self._impatient.now


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test in virtual time: no clock of this machine says how long anything took."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            clock = runner.get_loop().time
            with patch.object(time, "perf_counter", clock), patch.object(time, "monotonic", clock):
                runner.run(test(*args, **kwargs))

    return run


async def inline(work: Callable[[], T]) -> T:
    """Stand for the kernel thread: the event loop turns once, then the work is done."""
    await asyncio.sleep(0)
    return work()


class Notes(SilentObserver):
    """Keep what was observed, for the tests that ask."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.unjudged_messages = 0
        self.takeovers = 0
        self.held = 0
        self.audit_faults: list[str] = []
        self.audit_passes = 0
        self.damaged = 0
        self.alarms: set[tuple[str, str]] = set()
        self.alarms_ever: list[str] = []
        self.sources: list[str] = []
        self.ignored: list[str] = []
        self.failed_snapshots = 0

    def image_read(self, shard: int, source: str, seconds: float) -> None:
        """Keep the source."""
        self.sources.append(source)

    def snapshot_ignored(self, shard: int, reason: str) -> None:
        """Keep the reason."""
        self.ignored.append(reason)

    def snapshot_failed(self, shard: int) -> None:
        """Count it."""
        self.failed_snapshots += 1

    def state_damaged(self, shard: int) -> None:
        """Count it."""
        self.damaged += 1

    def log_fault(self, kind: str) -> None:
        """Keep it."""
        self.faults.append(kind)

    def unjudged(self, price_messages: int) -> None:
        """Count them."""
        self.unjudged_messages += price_messages

    def takeover(self) -> None:
        """Count it."""
        self.takeovers += 1

    def held_instruments(self, count: int) -> None:
        """Keep it."""
        self.held = count

    def alarm(self, watchdog: str, subject: str) -> None:
        """Keep it while it lasts."""
        self.alarms.add((watchdog, subject))
        self.alarms_ever.append(watchdog)

    def alarm_over(self, watchdog: str, subject: str) -> None:
        """Strike it."""
        self.alarms.remove((watchdog, subject))

    def audit_fault(self, column: str) -> None:
        """Keep it."""
        self.audit_faults.append(column)

    def audit_passed(self, shard: int) -> None:
        """Count it."""
        self.audit_passes += 1


class Running:
    """Hold one instance that was started in a world."""

    audits: ClassVar[dict[int, Any]] = {}
    """The audit of each shard, where a test has it kept."""

    def __init__(self, world: World, name: str, skew_ms: int, on_kernel: Callable[[Any], Awaitable[Any]]) -> None:
        self.world = world
        self.name = name
        self.skew_ms = skew_ms
        self.notes = Notes()
        self.gate = Gate(self._on_death, self._on_freeze)
        self.log = GatedLog(world.log, self.gate)
        topics, shards = world.settings.topics.names(), world.settings.topics.partitions
        kernel: Any = on_kernel
        self.instance = assemble(
            world.settings, topics, self.log, shards, self.notes, kernel, lambda: world.now_ms() + self.skew_ms
        )
        self.shared = self.instance._shared
        self.task = asyncio.create_task(self.instance.run(), name=name)

    def kill(self) -> None:
        """End it as kill -9 does: nothing it does has an effect any more, and the group learns of it later."""
        self.gate.die()

    def _on_death(self) -> None:
        asyncio.get_running_loop().call_later(SESSION_SECONDS, self.drop_out)

    def _on_freeze(self) -> None:
        self.gate.on_wake = self._on_wake
        asyncio.get_running_loop().call_later(SESSION_SECONDS, self._drop_the_frozen)

    def _drop_the_frozen(self) -> None:
        if self.gate.is_frozen and not self.gate.dead:
            self.drop_out()

    def _on_wake(self) -> None:
        """Join again, a moment after waking up: until then it believes that its shards are its own."""
        asyncio.get_running_loop().call_later(SESSION_SECONDS / 3, self.come_back)

    def drop_out(self) -> None:
        """Have the group drop this member, which does not notice."""
        membership = self.log.inner_membership
        if membership is not None and membership._name is not None:
            membership.freeze()

    def come_back(self) -> None:
        """Have a member that was dropped join again, unless it is dead or about to stop."""
        membership = self.log.inner_membership
        assert membership is not None
        is_dropped = membership._name is None and membership._dropped_ms is not None
        if is_dropped and not self.gate.dead and not self.task.done() and not self.instance._stopping.is_set():
            membership.thaw()

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        self.instance.stop()
        await self.task

    def is_ready(self) -> bool:
        """Return whether it does its work; raise what ended it."""
        if self.task.done():
            self.task.result()
        return not self.instance.why_not_ready()


class _Memory:
    """Stand for the journal of the log: keep every transaction that was ever committed."""

    size = 0

    def __init__(self, history: list[list[Record]]) -> None:
        self._history = history

    def append(self, change: Change) -> None:
        """Keep the records of a change."""
        if change.records:
            self._history.append([Record(*record) for record in change.records])


class World:
    """Hold the topics, everything ever written to them, and the instances."""

    def __init__(self, settings: Settings, on_kernel: Callable[[Any], Awaitable[Any]] = inline) -> None:
        self.settings = settings
        self.topics = settings.topics.names()
        self.log = EmbeddedLog(self.now_ms)
        self.history: list[list[Record]] = []
        self.instances: list[Running] = []
        self.versions: dict[str, int] = {}
        self._on_kernel = on_kernel
        self._skipped_ms = 0
        journal: Any = _Memory(self.history)
        self.log._store.journal = journal

    def now_ms(self) -> int:
        """Return the time of this world."""
        return BEGIN_MS + self._skipped_ms + round((asyncio.get_running_loop().time() - 1000.0) * 1000)

    def skip(self, seconds: float) -> None:
        """Move all clocks of this world forward, as if nothing had happened for so long."""
        self._skipped_ms += round(seconds * 1000)

    def start(self, *, skew_ms: int = 0) -> Running:
        """Start an instance; its clock is ahead of the log's by `skew_ms`."""
        running = Running(self, f"instance {len(self.instances)}", skew_ms, self._on_kernel)
        self.instances.append(running)
        return running

    def living(self) -> list[Running]:
        """Return the instances that were not killed and have not ended."""
        return [one for one in self.instances if not one.gate.dead and not one.task.done()]

    # ------------------------------------------------------------------------------------------------- feeding
    def put(self, topic: str, key: str | None, body: Any, partition: int | None = None) -> TopicPartition:
        """Append a message to an input topic; a body that is bytes or None goes as it is."""
        value = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.log.produce(getattr(self.topics, topic), None if key is None else key.encode(), value, partition)

    def price(self, ahead_ms: int = 0, partition: int = 0, **marks: Any) -> None:
        """Append one price message for some symbols."""
        now = self.now_ms() + ahead_ms
        elements = [{"symbol": name, "mark_price": str(mark), "event_time_ms": now} for name, mark in marks.items()]
        self.put("mark_prices", "x", elements if len(elements) > 1 else elements[0], partition)

    def instrument(self, symbol: str, rate: str = "0.1", **more: Any) -> None:
        """Append the terms of a linear contract with one bracket."""
        body = {
            "symbol": symbol,
            "status": "trading",
            "contract": "linear",
            "settle_asset": "USDT",
            "base_asset": symbol.removesuffix("USDT"),
            "brackets": [{"floor": "0", "rate": rate, "max_leverage": "10"}],
        }
        self.put("instruments", symbol, body | more)

    def account(self, name: str, balance: Any = None, **more: Any) -> None:
        """Append the next event of an account; more keys go into it, positions as {symbol: (quantity, entry)}."""
        version = self.versions[name] = self.versions.get(name, 0) + 1
        body: dict[str, Any] = {"account_id": name, "version": version, "event_time_ms": self.now_ms()}
        if balance is not None:
            body["balances"] = {"USDT": str(balance)}
        positions = more.pop("positions", None)
        if positions is not None:
            body["positions"] = [
                {"symbol": symbol, "quantity": str(quantity), "entry_price": str(entry)}
                for symbol, (quantity, entry) in positions.items()
            ]
        self.put("account_events", name, body | more)

    def fund(self, balance: Any, name: str = "main", ahead_ms: int = 0, **more: Any) -> None:
        """Append the state of an insurance fund."""
        body = {"fund": name, "asset": "USDT", "balance": str(balance), "event_time_ms": self.now_ms() + ahead_ms}
        self.put("insurance_funds", name, body | more)

    def opening(self, accounts: int = 6, quantity: int = 10) -> None:
        """Fill the topics as a first start finds them: one contract at 100, long accounts of rising wealth."""
        self.instrument("XUSDT")
        self.price(XUSDT=100)
        for number in range(accounts):
            self.account(f"a{number}", 200 + 20 * number, positions={"XUSDT": (quantity, 100)}, snapshot=True)

    # ------------------------------------------------------------------------------------------------- waiting
    async def until(self, condition: Callable[[], bool], seconds: float = 120.0) -> None:
        """Let time pass until `condition` holds; raise `TimeoutError` after so many seconds of this world."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the condition is anybody's
                await asyncio.sleep(0.02)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in this world."""
        await asyncio.sleep(seconds)

    async def until_ready(self, shards: int | None = None) -> None:
        """Wait until all shards are in steady hands."""
        wanted = set(range(self.settings.topics.partitions if shards is None else shards))

        def ready() -> bool:
            living = self.living()
            for ended in self.instances if not living else ():
                if ended.task.done() and not ended.task.cancelled():
                    ended.task.result()  # else nothing would say why nobody is left
            mine = [{n for n, s in one.instance._shards.items() if s.is_steady} for one in living if one.is_ready()]
            return len(mine) == len(living) > 0 and set().union(*mine) >= wanted

        await self.until(ready)

    async def until_quiet(self) -> None:
        """Wait until all is read, told and committed, idle commits included."""
        await self.until_ready()
        await self.until(lambda: not self.behind(), 60)

    def behind(self) -> list[TopicPartition]:
        """Return the inputs whose committed positions are not at the end, of any shard."""
        short: list[TopicPartition] = []
        for shard in range(self.settings.topics.partitions):
            inputs = self.committed(shard)
            for where in self.inputs_of(shard):
                partition = self.log._store.partition(where)
                last = -1 if partition is None or not partition.records else partition.records[-1].offset
                if inputs.get(where, 0) <= last:  # what shards ask of each other ends with a marker, not a record
                    short.append(where)
        return short

    def inputs_of(self, shard: int) -> list[TopicPartition]:
        """Return the partitions a shard consumes."""
        own = (self.topics.account_events, self.topics.fund, self.topics.adl)
        found = [TopicPartition(topic, shard) for topic in own]
        tables = (self.topics.instruments, self.topics.assets, self.topics.insurance_funds)
        for topic in (self.topics.mark_prices, *tables):
            count = len(self.log._store.topics[topic].partitions)
            found += [TopicPartition(topic, index) for index in range(count)]
        return found

    def committed(self, shard: int) -> dict[TopicPartition, int]:
        """Return the positions in the last `__meta__` line of a shard."""
        lines = [json.loads(r.value or b"") for r in self.kept("state", shard) if r.key == b"__meta__"]
        if not lines:
            return {}
        inputs: dict[str, dict[str, int]] = lines[-1]["inputs"]
        return {TopicPartition(t, int(p)): offset for t, at in inputs.items() for p, offset in at.items()}

    def kept(self, topic: str, partition: int | None = None) -> list[Record]:
        """Return the records a topic holds now, of one partition or of all."""
        partitions = self.log._store.topics[getattr(self.topics, topic)].partitions
        chosen = partitions if partition is None else [partitions[partition]]
        return [record for one in chosen for record in one.records]

    def written(self, topic: str) -> list[Record]:
        """Return every record that was ever committed to a topic, in order of time."""
        name = getattr(self.topics, topic)
        return [record for records in self.history for record in records if record.topic == name]

    def events(self) -> list[dict[str, Any]]:
        """Return the bodies of all events ever told that belong to chains, in order of time."""
        names = {self.topics.margin_calls, self.topics.liquidations, self.topics.adl_events}
        bodies = [json.loads(r.value or b"") for records in self.history for r in records if r.topic in names]
        return [body for body in bodies if "sequence" in body]

    def chain(self, account: str, scope: str = "cross:USDT") -> list[str]:
        """Return the statuses told of one scope, in order of sequence."""
        mine = [event for event in self.events() if (event["account_id"], event["scope"]) == (account, scope)]
        return [event["status"] for event in sorted(mine, key=lambda event: event["sequence"])]

    def quality(self, kind: str) -> list[dict[str, Any]]:
        """Return the data-quality records of a kind."""
        bodies = [json.loads(record.value or b"") for record in self.written("data_quality")]
        return [body for body in bodies if body["kind"] == kind]


async def new_world(
    *, partitions: int = 2, on_kernel: Callable[[Any], Awaitable[Any]] = inline, **overrides: Any
) -> World:
    """Return a world with its topics made; `overrides` are settings with `__` for the dot."""
    given = {**PLAIN, **{name.replace("__", "."): value for name, value in overrides.items()}}
    settings = load(None, environment={}, overrides={"topics.partitions": partitions, **given})
    world = World(settings, on_kernel)
    assert await create_topics(await world.log.admin(), settings.topics) == []
    return world
