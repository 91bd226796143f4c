"""The Kafka that is configured, opened in one place, so that a wrong client setting is bad input to every command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cli.exits import BadInput

if TYPE_CHECKING:
    from monitor.adapters.kafka import KafkaLog
    from monitor.config import Settings


def open_kafka(settings: Settings, offsets_group: str | None = None) -> KafkaLog:
    """Return the log, its client's own logging tamed. Raises `BadInput` for a setting the client does not know."""
    from monitor.adapters.kafka import KafkaLog, tame_client_logging  # noqa: PLC0415  # slow to load

    tame_client_logging()
    try:
        return KafkaLog(settings.kafka, offsets_group=offsets_group)
    except ValueError as fault:
        raise BadInput(f"kafka.client: {fault}") from None
