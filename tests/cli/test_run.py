"""`liqmon run` on the embedded log, `explain`, `verify` and `demo`, as a user runs them."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.main import main

COMMAND = [sys.executable, "-m", "monitor.cli.main"]
INPUT = [
    {
        "topic": "instruments",
        "key": "BTCUSDT",
        "value": {
            "symbol": "BTCUSDT",
            "status": "trading",
            "contract": "linear",
            "settle_asset": "USDT",
            "brackets": [{"floor": "0", "rate": "0.005"}],
        },
    },
    {
        "topic": "mark-prices",
        "key": "BTCUSDT",
        "value": {"symbol": "BTCUSDT", "mark_price": "60000", "event_time_ms": 1},
    },
    {
        "topic": "account-events",
        "key": "a1",
        "value": {
            "account_id": "a1",
            "version": 1,
            "event_time_ms": 1,
            "snapshot": True,
            "balances": {"USDT": "1000"},
            "positions": [{"symbol": "BTCUSDT", "quantity": "1", "entry_price": "60720"}],
        },
    },
]


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run([*COMMAND, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the first event that a daemon on the embedded log prints, and end the daemon with SIGTERM."""
    source = tmp_path_factory.mktemp("run") / "input.jsonl"
    source.write_text("\n".join(json.dumps(line) for line in INPUT))
    environment = {"LIQMON_HTTP__PORT": "0", "PATH": "/usr/bin:/bin", "HOME": str(source.parent)}
    with subprocess.Popen(
        [*COMMAND, "run", "--input", str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None, "a pipe was asked for"
        try:
            line = next(line for line in process.stdout if line.startswith('{"topic"'))
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0, "SIGTERM must end the daemon with 0"
        finally:
            process.kill()
    return json.loads(line)


def test_garbage_is_looked_for_no_more_than_once_in_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon starts the collector by more objects than two steps of 500 messages hold at a time, not by 700."""
    before, switch, found = gc.get_threshold(), sys.getswitchinterval(), list[tuple[int, int, int]]()

    def run(work: Coroutine[Any, Any, int]) -> int:
        found.append(gc.get_threshold())
        work.close()
        return 0

    monkeypatch.setattr(asyncio, "run", run)
    try:
        assert main(["run"]) == 0
    finally:
        gc.set_threshold(*before)
        sys.setswitchinterval(switch)
    [(first, *others)] = found
    assert first >= 2 * 500 * 20
    assert tuple(others) == before[1:]


@pytest.mark.timeout(180)
def test_an_input_file_is_judged_and_its_event_printed(told: dict[str, Any]) -> None:
    """E = 1000 − 720 = 280 below MM = 300 is told as a liquidation, on the liquidations topic."""
    event = told["value"]
    assert (told["topic"], told["key"]) == ("liquidations", "a1")
    assert (event["status"], event["equity"], event["maintenance_margin"]) == ("liquidation", "280", "300")
    assert (event["sequence"], event["previous_status"]) == (1, "healthy")


@pytest.mark.timeout(180)
def test_a_true_event_verifies_and_an_altered_one_does_not(told: dict[str, Any]) -> None:
    """`verify` ends with 0 for what was told and with 1, naming the term, for what was altered."""
    assert run("verify", "-", stdin=json.dumps(told["value"])).returncode == 0
    for name, other in (("equity", "281"), ("status", "critical"), ("threshold", "1.1"), ("decided_at_ms", 5)):
        found = run("verify", "-", stdin=json.dumps(told["value"] | {name: other}))
        assert found.returncode == 1
        assert "computed" in found.stdout


@pytest.mark.timeout(180)
def test_printed_lines_verify_as_they_are(told: dict[str, Any]) -> None:
    """What the daemon prints goes into `verify` and `explain` unaltered, with its topic and key around the event."""
    lines = json.dumps(told) + "\n" + json.dumps(told["value"]) + "\n"
    assert run("verify", "-", stdin=lines).returncode == 0
    assert (
        run("explain", "-", stdin=json.dumps(told)).stdout
        == run("explain", "-", stdin=json.dumps(told["value"])).stdout
    )
    altered = json.dumps(told | {"value": told["value"] | {"equity": "281"}})
    found = run("verify", "-", stdin=altered)
    assert (found.returncode, "equity is 281" in found.stdout) == (1, True)


@pytest.mark.timeout(180)
def test_an_event_is_explained_with_its_figures(told: dict[str, Any]) -> None:
    """`explain` shows how equity, requirement and status came about."""
    found = run("explain", "-", stdin=json.dumps(told["value"]))
    assert found.returncode == 0
    for part in ("healthy → liquidation", "= -720", "equity = 280", "maintenance margin = 300", "status liquidation"):
        assert part in found.stdout


def test_what_is_no_event_is_bad_input() -> None:
    """`verify` and `explain` end with 2 and name the place."""
    for command in ("verify", "explain"):
        for text in ("{}", "[1]", "not json", ""):
            found = run(command, "-", stdin=text)
            assert found.returncode == 2, (command, text)
            assert "standard input" in found.stderr


def test_a_bad_input_line_is_named(tmp_path: Path) -> None:
    """`run --input` ends with 2 and names file and line."""
    source = tmp_path / "input.jsonl"
    source.write_text('{"topic": "assets", "key": "USDT", "value": {}}\n{"topic": 5\n')
    found = run("run", "--input", str(source))
    assert found.returncode == 2
    assert "line 2" in found.stderr


@pytest.mark.timeout(240)
def test_the_demo_plays_on_a_pipe_and_ends_by_itself() -> None:
    """A small demo with a shock prints lines and a summary with liquidations, and ends with 0."""
    words = ("--accounts", "150", "--seconds", "3", "--speed", "8", "--shock", "-12%", "--shock-at", "1")
    found = run("demo", *words)
    assert found.returncode == 0, found.stderr
    assert "BTCUSDT=" in found.stdout
    assert "events told: " in found.stdout
    assert "bankrupt" in found.stdout
    assert "dead letters: 0" in found.stdout
    assert "scopes re-margined: 0" not in found.stdout, "what is judged must be counted"
