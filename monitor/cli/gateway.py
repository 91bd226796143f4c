"""`liqmon gateway`: the websocket server beside Kafka, a process of its own; and `--mint`, which makes a token.

Signals and the file of tokens live here; what the gateway does is in `monitor.app.gateway`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import resource
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.cli.clock import now_ms
from monitor.cli.door import serving
from monitor.cli.exits import BadInput, Exit, OutsideFault
from monitor.cli.kafka_log import open_kafka
from monitor.cli.options import add_config_option, settings_of
from monitor.cli.topic_wait import TopicWait

if TYPE_CHECKING:
    from monitor.adapters.websocket.server import WebsocketServer
    from monitor.app.gateway.access import Grant
    from monitor.app.gateway.following import Follower
    from monitor.app.gateway.gateway import Gateway
    from monitor.app.gateway.observing import GatewayObserver
    from monitor.config import Settings

log = logging.getLogger(__name__)

_OTHER_FILES = 128
"""Files that are no client: the connections to the log, the HTTP door, libraries."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `gateway`."""
    parser = subparsers.add_parser(
        "gateway",
        help="serve events and statuses to websocket clients",
        description="Serve the output topics to websocket clients until SIGTERM or SIGINT: a snapshot, then what "
        "comes, each client within what its token grants. docs/gateway.md has the protocol.",
    )
    add_config_option(parser)
    parser.add_argument(
        "--mint",
        metavar="NAME",
        help="print a new token and the entry to put into gateway.token_file, and end; the token is kept nowhere",
    )
    parser.add_argument(
        "--account",
        metavar="ID",
        action="append",
        default=[],
        help="with --mint: an account the token may see, may be repeated; '*' for all of them",
    )


def execute(args: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from monitor.app.gateway.access import mint  # noqa: PLC0415  # `--help` needs none of it

    if args.mint is not None:
        if not args.account:
            raise BadInput("--mint needs --account: a token that sees nothing is of no use")
        token, entry = mint(args.mint, args.account)
        print(f"token: {token}\n\n# into the file of gateway.token_file:\n{entry}", end="")
        return Exit.GOOD
    settings = settings_of(args)
    if settings.kafka.bootstrap_servers is None:
        raise BadInput("kafka.bootstrap_servers is not configured: the gateway serves the topics of a Kafka")
    return asyncio.run(_Service(settings, grants_of(settings)).run())


def grants_of(settings: Settings) -> list[Grant]:
    """Return what the configured file of tokens grants. Raises `BadInput`."""
    from monitor.app.gateway.access import BadGrants, read_grants  # noqa: PLC0415

    path = settings.gateway.token_file
    if path is None:
        raise BadInput("gateway.token_file is not configured: nobody could come in; `liqmon gateway --mint` begins one")
    try:
        return read_grants(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"gateway.token_file: {fault}") from None
    except BadGrants as fault:
        raise BadInput(f"{path}: {fault}") from None


def allow_files(wanted: int) -> int:
    """Raise the number of files this process may open to `wanted`, or as far as it may be; return what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in {soft, hard} or soft >= wanted:
        return soft if soft != resource.RLIM_INFINITY else wanted
    allowed = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


async def _follow(follower: Follower) -> None:
    from monitor.app.gateway.standings import TooManyScopes  # noqa: PLC0415

    try:
        await follower.run()
    except TooManyScopes as fault:
        raise OutsideFault(str(fault)) from None


class _Service:
    """Hold one run of the gateway."""

    def __init__(self, settings: Settings, grants: Sequence[Grant]) -> None:
        self._settings = settings
        self._grants = grants
        self._follower: Follower | None = None
        self._topics = TopicWait(settings.topics.names(), statuses=True)
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Serve HTTP, load, serve clients; return the exit code."""
        from prometheus_client import CollectorRegistry  # noqa: PLC0415  # slow to load

        from monitor.adapters.logs import configure_logs  # noqa: PLC0415
        from monitor.adapters.metrics import GatewayMetrics  # noqa: PLC0415

        configure_logs(self._settings.log)
        needed = self._settings.gateway.max_clients + _OTHER_FILES
        if (allowed := allow_files(needed)) < needed:
            log.warning("only %d files may be open: fewer clients than gateway.max_clients fit (ulimit -n)", allowed)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        registry = CollectorRegistry()
        http = replace(self._settings.http, port=self._settings.gateway.http_port)
        async with serving(http, registry, self._is_ready):
            await self._until_stopped(GatewayMetrics(registry))
        return Exit.GOOD

    async def _until_stopped(self, observer: GatewayObserver) -> None:
        work = asyncio.create_task(self._work(observer), name="gateway")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not work.done():
                log.info("asked to stop")
                work.cancel()
            await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    def _is_ready(self) -> tuple[bool, Sequence[str]]:
        reasons = [self._topics.reason] if self._follower is None else self._follower.why_not_ready()
        return not reasons, reasons

    async def _work(self, observer: GatewayObserver) -> None:
        from monitor.adapters.websocket.server import WebsocketServer  # noqa: PLC0415
        from monitor.adapters.wire.subscribers import SubscriberCodec  # noqa: PLC0415
        from monitor.app.gateway.access import Doorkeeper  # noqa: PLC0415
        from monitor.app.gateway.following import Follower  # noqa: PLC0415
        from monitor.app.gateway.gateway import Gateway  # noqa: PLC0415
        from monitor.app.gateway.hub import Hub  # noqa: PLC0415

        settings = self._settings.gateway
        source = open_kafka(self._settings)
        try:
            places = await self._topics.places(source, observer.log_fault)
            codec = SubscriberCodec(settings.max_names)
            hub = Hub(places, settings, codec, observer, now_ms)
            self._follower = Follower(source, places, hub, settings, observer)
            gateway = Gateway(hub, settings, Doorkeeper(self._grants), observer)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._read_tokens_again, gateway)
            server = WebsocketServer(settings, gateway, codec, observer)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_follow(self._follower), name="follower")
                tasks.create_task(self._serve(server, gateway, self._follower), name="clients")
        finally:
            await source.close()

    def _read_tokens_again(self, gateway: Gateway) -> None:
        """Take the file of tokens as it is now; one that is wrong changes nothing."""
        from monitor.app.gateway.access import Doorkeeper  # noqa: PLC0415

        try:
            grants = grants_of(self._settings)
        except BadInput as fault:
            log.error("the tokens stay as they were: %s", fault)  # noqa: TRY400  # the fault is the operator's, not ours
            return
        log.info("%d tokens are known; %d clients were let go", len(grants), gateway.change_locks(Doorkeeper(grants)))

    async def _serve(self, server: WebsocketServer, gateway: Gateway, follower: Follower) -> None:
        await follower.loaded()
        gc.collect()
        gc.freeze()  # looking at millions of statuses that live on, again and again, would hold everybody up
        await server.start()
        log.info("clients are served on %s:%d", self._settings.gateway.host, server.port)
        try:
            await gateway.beat()
        finally:
            await server.stop()
