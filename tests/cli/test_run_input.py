"""`liqmon run --input` as a user runs it: lines that come through a pipe are judged while the pipe is open."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.waiting import DEADLINE_SECONDS

COMMAND = [sys.executable, "-m", "monitor.cli.main", "run", "--input"]
START_SECONDS = 60.0
INSTRUMENT = {"contract": "linear", "settle_asset": "USDT", "brackets": [{"floor": "0", "rate": "0.005"}]}
POSITION = {"symbol": "BTCUSDT", "quantity": "1", "entry_price": "60000"}


def line(topic: str, key: str, **value: Any) -> str:
    """Return one line of input."""
    return json.dumps({"topic": topic, "key": key, "value": value}) + "\n"


def price(mark_price: str, number: int) -> str:
    """Return a price as a line; `number` is its time."""
    return line("mark-prices", "BTCUSDT", symbol="BTCUSDT", mark_price=mark_price, event_time_ms=number)


TERMS = line("instruments", "BTCUSDT", symbol="BTCUSDT", **INSTRUMENT)
ACCOUNT = line(
    "account-events",
    "a1",
    account_id="a1",
    version=1,
    event_time_ms=1,
    snapshot=True,
    balances={"USDT": "1000"},
    positions=[POSITION],
)


@contextmanager
def running(source: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon on a source and make sure that nothing is left of it."""
    process = subprocess.Popen(
        [*COMMAND, source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"LIQMON_HTTP__PORT": "0", "PYTHONUNBUFFERED": "1"},
        bufsize=0,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def next_event(output: IO[bytes], seconds: float) -> dict[str, Any]:
    """Return the next line a daemon prints that is an event."""
    deadline = time.monotonic() + seconds
    buffer = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([output], [], [], left)[0]:
            buffer += output.read(1) or b""
        if buffer.endswith(b"\n"):
            if buffer.startswith(b'{"topic"'):
                return dict(json.loads(buffer))
            buffer = b""
    raise TimeoutError(f"no event within {seconds} s")


@pytest.mark.timeout(180)
def test_lines_of_an_open_pipe_are_judged_as_they_come() -> None:
    """Each price told through a pipe that stays open leads to its event before the next is told."""
    with running("-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((TERMS + price("60000", 1) + ACCOUNT).encode())
        process.stdin.write(price("59400", 2).encode())
        first = next_event(process.stdout, START_SECONDS)
        assert (first["topic"], first["key"], first["value"]["status"]) == ("margin-calls", "a1", "watch")
        process.stdin.write(price("59290", 3).encode())
        second = next_event(process.stdout, DEADLINE_SECONDS)
        assert (second["topic"], second["value"]["status"]) == ("liquidations", "liquidation")
        assert second["value"]["previous_status"] == "watch"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.mark.timeout(180)
def test_a_profile_margins_contracts_that_state_no_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a venue's profile an instrument needs only contract and asset; the event carries brackets and rule."""
    monkeypatch.setenv("LIQMON_VENUE__PROFILE", "binance-usdm")
    bare = line("instruments", "BTCUSDT", symbol="BTCUSDT", contract="linear", settle_asset="USDT")
    with running("-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((bare + price("60000", 1) + ACCOUNT + price("59230", 2)).encode())
        event = next_event(process.stdout, START_SECONDS)["value"]
        assert (event["status"], event["equity"]) == ("liquidation", "230")
        assert event["maintenance_margin"] == "246.15"
        document = event["evidence"]["document"]
        assert document["instruments"]["BTCUSDT"]["brackets"][1]["rate"] == "0.005"
        assert event["plan"]["rule"] == "by_bracket"


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "no JSON"),
        ("[1]", "not of the form"),
        ('{"topic": "assets"}', "not of the form"),
        ('{"topic": 7, "value": {}}', "texts"),
        ('{"topic": "nowhere", "key": "a", "value": {}}', "does not exist"),
    ],
)
def test_a_bad_line_ends_the_daemon_and_is_named(tmp_path: Path, bad: str, why: str) -> None:
    """A line that is none ends the daemon with 2; file, line and reason are on standard error."""
    source = tmp_path / "input.jsonl"
    source.write_text(f"{TERMS}\n{bad}\n")
    with running(str(source)) as process:
        _, errors = process.communicate(timeout=START_SECONDS)
        assert process.returncode == 2
        assert f"{source}: line 3: " in errors.decode()
        assert why in errors.decode()


def test_a_source_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    """A file that does not exist ends the command with 2 before anything starts."""
    with running(str(tmp_path / "nothing.jsonl")) as process:
        _, errors = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 2
    assert "nothing.jsonl: No such file" in errors.decode()
