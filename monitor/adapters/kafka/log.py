"""Kafka as the port's `Log`: hands out readers, writers, memberships and the admin over one set of settings."""

from __future__ import annotations

from monitor.adapters.kafka.admin import KafkaAdmin
from monitor.adapters.kafka.clients import Clients
from monitor.adapters.kafka.inspection import Inspection
from monitor.adapters.kafka.membership import KafkaMembership
from monitor.adapters.kafka.outlet import KafkaOutlet
from monitor.adapters.kafka.reader import KafkaReader
from monitor.adapters.kafka.settings import KafkaSettings
from monitor.adapters.kafka.writer import KafkaWriter


class KafkaLog:
    """Open everything the application needs from one cluster.

    `offsets_group` is the group under which writers state consumed offsets, for lag tools only. Raises `LogForbidden`
    when the password or the certificates cannot be read, `ValueError` when a setting of the client does not exist.
    """

    def __init__(self, settings: KafkaSettings, *, offsets_group: str | None = None) -> None:
        self._clients = Clients(settings)
        self._offsets_group = offsets_group or settings.group_id

    def reader(self) -> KafkaReader:
        """Return a new reader, not started."""
        return KafkaReader(self._clients)

    def writer(self, transactional_id: str) -> KafkaWriter:
        """Return a new writer, not fenced."""
        return KafkaWriter(self._clients, transactional_id, self._offsets_group)

    def outlet(self) -> KafkaOutlet:
        """Return a writer of single messages, outside transactions, not started."""
        return KafkaOutlet(self._clients)

    def membership(self, group_id: str, topic: str) -> KafkaMembership:
        """Return a membership in the group that shares the partitions of `topic`, not started."""
        return KafkaMembership(self._clients, group_id, topic)

    async def admin(self) -> KafkaAdmin:
        """Return the admin of the cluster."""
        return KafkaAdmin(self._clients)

    def inspection(self) -> Inspection:
        """Return what looks at the cluster for the doctor, not connected."""
        return Inspection(self._clients)

    async def close(self) -> None:
        """Wait, within bounds, for clients that are being stopped in the background."""
        await self._clients.close()
