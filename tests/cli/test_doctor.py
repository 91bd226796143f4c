"""Tests of `liqmon doctor` on no Kafka: exits, JSON, and what it says of files, ports and versions."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli.doctor.machine import judge_file, judge_folder, judge_port, judge_versions
from monitor.cli.doctor.processes import File, Port
from tests.cli.conftest import Run


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port on which somebody listens who says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_without_a_kafka_configured_there_is_little_to_look_at(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the embedded log the machine is looked at, and the rest is a warning with the key to set."""
    monkeypatch.setenv("LIQMON_HTTP__PORT", "0")
    ran = liqmon("doctor", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["good"]) == (0, True)
    assert [one["do"].split(";")[0] for one in found["findings"] if one["about"] == "kafka"] == [
        "set kafka.bootstrap_servers"
    ]


def test_an_absent_kafka_is_said_quickly(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listening: exit 1 well before the patience for an answer is over, with what to look at."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LIQMON_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{unheard.getsockname()[1]}")
        began = time.monotonic()
        ran = liqmon("doctor", "--timeout", "60")
    assert ran.code == 1
    assert time.monotonic() - began < 20
    assert "ConnectionRefusedError" in ran.out
    assert "no server answers" in ran.out


def test_a_silent_kafka_costs_its_timeout(liqmon: Run, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """A port that accepts and says nothing is given up after --timeout."""
    monkeypatch.setenv("LIQMON_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{taken}")
    ran = liqmon("doctor", "--timeout", "0.3")
    assert ran.code == 1
    assert "127.0.0.1" in ran.out
    assert liqmon("doctor", "--timeout", "0").code == 2


def test_a_password_that_cannot_be_read_is_a_finding(
    liqmon: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file of credentials that is missing fails by its key, and the command goes on to its end."""
    for key, value in {
        "BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SASL_MECHANISM": "PLAIN",
        "SASL_USERNAME": "m",
        "SASL_PASSWORD_FILE": str(tmp_path / "absent"),
    }.items():
        monkeypatch.setenv(f"LIQMON_KAFKA__{key}", value)
    ran = liqmon("doctor", "--json")
    found = json.loads(ran.out)["findings"]
    assert ran.code == 1
    assert any(one["about"] == "files" and "kafka.sasl_password_file" in one["seen"] for one in found)


def test_secrets_are_for_their_owner(tmp_path: Path) -> None:
    """A secret others may read warns, an empty or absent one fails, our own is good; what is public may be open."""
    secret = tmp_path / "secret"
    verdicts = []
    for text, mode in (("s", 0o600), ("s", 0o640), ("", 0o600)):
        secret.write_text(text)
        secret.chmod(mode)
        [finding] = judge_file(File("feed.key_file", secret, is_secret=True))
        verdicts.append(finding.verdict.value)
    secret.write_text("certificate")
    secret.chmod(0o644)
    [public] = judge_file(File("kafka.ssl_cafile", secret, is_secret=False))
    [absent] = judge_file(File("feed.key_file", tmp_path / "absent", is_secret=True))
    assert verdicts == ["ok", "warning", "failure"]
    assert (public.verdict, absent.verdict) == ("ok", "failure")
    assert "feed.key_file" in absent.seen


def test_the_folder_of_snapshots_is_looked_at(tmp_path: Path) -> None:
    """One that can be made is good, one open to others warns, one below a file fails."""
    open_folder, file = tmp_path / "open", tmp_path / "file"
    open_folder.mkdir(mode=0o755)
    file.touch()
    found = [next(iter(judge_folder(path))).verdict for path in (tmp_path / "new", open_folder, file / "below")]
    assert found == ["ok", "warning", "failure"]


def test_ports_are_tried(taken: int) -> None:
    """A free port is good, one taken by a stranger fails, one where a liqmon answers warns."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        unused = free.getsockname()[1]
    found = [judge_port(Port("http.port", "127.0.0.1", port)).verdict for port in (unused, taken)]
    assert found == ["ok", "failure"]
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()

        def answer() -> None:
            connection, _ = ours.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"ok":true,"reasons":[]}')

        thread = threading.Thread(target=answer)
        thread.start()
        assert judge_port(Port("http.port", "127.0.0.1", ours.getsockname()[1])).verdict == "warning"
        thread.join(5)


def test_one_port_for_two_is_a_failure(liqmon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes configured to one port are named before either is started."""
    monkeypatch.setenv("LIQMON_GATEWAY__HTTP_PORT", "8700")
    ran = liqmon("doctor", "--process", "all")
    assert ran.code == 1
    assert "gateway.http_port and http.port are the same" in ran.out
    assert "webhooks.targets: no target" in ran.out


def test_versions_are_those_asked_for() -> None:
    """What is installed here fits; a distribution that is not there is a failure."""
    assert [one.verdict for one in judge_versions()] == ["ok"]
    assert [one.verdict for one in judge_versions("no-such-distribution")] == ["failure"]
