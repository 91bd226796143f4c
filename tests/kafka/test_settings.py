"""Settings that cannot work are named before anything connects, and no secret is ever shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.app.ports import LogForbidden

SASL = {
    "bootstrap_servers": "localhost:1",
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "PLAIN",
    "sasl_username": "monitor",
}


@pytest.mark.parametrize(
    "key",
    [
        "isolation_level",
        "auto_offset_reset",
        "enable_auto_commit",
        "acks",
        "transactional_id",
        "enable_idempotence",
        "partition_assignment_strategy",
        "group_instance_id",
        "sasl_plain_password",
        "session_timeout_ms",
    ],
)
def test_keys_that_are_decided_here_are_errors(key: str) -> None:
    """What the guarantees rest on cannot be changed through the client's settings; the error names the key."""
    with pytest.raises(ValueError, match=rf"client\.{key}"):
        KafkaSettings(client={key: "x"})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"security_protocol": "TLS"}, "security_protocol"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, "sasl_username"),
        ({"ssl_certfile": "a.pem"}, "ssl_keyfile"),
        ({"request_timeout_ms": 0}, "request_timeout_ms"),
        ({"heartbeat_interval_ms": 5_000}, "heartbeat_interval_ms"),
        ({"group_id": ""}, "group_id"),
        ({"bootstrap_servers": " "}, "bootstrap_servers"),
    ],
)
def test_contradictions_are_named(settings: dict[str, Any], named: str) -> None:
    """Settings that contradict themselves are refused with the name of the key."""
    with pytest.raises(ValueError, match=named):
        KafkaSettings(**settings)


def test_unknown_client_keys_are_errors() -> None:
    """A key no client of aiokafka knows is refused when the log is opened."""
    with pytest.raises(ValueError, match=r"client\.no_such_key"):
        KafkaLog(KafkaSettings(bootstrap_servers="localhost:1", client={"no_such_key": 1}))


def test_missing_credentials_are_forbidden(tmp_path: Path) -> None:
    """A password file or a certificate that cannot be read is a fault of credentials."""
    with pytest.raises(LogForbidden, match="absent"):
        KafkaLog(KafkaSettings(**SASL, sasl_password_file=str(tmp_path / "absent")))
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate", encoding="utf-8")
    with pytest.raises(LogForbidden):
        KafkaLog(KafkaSettings(bootstrap_servers="localhost:1", security_protocol="SSL", ssl_cafile=str(bad)))


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """The password appears in no representation of the settings or of the log."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n", encoding="utf-8")
    settings = KafkaSettings(**SASL, sasl_password_file=str(secret))
    assert "hunter2" not in f"{settings!r}{KafkaLog(settings)!r}"


def test_client_keys_reach_only_clients_that_know_them() -> None:
    """A setting of the producer does not trip the consumer."""
    settings = KafkaSettings(
        bootstrap_servers="localhost:1", client={"max_request_size": 5_000_000, "client_rack": "a"}
    )
    assert KafkaLog(settings).reader() is not None
