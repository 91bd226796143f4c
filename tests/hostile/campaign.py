"""The campaign: rounds of messages, topic after topic, with the judge at the end of each round.

How much of what is sent, and when it is looked at, is decided here.
"""

from __future__ import annotations

import gc
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from monitor.app.ports import RecordRefused
from tests.hostile.arena import INPUTS, Sent, enter, quiet
from tests.hostile.grammar import ACCOUNTS, ASSETS, FUNDS, SYMBOLS, Grammar
from tests.hostile.judge import Judge, Place
from tests.hostile.mutation import bent, bombs, dumped
from tests.hostile.oracle import Bounds, Oracle
from tests.hostile.script import WITNESSES, Script

SHARES = {"mark_prices": 42, "instruments": 4, "assets": 5, "insurance_funds": 5, "account_events": 44}
ROUND = 500
LIMITS = {"limits__max_accounts": 400, "limits__max_symbols": 120, "limits__max_assets": 40, "limits__max_funds": 12}
BOUNDS = Bounds(accounts=400, symbols=120, assets=40, funds=12)
STATE_CHECKED_EVERY = 20
SLOWEST_SECONDS = 10.0
"""No message may keep the kernel thread longer than this, in CPU time."""
_WARM_UP = 0.4
_HEADERS: list[tuple[Any, ...]] = [
    (),
    (("error-code", b"none"), ("original-offset", b"-1")),
    tuple((f"h{number}", b"v") for number in range(1_000)),
    (("é" * 100, b"\xff\x00" * 50_000), ("", b"")),
]


@dataclass
class Report:
    """Hold what came of a campaign."""

    seed: int
    messages: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    memory: list[tuple[int, float, int]] = field(default_factory=list)
    """(messages, resident MB, live objects) after each look."""
    judge: Judge = field(default_factory=Judge)

    def slope(self) -> tuple[float, float]:
        """Return MB and objects gained per 100,000 messages, over what came after the warm-up."""
        late = [one for one in self.memory if one[0] >= _WARM_UP * self.messages]
        if len(late) < 3:
            return 0.0, 0.0
        return _slope([(n, mb) for n, mb, _ in late]) * 1e5, _slope([(n, float(o)) for n, _, o in late]) * 1e5


class Campaign:
    """Attack one instance with so many messages."""

    def __init__(self, seed: int, messages: int, say: Callable[[str], None] = lambda _: None) -> None:
        self._random = Random(seed)
        self._messages = messages
        self._say = say
        self._grammar = Grammar(self._random)
        self._script = Script(Random(seed + 1))
        self.report = Report(seed)

    async def run(self) -> Report:
        """Fight; return the report. Raises what ends an instance."""
        started = time.monotonic()
        self._mine, self._twin = await enter(**LIMITS), await enter()
        self._oracle = Oracle(BOUNDS, self._mine.world.settings.topics.partitions, self._mine.world.now_ms)
        await self._open()
        rounds = 0
        while self.report.messages < self._messages:
            await self._round()
            rounds += 1
            if rounds % STATE_CHECKED_EVERY == 0:
                await self._look()
            if self.report.judge.complaints:
                break
        await self._look()
        for corner in (self._mine, self._twin):
            await corner.running.stop()
        self.report.seconds = time.monotonic() - started
        self.report.slowest_seconds = self._mine.slowest
        if self._mine.slowest > SLOWEST_SECONDS:
            self.report.judge.complain(f"a message kept the kernel thread for {self._mine.slowest:.1f} s")
        if self._mine.running.notes.faults or self._mine.running.notes.takeovers != 2:
            notes = self._mine.running.notes
            self.report.judge.complain(f"faults of the log {notes.faults[:5]}, takeovers {notes.takeovers}")
        return self.report

    # ------------------------------------------------------------------------------------------------- sending
    async def _open(self) -> None:
        """Let the honest producers begin."""
        now_ms = self._mine.world.now_ms()
        self._sent: dict[Place, tuple[Sent, int]] = {}
        for body in self._script.instruments():
            self._send("instruments", body["symbol"].encode(), dumped(body))
        for body in self._script.assets(now_ms):
            self._send("assets", body["asset"].encode(), dumped(body))
        await self._settle()
        self._send("mark_prices", b"x", dumped(self._script.prices(now_ms)))
        for number, name in enumerate(WITNESSES):
            self._send("account_events", name.encode(), dumped(self._script.account(number, now_ms, snapshot=True)))
        for name in ("h0", "h1"):
            body = {"account_id": name, "version": 0, "event_time_ms": 0, "snapshot": True}
            self._send("account_events", name.encode(), dumped(body))
        await self._settle()

    async def _settle(self) -> None:
        await quiet([self._mine, self._twin])

    async def _round(self) -> None:
        random, now_ms = self._random, self._mine.world.now_ms()
        self._grammar.now_ms = now_ms
        for role in INPUTS:
            for _ in range(ROUND * SHARES[role] // 100):
                self._hostile(role, now_ms)
            if role == "mark_prices":
                self._send(role, b"x", dumped(self._script.prices(now_ms)))
            if role == "account_events":
                number = random.randrange(len(WITNESSES))
                body = self._script.account(number, now_ms, snapshot=random.random() < 0.3)
                self._send(role, WITNESSES[number].encode(), dumped(body))
            await self._settle()
        await self._mine.world.pass_time(0.3)
        await self._settle()
        self._judge_round()

    def _hostile(self, role: str, now_ms: int) -> None:
        """Send one message of the attacker."""
        random = self._random
        kind = random.random()
        if kind < 0.06 and role != "insurance_funds":
            key, value = self._script.attack(role, now_ms)
            self._send(role, key, value, is_for_twin=False, kind="at a witness")
            return
        key, node = self._valid(role)
        if kind < 0.22:
            self._send(role, key, dumped(node, random), kind="valid")
        elif kind < 0.224:
            self._send(role, key, bombs(random, role, node), kind="bomb")
        elif kind < 0.26:
            self._send(role, self._strange_key(key), dumped(node, random), kind="strange key")
        elif kind < 0.28:
            self._send(role, key, None if role != "account_events" else b"", kind="no value")
        elif kind < 0.30 and role == "account_events":
            self._send(role, key, dumped(node, random), partition=random.randrange(2), kind="partition")
        else:
            self._send(role, key, bent(random, node), kind="bent")

    def _valid(self, role: str) -> tuple[bytes, Any]:
        grammar = self._grammar
        if role == "mark_prices":
            return b"x", grammar.prices()
        if role == "account_events":
            body = grammar.account()
            return body["account_id"].encode(), body
        body = {"instruments": grammar.instrument, "assets": grammar.asset, "insurance_funds": grammar.fund}[role]()
        return str(
            body.get("symbol") or body.get("asset") if role != "insurance_funds" else body["fund"]
        ).encode(), body

    def _strange_key(self, key: bytes) -> bytes | None:
        random = self._random
        pool = [*ACCOUNTS, *SYMBOLS, *ASSETS, *FUNDS]
        if random.random() < 0.01:
            return b"k" * 300_000
        odd = [None, b"", b"\xff\xfe", key + b"\x00", key.upper(), b"k" * 10_000]
        return random.choice([*odd, random.choice(pool).encode()])

    def _send(
        self,
        role: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        is_for_twin: bool = True,
        kind: str = "honest",
    ) -> None:
        """Send a message to the attacked instance, and to the twin where the contract allows it."""
        headers = self._random.choice(_HEADERS) if self._random.random() < 0.02 else ()
        try:
            sent = self._mine.send(role, key, value, partition, headers)
        except RecordRefused:
            self.report.kinds["refused by the broker"] += 1
            return
        refused = self._refusals(role, sent)
        self._sent[sent.topic, sent.partition, sent.offset] = (sent, refused)
        self.report.messages += 1
        self.report.kinds[kind] += 1
        if not is_for_twin:
            return
        if not refused:
            self._twin.send(role, key, value, sent.partition, ())
        elif role == "mark_prices" and self._oracle.good:
            self._twin.send(role, key, dumped(self._oracle.good), sent.partition, ())

    def _refusals(self, role: str, sent: Sent) -> int:
        oracle = self._oracle
        match role:
            case "mark_prices":
                return oracle.prices(sent.value)
            case "instruments":
                return oracle.instrument(sent.key, sent.value)
            case "assets":
                return oracle.asset(sent.key, sent.value)
            case "insurance_funds":
                return oracle.fund(sent.key, sent.value)
        return oracle.account(sent.key, sent.value, sent.partition)

    # ------------------------------------------------------------------------------------------------- looking
    def _judge_round(self) -> None:
        judge, topics = self.report.judge, self._mine.world.topics
        chains = {topics.margin_calls, topics.liquidations, topics.adl_events}
        mine, twins = self._mine.tap.drain(), self._twin.tap.drain()
        judge.dead_letters(self._sent, [record for record in mine if record.topic == topics.dead_letters])
        judge.dead_letters({}, [record for record in twins if record.topic == topics.dead_letters])
        judge.same_events(
            [record for record in mine if record.topic in chains],
            [record for record in twins if record.topic in chains],
        )
        self._sent = {}
        for corner in (self._mine, self._twin):
            corner.forget()

    async def _look(self) -> None:
        """Compare the states, and measure the memory."""
        for corner in (self._mine, self._twin):
            await corner.world.pass_time(2.0)
        await self._settle()
        self._judge_round()
        self.report.judge.same_state(self._mine, self._twin)
        gc.collect()
        self.report.memory.append((self.report.messages, _resident_mb(), len(gc.get_objects())))
        self._say(
            f"{self.report.messages} messages, {self.report.judge.refused.total()} refused,"
            f" {self.report.judge.events} events, {self.report.memory[-1][1]:.0f} MB,"
            f" slowest {self._mine.slowest:.2f} s"
        )


def _resident_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _slope(points: list[tuple[int, float]]) -> float:
    """Return the slope of the line of least squares."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0
