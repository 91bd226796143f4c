"""Tests of `liqmon doctor` on a real Kafka: one with access rules, one with troubles."""

from __future__ import annotations

import asyncio
import json
import shlex
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.protocol.admin import CreateAclsRequest

from monitor.adapters.kafka import KafkaLog, KafkaSettings
from monitor.adapters.kafka.clients import Clients
from monitor.app.ports import TopicSpec
from monitor.app.topics import TopicSettings, create_topics
from monitor.app.venue_feed.ports import NativeMessage
from monitor.cli.clock import now_ms
from tests.broker import guarded_broker, shared_broker
from tests.programs import Program, free_port, liqmon, make_topics, write_config

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
_OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
_TOPIC, _GROUP, _TRANSACTIONAL_ID = 2, 3, 5
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


def secured(broker: Any, user: str, password: str = "") -> dict[str, object]:
    """Return the section of a user of the guarded broker."""
    return {
        "bootstrap_servers": broker.bootstrap_servers,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": user,
        "sasl_password_file": str(broker.passwords[password or user]),
    }


async def grant(broker: Any, commands: Iterable[str]) -> None:
    """Do what `kafka-acls.sh` does with these commands, read as it reads them, as the admin."""
    parser = ArgumentParser()
    for name in ("--operation", "--topic", "--group", "--transactional-id"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--resource-pattern-type", default="literal")
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--command-config", required=True)
    parser.add_argument("--add", action="store_true", required=True)
    clients = Clients(KafkaSettings(**secured(broker, "admin")))  # type: ignore[arg-type]
    connection = await clients.connect("127.0.0.1", broker.port)
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "kafka-acls.sh"
        wish = parser.parse_args(words)
        pattern = {"literal": _LITERAL, "prefixed": _PREFIXED}[wish.resource_pattern_type]
        named = ((_TOPIC, wish.topic), (_GROUP, wish.group), (_TRANSACTIONAL_ID, wish.transactional_id))
        for kind, names in named:
            for name in names:
                for operation in wish.operation:
                    asked = CreateAclsRequest(
                        kind, name, pattern, wish.allow_principal, "*", _OPERATIONS[operation], _ALLOW
                    )
                    [(code, why)] = (await connection.send(asked)).creation_responses
                    assert code == 0, why
    connection.close()


async def examined(config: Path, *words: str) -> tuple[int, list[dict[str, str]]]:
    """Run the doctor; return its exit code and what it has found."""
    done = await asyncio.to_thread(liqmon, "doctor", "--config", str(config), "--json", *words)
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    assert said["good"] == (done.returncode == 0)
    return done.returncode, said["findings"]


def commands_of(findings: list[dict[str, str]]) -> list[str]:
    """Return the commands it gives to mend refused rights."""
    return [one["do"] for one in findings if one["about"] == "rights" and one["verdict"] == "failure"]


def about(findings: list[dict[str, str]], what: str, verdict: str) -> str:
    """Return what is said about something with one verdict."""
    return "\n".join(
        f"{one['seen']} {one['do']}" for one in findings if (one["about"], one["verdict"]) == (what, verdict)
    )


async def test_what_it_tells_to_grant_is_just_what_the_processes_need(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Each right refused is told; with the commands carried out the processes work, and the doctor is content."""
    broker = await asyncio.to_thread(guarded_broker, request)
    ports = [free_port() for _ in range(5)]
    tokens, signing = tmp_path / "tokens.toml", tmp_path / "signing"
    signing.write_text("whsec_" + "A" * 32)
    signing.chmod(0o600)
    tokens.write_text('[[token]]\nname = "desk"\nsha256 = "' + "0" * 64 + '"\naccounts = ["*"]\n')
    tokens.chmod(0o600)
    sections: dict[str, Mapping[str, object]] = {
        "kafka": secured(broker, "m"),
        "topics": {"prefix": "acl.", "partitions": 2},
        "http": {"port": ports[0]},
        "gateway": {"port": ports[1], "http_port": ports[2], "token_file": str(tokens)},
        "feed": {"http_port": ports[3]},
        "webhooks": {"http_port": ports[4]},
        "webhooks.targets.desk": {"url": "https://desk.invalid/", "secret_file": str(signing)},
    }
    config = write_config(tmp_path / "m.toml", sections)
    admin = write_config(tmp_path / "admin.toml", {**sections, "kafka": secured(broker, "admin")})
    await make_topics(admin)
    code, findings = await examined(config, "--process", "all")
    assert code == 1
    refusals = about(findings, "rights", "failure")
    for said in ("run may not read acl.mark-prices", "run may not write acl.margin-calls", "may not join the group"):
        assert said in refusals
    assert "gateway may not read" in refusals
    assert "run may not write transactions as acl.liqmon-0" in refusals
    assert "webhooks may not write transactions as acl.liqmon-webhooks-0" in refusals
    await grant(broker, commands_of(findings))
    programs = [
        Program("run", config=config, health_port=ports[0]),
        Program("gateway", config=config, health_port=ports[2]),
        Program("webhooks", config=config, health_port=ports[4]),
    ]
    try:
        for program in programs:
            program.start()
        for program in programs:
            await program.ready()
        code, findings = await examined(config, "--process", "all")
    finally:
        for program in programs:
            program.close()
    assert code == 0, [one for one in findings if one["verdict"] == "failure"]
    assert commands_of(findings) == []
    assert "2 shards, 1 instance, 2 each; all of them work" in about(findings, "shards", "ok")
    assert "instance " in about(findings, "clocks", "ok")
    assert "settings may not be read" in about(findings, "topics", "warning")
    assert "a liqmon answers there" in about(findings, "ports", "warning")


async def test_a_wrong_password_is_told_from_an_absent_broker(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Refused credentials fail by the keys they stand under, and nothing else is asked."""
    broker = await asyncio.to_thread(guarded_broker, request)
    config = write_config(tmp_path / "m.toml", {"kafka": secured(broker, "m", "wrong"), "http": {"port": 0}})
    code, findings = await examined(config)
    assert code == 1
    assert "kafka.sasl_" in about(findings, "kafka", "failure")


async def test_topics_prices_and_clocks_are_seen_as_they_are(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A wrong number of partitions, a contract without price, an event time ahead, and a log whose clock is ours."""
    broker = await asyncio.to_thread(shared_broker, request)
    log = KafkaLog(KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    admin = await log.admin()
    wrong = TopicSpec("ill.liquidations", 3, 1, {})
    assert await admin.create([wrong]) == {}
    settings = TopicSettings(prefix="ill.", partitions=3)
    await create_topics(admin, settings)
    config = write_config(
        tmp_path / "m.toml",
        {
            "kafka": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"prefix": "ill.", "partitions": 2},
            "http": {"port": 0},
        },
    )
    outlet = log.outlet()

    def message(topic: str, key: str, **body: object) -> NativeMessage:
        return NativeMessage(f"ill.{topic}", key.encode(), json.dumps(body).encode(), now_ms() + 60_000)

    contracts = [message("instruments", symbol, symbol=symbol, status="trading") for symbol in ("A", "B", "C")]
    gone = message("instruments", "D", symbol="D", status="closed")
    await outlet.write([*contracts, gone])

    async def price() -> None:
        while True:
            ahead = {"A": 0, "B": 60_000}
            times = {symbol: now_ms() + by for symbol, by in ahead.items()}
            rows = [message("mark-prices", s, symbol=s, mark_price="1", event_time_ms=at) for s, at in times.items()]
            await outlet.write(rows)
            await asyncio.sleep(0.2)

    pricing = asyncio.create_task(price())
    try:
        code, findings = await examined(config)
    finally:
        pricing.cancel()
        await asyncio.wait({pricing})
        await outlet.close()
        await log.close()
    assert code == 1
    assert "ill.account-events: has 3 partitions instead of 2 topics.partitions" in about(findings, "topics", "failure")
    assert "ill.liquidations: retention.ms" in about(findings, "topics", "failure")
    prices = about(findings, "prices", "failure")
    assert "1 of 3 contracts have had no price for 60.0 s: C;" in prices
    assert "prices.max_ahead_ms: B;" in prices
    assert "the log is " in about(findings, "clocks", "ok")
    assert "no `liqmon run` is in the group ill.liqmon" in about(findings, "shards", "warning")
