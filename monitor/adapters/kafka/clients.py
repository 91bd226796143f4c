"""How clients of aiokafka are built, opened within a time limit, and got rid of; what they are for is elsewhere."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError

from monitor.adapters.kafka.faults import bounded, text_of
from monitor.adapters.kafka.settings import KafkaSettings
from monitor.app.ports import LogFault, LogForbidden, LogUnavailable

STOP_SECONDS = 1.5
_CANCEL_SECONDS = 0.5
BATCH_BYTES = 256 * 1024

_OF_PRODUCERS: Mapping[str, Any] = {"compression_type": "zstd", "max_batch_size": BATCH_BYTES, "linger_ms": 0}
"""The client compresses on the event loop: lz4, at the level it sets, takes four times as long and makes more of it."""

_KINDS = (AIOKafkaConsumer, AIOKafkaProducer, AIOKafkaAdminClient)
_log = structlog.get_logger(__name__)


def _parameters(kind: Any) -> frozenset[str]:
    return frozenset(inspect.signature(kind.__init__).parameters)


async def finish(work: Coroutine[Any, Any, object], seconds: float) -> bool:
    """Run `work` in a task of its own for at most `seconds`; return whether it ended well.

    A client that is being stopped may raise anything, a stray cancellation included: it must not reach the caller.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
    await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
    if not task.done() or task.cancelled():
        return False
    if (error := task.exception()) is not None:
        _log.debug("client_stop_failed", error=text_of(error))
    return error is None


class Clients:
    """Build clients for one set of settings and keep the tasks that stop them in the background."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Read the password and the certificates; raise `LogForbidden` when they cannot be used."""
        assert settings.bootstrap_servers is not None, "without servers the embedded log is used"
        self.settings = settings
        self.request_seconds = settings.request_timeout_ms / 1000
        known = frozenset[str]().union(*map(_parameters, _KINDS))
        if unknown := sorted(set(settings.client) - known):
            raise ValueError("; ".join(f"client.{key} is no setting of aiokafka" for key in unknown))
        self._secure = _secure(settings)
        self._background: set[asyncio.Task[object]] = set()
        self.one_by_one: set[str] = set()
        """Topics that have refused a whole batch as too large."""

    def consumer(self, **own: Any) -> Any:
        """Return a consumer, not started; whatever reads here reads committed records from explicit positions."""
        defaults = {"fetch_max_wait_ms": 100, "max_partition_fetch_bytes": 1024 * 1024, "metadata_max_age_ms": 10_000}
        decided = {"isolation_level": "read_committed", "auto_offset_reset": "none", "enable_auto_commit": False}
        return AIOKafkaConsumer(**self._options(AIOKafkaConsumer, defaults, {**decided, **own}))

    def producer(self, transactional_id: str) -> Any:
        """Return a transactional producer, not started."""
        decided = {
            "acks": "all",
            "transactional_id": transactional_id,
            "transaction_timeout_ms": self.settings.transaction_timeout_ms,
        }
        return AIOKafkaProducer(**self._options(AIOKafkaProducer, _OF_PRODUCERS, decided))

    def idempotent_producer(self) -> Any:
        """Return a producer outside transactions that writes each record once, not started."""
        decided = {"acks": "all", "enable_idempotence": True}
        return AIOKafkaProducer(**self._options(AIOKafkaProducer, _OF_PRODUCERS, decided))

    def admin(self) -> Any:
        """Return an admin client, not started."""
        return AIOKafkaAdminClient(**self._options(AIOKafkaAdminClient, {}, {}))

    async def open(self, client: Any, doing: str, seconds: float | None = None) -> None:
        """Start a client; when that fails get rid of it and raise `LogForbidden` or `LogUnavailable` and why."""
        try:
            async with bounded(seconds or self.request_seconds, doing):
                await client.start()
        except LogUnavailable as fault:
            await self.discard(client)
            if isinstance(fault.__cause__, KafkaConnectionError):
                raise await self._reason(doing) from fault
            raise
        except AssertionError as error:  # a cluster that comes up names no brokers, which the client takes for a bug
            await self.discard(client)
            raise LogUnavailable(f"{doing}: {text_of(error)}") from error
        except BaseException:
            await self.discard(client)
            raise

    async def discard(self, client: Any, seconds: float = STOP_SECONDS) -> None:
        """Stop a consumer or an admin client within bounds, whatever state it is in."""
        stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
        if await finish(stop(), seconds):
            return
        for task in _tasks_of(client):
            task.cancel()
        lower = client.client if isinstance(client, AIOKafkaProducer) else client._client  # noqa: SLF001 - nothing public closes it
        await finish(lower.close(), seconds)

    def in_background(self, work: Coroutine[Any, Any, object]) -> None:
        """Let bounded work go on by itself; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Wait a while for what goes on in the background, then cancel it."""
        if not self._background:
            return
        _, late = await asyncio.wait(self._background, timeout=2 * STOP_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_SECONDS)

    def _options(self, kind: Any, defaults: Mapping[str, Any], decided: dict[str, Any]) -> dict[str, Any]:
        known = _parameters(kind)
        wanted = {key: value for key, value in self.settings.client.items() if key in known}
        common = {
            "bootstrap_servers": self.settings.bootstrap_servers,
            "request_timeout_ms": self.settings.request_timeout_ms,
        }
        return {**defaults, **wanted, **common, **self._secure, **decided}

    async def connect(self, host: str, port: int) -> Any:
        """Return a bare connection, authenticated; raise `LogForbidden` or `LogUnavailable` and why."""
        options = {"request_timeout_ms": self.settings.request_timeout_ms, **self._secure}
        try:
            async with bounded(self.request_seconds, f"{host}:{port}"):
                return await create_conn(host, port, **options)
        except ValueError as error:  # the server does not know the password either
            raise LogForbidden(f"{host}:{port}: {text_of(error)}") from error

    async def _reason(self, doing: str) -> LogFault:
        """Connect once more by hand: the client says only that it could not, not why."""
        fault: LogFault = LogUnavailable(f"{doing}: {self.settings.bootstrap_servers} answers again")
        for host, port, _ in collect_hosts(self.settings.bootstrap_servers):
            try:
                connection = await self.connect(host, port)
            except LogForbidden as refusal:
                return refusal
            except LogUnavailable as absence:
                fault = absence
            else:
                await finish(_closed(connection), STOP_SECONDS)
        return fault


async def _closed(connection: Any) -> None:
    await connection.close()


def _tasks_of(client: Any) -> list[asyncio.Task[object]]:
    """Return the tasks a consumer leaves behind when it cannot be stopped; nothing public names them."""
    coordinator, fetcher = getattr(client, "_coordinator", None), getattr(client, "_fetcher", None)
    found = [
        getattr(coordinator, name, None) for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")
    ]
    found += [getattr(fetcher, "_fetch_task", None), *getattr(fetcher, "_pending_tasks", ())]
    return [task for task in found if task is not None and not task.done()]


def _secure(settings: KafkaSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    try:
        if settings.uses_tls:
            context = ssl.create_default_context(cafile=settings.ssl_cafile)
            if settings.ssl_certfile is not None:
                context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile)
            options["ssl_context"] = context
        if settings.uses_sasl:
            assert settings.sasl_password_file is not None, "checked with the settings"
            options["sasl_mechanism"] = settings.sasl_mechanism
            options["sasl_plain_username"] = settings.sasl_username
            options["sasl_plain_password"] = (
                Path(settings.sasl_password_file).read_text(encoding="utf-8").rstrip("\r\n")
            )
    except (OSError, UnicodeDecodeError) as error:
        raise LogForbidden(f"credentials cannot be read: {text_of(error)}") from error
    return options
