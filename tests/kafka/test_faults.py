"""What Kafka does to its clients, and what they make of it: absence, death, refusal, decay."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.adapters.kafka.clients import Clients
from monitor.app.ports import (
    CorruptRecord,
    LogForbidden,
    LogReader,
    LogUnavailable,
    OutcomeUnknown,
    OutputRecord,
    Record,
    TopicPartition,
    TopicSpec,
    WriterFenced,
)
from tests.broker import guarded_broker, kafka
from tests.waiting import create, read, until

pytestmark = pytest.mark.kafka


@pytest_asyncio.fixture
async def log(broker: Any) -> AsyncIterator[KafkaLog]:
    """Open the log with less patience than usual."""
    found = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers, request_timeout_ms=3_000))
    yield found
    await found.close()


async def _topic(log: KafkaLog, name: str, partitions: int = 1) -> str:
    await create(log, TopicSpec(name, partitions, 1, {}))
    return name


async def _everything(log: KafkaLog, topic: str) -> list[Record]:
    reader = log.reader()
    await reader.start()
    where = TopicPartition(topic, 0)
    end = (await reader.end_offsets([where]))[where]
    reader.assign({where: 0})
    found: list[Record] = []
    while reader.position(where) < end:
        found += await reader.poll(1_000, 200)
    await reader.stop()
    return found


async def _write_until_told(log: KafkaLog, topic: str, batch: int, deadline: float) -> None:
    """Write one batch exactly once: after an unknown outcome look before writing again."""
    writer = None
    while time.monotonic() < deadline:
        try:
            writer = log.writer(f"id-{topic}")
            await writer.fence()
            if any(record.key == b"%d" % batch for record in await _everything(log, topic)):
                return
            await writer.write([OutputRecord(topic, 0, b"%d" % batch, b"%d" % n) for n in range(20)])
        except (LogUnavailable, OutcomeUnknown, WriterFenced):
            await asyncio.sleep(0.1)
        else:
            return
        finally:
            if writer is not None:
                await writer.close()
    raise AssertionError("the broker did not come back")


async def test_a_killed_broker_loses_and_doubles_nothing(log: KafkaLog, broker: Any) -> None:
    """Through a kill -9 of the broker every batch written is committed once, and a member keeps its shards."""
    topic, shared = await _topic(log, "killed"), await _topic(log, "killed-shared", 4)
    member = log.membership("outliving", shared)
    await member.start(lambda: None)
    await until(lambda: member.shards() == frozenset(range(4)))
    deadline = time.monotonic() + 60

    def outage() -> None:
        broker.kill()
        broker.start()

    outages: list[asyncio.Future[None]] = []
    for batch in range(40):
        if batch == 10:
            outages.append(asyncio.get_running_loop().run_in_executor(None, outage))
        await _write_until_told(log, topic, batch, deadline)
        assert member.shards() == frozenset(range(4))
    await asyncio.gather(*outages)
    await until(lambda: member.confirmed_ms() < 1_000, 40)
    assert member.shards() == frozenset(range(4))
    await member.stop()
    found = await _everything(log, topic)
    assert [record.key for record in found] == [b"%d" % batch for batch in range(40) for _ in range(20)]


async def _coordinated(broker: Any, transactional_id: str) -> None:
    """Have the broker coordinate an id: the first of all takes it longer than an impatient writer waits."""
    log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    writer = log.writer(transactional_id)
    await writer.fence()
    await writer.close()
    await log.close()


async def test_a_broker_killed_under_a_write_leaves_nothing_running(log: KafkaLog, broker: Any) -> None:
    """A write that loses its broker ends within its limits, and closing afterwards leaves no task behind."""
    topic = await _topic(log, "under-a-write")
    settings = KafkaSettings(
        bootstrap_servers=broker.bootstrap_servers, request_timeout_ms=1_000, transaction_timeout_ms=2_000
    )
    impatient = KafkaLog(settings)
    before = asyncio.all_tasks()
    await _coordinated(broker, f"id-{topic}")
    writer = impatient.writer(f"id-{topic}")
    await writer.fence()
    await writer.write([OutputRecord(topic, 0, b"k", b"v")])
    await asyncio.to_thread(broker.kill)
    try:
        with pytest.raises(OutcomeUnknown):
            await writer.write([OutputRecord(topic, 0, b"k", b"v")])
    finally:
        starting = asyncio.get_running_loop().run_in_executor(None, broker.start)
    await writer.close()
    await impatient.close()
    await until(lambda: asyncio.all_tasks() == before)
    await starting


async def test_a_frozen_broker_holds_nobody(broker: Any) -> None:
    """While the broker is frozen reads and writes end within their limits, and everything stops within seconds."""
    settings = KafkaSettings(
        bootstrap_servers=broker.bootstrap_servers, request_timeout_ms=1_000, transaction_timeout_ms=2_000
    )
    log = KafkaLog(settings)
    topic = await _topic(log, "frozen")
    reader, writer, member = log.reader(), log.writer(f"id-{topic}"), log.membership("frozen", topic)
    await reader.start()
    reader.assign({TopicPartition(topic, 0): 0})
    await member.start(lambda: None)
    await _coordinated(broker, f"id-{topic}")
    await writer.fence()
    await writer.write([OutputRecord(topic, 0, b"k", b"v")])
    await read(reader, 1)
    await until(lambda: member.shards() == {0})
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        with pytest.raises(LogUnavailable):
            await reader.end_offsets([TopicPartition(topic, 0)])
        assert await reader.poll(10, 100) == []
        with pytest.raises(OutcomeUnknown):
            await writer.write([OutputRecord(topic, 0, b"k", b"v")])
        async with asyncio.timeout(8):
            await asyncio.gather(reader.stop(), writer.close(), member.stop())
            await log.close()
    finally:
        os.kill(broker.pid, signal.SIGCONT)


async def test_a_cancelled_write_does_not_hold_readers_back(log: KafkaLog) -> None:
    """A cancelled write is aborted when its writer is closed, long before the transaction would time out."""
    topic = await _topic(log, "cancelled")
    writer, reader = log.writer(f"id-{topic}"), log.reader()
    await writer.fence()
    writing = asyncio.create_task(
        writer.write([OutputRecord(topic, 0, b"%d" % n, random.Random(n).randbytes(1_000)) for n in range(20_000)])
    )
    await reader.start()
    where = TopicPartition(topic, 0)
    reader.assign({where: 0})
    while reader.unresolved(where) == 0:
        assert await reader.poll(10, 50) == []
    writing.cancel()
    await asyncio.wait({writing})
    assert writing.cancelled()
    await writer.close()
    async with asyncio.timeout(5):
        while (await reader.end_offsets([where]))[where] == 0:
            assert await reader.poll(10, 50) == []
    await reader.stop()


async def test_a_reader_whose_client_died_inside_goes_on(log: KafkaLog) -> None:
    """When the client's fetching task ends, which it never tells, the reader goes on from where it was."""
    where = TopicPartition(await _topic(log, "died-inside"), 0)
    writer, reader = log.writer("id-died-inside"), log.reader()
    await writer.fence()
    await writer.write([OutputRecord(*where, b"k", b"before")])
    await reader.start()
    reader.assign({where: 0})
    assert [record.value for record in await read(reader, 1)] == [b"before"]
    fetching = reader._consumer._fetcher.error_future
    fetching.cancel()
    await asyncio.wait({fetching})
    await writer.write([OutputRecord(*where, b"k", b"after")])
    assert [record.value for record in await read(reader, 1)] == [b"after"]
    await writer.close()
    await reader.stop()


async def test_an_error_in_the_callback_reaches_the_watcher(log: KafkaLog) -> None:
    """What `on_change` raises is not swallowed by the client: watching the membership raises it."""
    topic = await _topic(log, "callback")

    def fail() -> None:
        raise ZeroDivisionError

    member = log.membership("callback", topic)
    await member.start(fail)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(member.watch(), 20)
    await member.stop()


async def test_an_absent_broker_is_unavailable() -> None:
    """While nobody listens every call reports unavailability, a membership goes on trying, and stopping is quick."""
    log = KafkaLog(KafkaSettings(bootstrap_servers=f"127.0.0.1:{kafka.free_ports(1)[0]}", request_timeout_ms=1_000))
    with pytest.raises(LogUnavailable):
        await log.reader().start()
    writer = log.writer("id")
    with pytest.raises(LogUnavailable):
        await writer.fence()
    await writer.close()
    with pytest.raises(LogUnavailable):
        await (await log.admin()).describe(["any"])
    member = log.membership("group", "any")
    await member.start(lambda: None)
    watching = asyncio.create_task(member.watch())
    await until(lambda: member.confirmed_ms() > 1_500)
    assert not watching.done()
    watching.cancel()
    async with asyncio.timeout(5):
        await member.stop()
        await log.close()


async def test_a_cluster_without_brokers_is_unavailable() -> None:
    """A cluster that comes up and names no broker yet trips an assertion of the client: for us it is unavailable."""

    class Tripping:
        """Stand for a producer that looks for its coordinator among no brokers."""

        stopped = False

        async def start(self) -> None:
            raise AssertionError("Did we not perform bootstrap?")

        async def stop(self) -> None:
            self.stopped = True

    client = Tripping()
    with pytest.raises(LogUnavailable, match="bootstrap"):
        await Clients(KafkaSettings(bootstrap_servers="127.0.0.1:1")).open(client, "fencing")
    assert client.stopped


async def test_a_silent_port_is_unavailable() -> None:
    """A port that accepts and says nothing runs into the time limit instead of hanging."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        servers = f"127.0.0.1:{silent.getsockname()[1]}"
        log = KafkaLog(KafkaSettings(bootstrap_servers=servers, request_timeout_ms=500))
        async with asyncio.timeout(10):
            with pytest.raises(LogUnavailable):
                await log.reader().start()


async def test_a_wrong_password_is_forbidden(request: pytest.FixtureRequest) -> None:
    """A wrong password is told from an absent broker by all that connect, the right one lets us in."""
    broker = await asyncio.to_thread(guarded_broker, request)
    right, wrong = (_sasl(broker, broker.passwords[name]) for name in ("m", "wrong"))
    assert await (await right.admin()).describe(["any"]) == {}
    with pytest.raises(LogForbidden, match="Authentication"):
        await wrong.reader().start()
    with pytest.raises(LogForbidden):
        await wrong.writer("id").fence()
    with pytest.raises(LogForbidden):
        await (await wrong.admin()).describe(["any"])
    member = wrong.membership("group", "any")
    await member.start(lambda: None)
    with pytest.raises(LogForbidden):
        await member.watch()
    await member.stop()


def _sasl(broker: Any, password: Path) -> KafkaLog:
    return KafkaLog(
        KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_username="m",
            sasl_password_file=str(password),
        )
    )


@pytest.fixture
def untrusted(tmp_path: Path) -> ssl.SSLContext:
    """Return the context of a server with a certificate nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_an_untrusted_certificate_is_forbidden(untrusted: ssl.SSLContext) -> None:
    """A server whose certificate we do not trust is refused as a fault of certificates, not retried."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=untrusted)
    async with server:
        servers = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        log = KafkaLog(KafkaSettings(bootstrap_servers=servers, security_protocol="SSL"))
        with pytest.raises(LogForbidden, match="CERTIFICATE_VERIFY_FAILED"):
            await log.reader().start()


async def test_a_corrupt_batch_is_said_and_hides_nothing(log: KafkaLog, broker: Any) -> None:
    """A batch that fails its checksum stops the reader just there; what lies before it, and beside it, is delivered."""
    topic = await _topic(log, "corrupt", 2)
    writer = log.writer(f"id-{topic}")
    await writer.fence()
    for n in range(6):
        await writer.write([OutputRecord(topic, p, b"%d" % n, b"value-%d" % n) for p in (0, 1)])
    await writer.close()
    await log.close()
    await asyncio.to_thread(broker.stop)
    _damage(broker.folder / "data" / f"{topic}-0" / "00000000000000000000.log", b"value-3")
    await asyncio.to_thread(broker.start)
    reader = log.reader()
    await reader.start()
    reader.assign({TopicPartition(topic, 0): 0, TopicPartition(topic, 1): 0})
    found: list[Record] = []
    with pytest.raises(CorruptRecord) as corrupt:
        await _poll_for_ever(reader, found)
    assert corrupt.value.where == (topic, 0)
    assert corrupt.value.position == reader.position(TopicPartition(topic, 0)) == 5
    assert [record.key for record in sorted(found) if record.partition == 0] == [b"0", b"1", b"2"]
    reader.assign({TopicPartition(topic, 1): 0})
    assert [record.key for record in await read(reader, 6)] == [b"%d" % n for n in range(6)]
    await reader.stop()


async def _poll_for_ever(reader: LogReader, found: list[Record]) -> None:
    async with asyncio.timeout(20):
        while True:
            found += await reader.poll(100, 200)


def _damage(segment: Path, text: bytes) -> None:
    content = bytearray(segment.read_bytes())
    at = content.index(text)
    content[at] ^= 0xFF
    segment.write_bytes(content)
