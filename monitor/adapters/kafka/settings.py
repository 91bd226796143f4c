"""The settings of the connection to Kafka and what is wrong with them; building clients from them is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_DECIDED_HERE = {
    "isolation_level": "only committed records may be read",
    "auto_offset_reset": "positions are always explicit",
    "enable_auto_commit": "positions are kept with the state",
    "auto_commit_interval_ms": "positions are kept with the state",
    "acks": "every replica in sync must have a record",
    "enable_idempotence": "every writer is transactional, or idempotent by itself",
    "transactional_id": "it belongs to a shard",
    "partition_assignment_strategy": "shards are shared out by our own sticky assignor",
    "group_instance_id": "static members take over from each other without end",
    "group_id": "it has its own key, kafka.group_id",
    "max_poll_interval_ms": "the client's check of it does not work",
    "loop": "it is not a setting",
    "api_version": "it is not a setting",
    "key_serializer": "records are bytes",
    "value_serializer": "records are bytes",
    "key_deserializer": "records are bytes",
    "value_deserializer": "records are bytes",
    "partitioner": "every record names its partition",
    "ssl_context": "it is built from kafka.ssl_cafile, kafka.ssl_certfile and kafka.ssl_keyfile",
    "sasl_plain_username": "it has its own key, kafka.sasl_username",
    "sasl_plain_password": "it is read from kafka.sasl_password_file",
}
_OWN_KEYS = (
    "bootstrap_servers",
    "security_protocol",
    "sasl_mechanism",
    "session_timeout_ms",
    "heartbeat_interval_ms",
    "rebalance_timeout_ms",
    "transaction_timeout_ms",
    "request_timeout_ms",
)


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Hold how to reach Kafka and how patient to be; all times in milliseconds.

    `client` goes to the clients as it is, each key to those that know it. Secrets are named by file, never held here.
    Raises `ValueError` naming the key when the settings contradict themselves.
    """

    bootstrap_servers: str | None = None
    group_id: str = "liqmon"
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password_file: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    session_timeout_ms: int = 6_000
    heartbeat_interval_ms: int = 400
    rebalance_timeout_ms: int = 15_000
    transaction_timeout_ms: int = 10_000
    request_timeout_ms: int = 10_000
    client: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "client", MappingProxyType(dict(self.client)))
        if problems := self._problems():
            raise ValueError("; ".join(problems))

    @property
    def uses_tls(self) -> bool:
        """Return whether connections are encrypted."""
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        """Return whether a user name and a password are asked for."""
        return self.security_protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def _problems(self) -> list[str]:
        found = [f"client.{key} may not be set: {_DECIDED_HERE[key]}" for key in self.client if key in _DECIDED_HERE]
        found += [f"client.{key} has its own key, kafka.{key}" for key in self.client if key in _OWN_KEYS]
        if not self.group_id:
            found.append("group_id must not be empty")
        if self.bootstrap_servers is not None and not self.bootstrap_servers.strip():
            found.append("bootstrap_servers must name a server (leave it out for the embedded log)")
        if self.security_protocol not in PROTOCOLS:
            found.append(f"security_protocol must be one of {', '.join(PROTOCOLS)}")
        if self.uses_sasl:
            found += self._sasl_problems()
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            found.append("ssl_certfile and ssl_keyfile go together")
        times = [name for name in _OWN_KEYS if name.endswith("_ms")]
        found += [f"{name} must be above 0" for name in times if getattr(self, name) <= 0]
        if self.heartbeat_interval_ms * 3 > self.session_timeout_ms:
            found.append("heartbeat_interval_ms must be at most a third of session_timeout_ms")
        return found

    def _sasl_problems(self) -> list[str]:
        found = []
        if self.sasl_mechanism not in MECHANISMS:
            found.append(f"sasl_mechanism must be one of {', '.join(MECHANISMS)}")
        if not self.sasl_username:
            found.append("sasl_username is needed")
        if not self.sasl_password_file:
            found.append("sasl_password_file is needed")
        return found
