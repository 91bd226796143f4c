"""`liqmon webhooks`: sends alarms to HTTP targets, a process of its own; and `--enable`, which takes a target back.

Signals and the files with secrets live here; what is sent, and when, is in `monitor.app.webhooks`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli.clock import now_ms
from monitor.cli.door import serving
from monitor.cli.exits import BadInput, Exit, OutsideFault
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, settings_of
from monitor.cli.topic_wait import TopicWait

if TYPE_CHECKING:
    from monitor.adapters.webhooks import HttpDelivery
    from monitor.app.webhooks.observing import WebhookObserver
    from monitor.app.webhooks.restoring import Tools
    from monitor.app.webhooks.sender import Sender
    from monitor.app.webhooks.targets import Target
    from monitor.config import Settings

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `webhooks`."""
    parser = subparsers.add_parser(
        "webhooks",
        help="send alarms to HTTP targets",
        description="Send the events of the output topics to the targets of [webhooks.targets] until SIGTERM or "
        "SIGINT: signed, tried again, in order, each acknowledged, told in a digest or parked. Of several instances "
        "one sends, the others stand by. docs/webhooks.md has what receivers are promised.",
    )
    add_config_option(parser)
    parser.add_argument(
        "--enable",
        metavar="TARGET",
        help="send again to a target that answered 410 (gone), and end; what was parked stays in webhooks-parked",
    )


def execute(args: argparse.Namespace) -> int:
    """Send until told to stop."""
    settings = settings_of(args)
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers is not configured: webhooks tell what stands in the topics of a Kafka")
    if not settings.webhooks.targets:
        raise BadInput("webhooks.targets: no target is configured; docs/webhooks.md shows one")
    if args.enable is not None and args.enable not in settings.webhooks.targets:
        known = ", ".join(settings.webhooks.targets)
        raise BadInput(f"--enable: there is no target {args.enable!r}; configured: {known}")
    return asyncio.run(_Service(settings).run(args.enable))


def sender_id_of(settings: Settings) -> str:
    """Return the group in which the one that sends is chosen."""
    return f"{settings.topics.prefix}{settings.kafka.group_id}-webhooks"


def read_targets(settings: Settings) -> dict[str, Target]:
    """Return the configured targets, with addresses from their files. Raises `BadInput`."""
    from monitor.app.webhooks.settings import why_no_url  # noqa: PLC0415  # `--help` needs none of it
    from monitor.app.webhooks.targets import check_targets  # noqa: PLC0415

    found = []
    for name, target in settings.webhooks.targets.items():
        url = target.url
        if target.url_file is not None:
            place = f"webhooks.targets.{name}.url_file"
            url = _text_of(place, target.url_file).strip()
            if (why := why_no_url(url, allow_private=target.allow_private)) is not None:
                raise BadInput(f"{place}: what it holds {why}")
        found.append(target.target(name, url))
    return check_targets(found)


def open_delivery(settings: Settings) -> HttpDelivery:
    """Return what sends, with the secrets from their files. Raises `BadInput`."""
    from monitor.adapters.webhooks import BadSecret, HttpDelivery  # noqa: PLC0415  # slow to load

    secrets: dict[str, list[str]] = {}
    for name, target in settings.webhooks.targets.items():
        place = f"webhooks.targets.{name}.secret_file"
        secrets[name] = [] if target.secret_file is None else _text_of(place, target.secret_file).split()
        if target.secret_file is not None and not secrets[name]:
            raise BadInput(f"{place}: {target.secret_file} is empty")
    try:
        trust = ssl.create_default_context(cafile=settings.webhooks.ca_file)
        return HttpDelivery(secrets, settings.webhooks.send_ms / 1000, now_ms, trust=trust)
    except BadSecret as fault:
        raise BadInput(f"webhooks: {fault}") from None
    except OSError as fault:
        raise BadInput(f"webhooks.ca_file: {settings.webhooks.ca_file}: {fault.strerror or fault}") from None


def _text_of(place: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"{place}: {fault}") from None


class _Service:
    """Hold one run of the command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._targets = read_targets(settings)
        self._delivery = open_delivery(settings)
        self._sender: Sender | None = None
        names = settings.topics.names()
        self._topics = TopicWait(names, single=(names.webhooks, names.webhooks_parked))
        self._stop = asyncio.Event()

    async def run(self, enable: str | None) -> int:
        """Serve HTTP and send, or enable a target; return the exit code."""
        from monitor.adapters.logs import configure_logs  # noqa: PLC0415  # slow to load
        from monitor.app.webhooks.observing import SilentWebhookObserver  # noqa: PLC0415

        configure_logs(self._settings.log)
        if enable is not None:
            async with self._tools(SilentWebhookObserver(), patient=False) as tools:
                return await _enable(tools, enable)
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        from monitor.adapters.metrics import WebhookMetrics  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        registry = CollectorRegistry()
        http = replace(self._settings.http, port=self._settings.webhooks.http_port)
        async with serving(http, registry, self._is_ready):
            await self._until_stopped(WebhookMetrics(registry))
        return Exit.GOOD

    async def _until_stopped(self, observer: WebhookObserver) -> None:
        """Send; a stop before there is a sender ends the waiting, and a sender ends by itself."""
        work = asyncio.create_task(self._work(observer), name="webhooks")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if self._sender is None:
                work.cancel()
            await asyncio.wait({work})
        finally:
            stopped.cancel()
            work.cancel()
            await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    async def _work(self, observer: WebhookObserver) -> None:
        from monitor.app.webhooks.sender import Sender  # noqa: PLC0415
        from monitor.app.webhooks.switchboard import BadState  # noqa: PLC0415

        async with self._tools(observer) as tools:
            self._sender = Sender(tools)
            try:
                await self._sender.run()
            except* BadState as faults:
                raise OutsideFault(f"{tools.state}: {faults.exceptions[0]}") from None

    def _asked_to_stop(self) -> None:
        log.info("asked to stop")
        self._stop.set()
        if self._sender is not None:
            self._sender.stop()

    def _is_ready(self) -> tuple[bool, Sequence[str]]:
        reasons = [self._topics.reason] if self._sender is None else self._sender.why_not_ready()
        return not reasons, reasons

    @asynccontextmanager
    async def _tools(self, observer: WebhookObserver, *, patient: bool = True) -> AsyncIterator[Tools]:
        """Put together what sends, once the log and its topics are there; without patience they must be there now."""
        from monitor.adapters.wire.subscribers import SubscriberCodec  # noqa: PLC0415
        from monitor.app.webhooks.restoring import Tools  # noqa: PLC0415

        names = self._settings.topics.names()
        sender_id = sender_id_of(self._settings)
        source = open_kafka(self._settings, offsets_group=sender_id)
        try:
            yield Tools(
                log=source,
                places=await self._topics.places(source, observer.log_fault, patient=patient),
                state=names.webhooks,
                parked=names.webhooks_parked,
                sender_id=sender_id,
                targets=self._targets,
                delivery=self._delivery,
                codec=SubscriberCodec(max_names=1),
                settings=self._settings.webhooks,
                observer=observer,
                now_ms=now_ms,
                clock=time.monotonic,
                chance=random.SystemRandom().random,
            )
        finally:
            await self._delivery.close()
            await source.close()


async def _enable(tools: Tools, target: str) -> int:
    from monitor.app.webhooks.sender import enable  # noqa: PLC0415

    if await enable(tools, target):
        print(f"{target} is sent to again, from the next event on; what was parked stays in {tools.parked}")
    else:
        print(f"{target} was never told to be gone: nothing changed")
    return Exit.GOOD
