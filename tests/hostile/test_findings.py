"""Tests of what the fuzzer has found: one for each fault, so that it stays mended."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.cli.exits import BadInput
from monitor.cli.input_lines import _parsed
from monitor.cli.main import main
from monitor.core.amounts import decimal_of
from tests.app.lab import virtual
from tests.hostile.test_growth import begun, ended
from tests.rules.bench import Bench


@virtual
async def test_rules_of_an_account_without_a_snapshot() -> None:
    """An account that states a rule before its first snapshot waits for it; the next price used to end the shard."""
    world = await begun()
    world.account("a", 100, positions={"XUSDT": (1, 100)}, settings={"account_limit": "0.8"})
    world.price(XUSDT=99)
    world.account("b", 1, positions={"XUSDT": (10, 100)}, snapshot=True)
    assert await ended(world) == []
    assert world.chain("b")


def test_rules_after_a_snapshot_is_gone() -> None:
    """The same account with its rule dropped and taken up again is judged, not lost."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="100")
    bench.account(snapshot=False, positions={"X": ("1", "100")}, settings={"drawdown_stops": ["0.1"]})
    assert bench.price(X="90") == []
    bench.account(snapshot=True, balances={"USDT": "1000"}, positions={"X": ("1", "100")})
    assert bench.price(X="10") == []
    bench.account(settings={"drawdown_stops": ["0.05"]})
    bench.price(X="1000")
    assert bench.price(X="10")


@virtual
async def test_whole_numbers_beyond_64_bits_in_settings() -> None:
    """A setting stated as 10^30 is a good amount; the event that repeats it used to be impossible to encode."""
    world = await begun()
    settings = {"reference_equity": 10**30, "volume_30d": 10**30, "drawdown_stops": ["0.1"]}
    world.account("a", 1, positions={"XUSDT": (10, 100)}, snapshot=True, settings=settings)
    world.price(XUSDT=90)
    assert await ended(world) == []
    assert world.chain("a")


@virtual
async def test_a_deletion_that_contradicts_itself() -> None:
    """A bad message is refused whatever else it says: also one that deletes its account."""
    world = await begun()
    world.account("a", 1, snapshot=True)
    twice = [{"symbol": "XUSDT", "quantity": "1"}] * 2
    body = {"account_id": "a", "version": 9, "event_time_ms": 1, "deleted": True, "positions": twice}
    world.put("account_events", "a", body)
    world.put("account_events", "a", body)
    assert await ended(world) == ["contradiction"] * 2


def test_long_fractions_become_decimals_in_time() -> None:
    """A quotient of tens of thousands of digits is rounded within the time of a message; it used to take a second."""
    many = Fraction(3 * 10**30_000 + 1, 7 * 5**30_000)
    started = time.process_time()
    for _ in range(20):
        decimal_of(many)
    assert time.process_time() - started < 5.0


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 5_000, ".".join(["a"] * 5_000) + " = 1", "x = " + "9" * 5_000, "x = 1e" + "9" * 30]
)
def test_toml_without_end(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration nested or counting without end is refused with its name, not reported as our own bug."""
    path = tmp_path / "given.toml"
    path.write_text(text)
    assert main(["config", "check", "--config", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"topic": "x", "key": "\\ud800", "value": 1}', b'{"topic": "x", "value": "\\ud800"}']
)
def test_input_lines_without_end_or_text(line: bytes) -> None:
    """A line that nests without end, or holds half of a surrogate pair, is refused with its number."""
    with pytest.raises(BadInput, match="given: line 1"):
        _parsed(line, "given: line 1")
