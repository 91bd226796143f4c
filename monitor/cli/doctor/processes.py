"""The processes the doctor knows: for each what it needs of Kafka, which files it reads and where it listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.app.doctor.rights import Needs, needs_of_daemon, needs_of_feed, needs_of_gateway, needs_of_webhooks
from monitor.cli.webhooks import sender_id_of

if TYPE_CHECKING:
    from monitor.config import Settings


@dataclass(frozen=True, slots=True)
class File:
    """Name a file by the key that names it; a secret is for our user alone."""

    key: str
    path: Path
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Port:
    """Name a place to listen by its key; `asked` is where its process answers about its health, itself if None."""

    key: str
    host: str
    port: int
    asked: tuple[str, int] | None = None


def _file(key: str, path: str | Path | None, *, is_secret: bool = True) -> Iterator[File]:
    if path:
        yield File(key, Path(path).expanduser(), is_secret)


def _of_every(settings: Settings) -> Iterator[File]:
    kafka = settings.kafka
    yield from _file("kafka.sasl_password_file", kafka.sasl_password_file if kafka.uses_sasl else None)
    if kafka.uses_tls:
        yield from _file("kafka.ssl_cafile", kafka.ssl_cafile, is_secret=False)
        yield from _file("kafka.ssl_certfile", kafka.ssl_certfile, is_secret=False)
        yield from _file("kafka.ssl_keyfile", kafka.ssl_keyfile)
    yield from _file("http.token_file", settings.http.token_file)


def _of_feed(settings: Settings) -> Iterator[File]:
    yield from _file("feed.key_file", settings.feed.key_file)
    yield from _file("feed.secret_file", settings.feed.secret_file)
    for account_id, given in settings.feed.access_by_account().items():
        for part in ("key_file", "secret_file"):
            yield from _file(f"feed.accounts.{account_id}.{part}", given.get(part))


def _of_gateway(settings: Settings) -> Iterator[File]:
    gateway = settings.gateway
    yield from _file("gateway.token_file", gateway.token_file)
    yield from _file("gateway.certificate_file", gateway.certificate_file, is_secret=gateway.key_file is None)
    yield from _file("gateway.key_file", gateway.key_file)


def _of_webhooks(settings: Settings) -> Iterator[File]:
    yield from _file("webhooks.ca_file", settings.webhooks.ca_file, is_secret=False)
    for name, target in settings.webhooks.targets.items():
        yield from _file(f"webhooks.targets.{name}.url_file", target.url_file)
        yield from _file(f"webhooks.targets.{name}.secret_file", target.secret_file)


@dataclass(frozen=True, slots=True)
class Process:
    """Hold what the doctor asks of one process."""

    needs: Callable[[Settings], Needs]
    files: Callable[[Settings], Iterator[File]]
    ports: Callable[[Settings], list[Port]]


def _daemon(settings: Settings) -> Needs:
    return needs_of_daemon(settings.topics.names(), settings.topics.prefix + settings.kafka.group_id)


PROCESSES: Mapping[str, Process] = {
    "run": Process(_daemon, lambda _: iter(()), lambda s: [Port("http.port", s.http.host, s.http.port)]),
    "feed": Process(
        lambda s: needs_of_feed(s.topics.names(), has_accounts=bool(s.feed.accounts)),
        _of_feed,
        lambda s: [Port("feed.http_port", s.http.host, s.feed.http_port)],
    ),
    "gateway": Process(
        lambda s: needs_of_gateway(s.topics.names()),
        _of_gateway,
        lambda s: [
            Port("gateway.port", s.gateway.host, s.gateway.port, (s.http.host, s.gateway.http_port)),
            Port("gateway.http_port", s.http.host, s.gateway.http_port),
        ],
    ),
    "webhooks": Process(
        lambda s: needs_of_webhooks(s.topics.names(), sender_id_of(s)),
        _of_webhooks,
        lambda s: [Port("webhooks.http_port", s.http.host, s.webhooks.http_port)],
    ),
}


def files_of(settings: Settings, processes: tuple[str, ...]) -> list[File]:
    """Return the files that the processes read, each once."""
    return [*_of_every(settings), *(file for name in processes for file in PROCESSES[name].files(settings))]


def ports_of(settings: Settings, processes: tuple[str, ...]) -> list[Port]:
    """Return where the processes listen, but for ports that the system chooses."""
    return [port for name in processes for port in PROCESSES[name].ports(settings) if port.port]
