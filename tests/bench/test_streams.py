"""The stream engines in small, on a real Kafka: they compute what the daemon does, and one that ends says why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.parts.context import Context
from bench.parts.streams import Streams
from bench.peers.peer import Missing
from bench.sizes import Sizes
from bench.streams import java
from bench.streams.engine import Engine
from bench.streams.engines import ENGINES, KAFKA_STREAMS, QUIX, QUIX_APART
from bench.streams.line import Ends
from tests.broker import shared_broker

SIZES = Sizes(accounts=1_200, positions=6_000, symbols=40, seed=3)
SLICE = 300
NEEDS_QUIX = pytest.mark.skipif(find_spec("quixstreams") is None, reason="quixstreams is in the extra `bench`")


@pytest.fixture
def context(request: pytest.FixtureRequest) -> Iterator[Context]:
    """Yield a small context on the broker of the test run."""
    bootstrap = shared_broker(request).bootstrap_servers
    made = Context(SIZES, SIZES, SLICE, None, "not asked for", lambda _: None, bootstrap)
    with made.stack:
        yield made


def engine(name: str) -> Engine:
    """Return the engine of a name."""
    return next(one for one in ENGINES if one.name == name)


@NEEDS_QUIX
@pytest.mark.parametrize("name", [QUIX, QUIX_APART])
def test_quixstreams_computes_the_same(name: str, context: Context) -> None:
    """Both ways to use it give every account of the slice the daemon's figures and status, and are timed after that."""
    part = Streams(context, (engine(name),))
    assert part.check() == []
    result = part.measure(1)
    assert result.timings.seconds[name][0] > result.timings.seconds["daemon"][0]


@pytest.mark.kafka
@pytest.mark.timeout(400)  # Maven builds it the first time
def test_kafka_streams_computes_the_same(context: Context) -> None:
    """Accounts that lie in its store have the daemon's figures and status, and it is timed after that."""
    part = Streams(context, (replace(engine(KAFKA_STREAMS), warm=1),))
    if part.skipped:
        pytest.skip(part.skipped[0])
    assert part.check() == []
    result = part.measure(1)
    assert result.timings.seconds[KAFKA_STREAMS][0] > result.timings.seconds["daemon"][0]


FORGETFUL = """
import sys
from bench.streams import quix
exact = quix.compute
quix.compute = lambda state, marks, terms: exact(state[:-10] if len(state) > 8 else state, marks, terms)
sys.argv[1:2] = []
quix.main()
"""


@NEEDS_QUIX
def test_an_engine_that_differs_is_found(context: Context) -> None:
    """An engine that forgets the last position of each account is told by name."""
    whole = engine(QUIX)

    def command(ends: Ends, folder: Path) -> list[str]:
        python, _, module, *rest = whole.command(ends, folder)
        return [python, "-c", FORGETFUL, module, *rest]

    part = Streams(context, (Engine("forgetful", None, SLICE, 0, command),))
    assert any(fault.startswith("forgetful: equity: ") for fault in part.check())


@pytest.mark.kafka
def test_an_engine_that_ends_says_why(context: Context) -> None:
    """What a program said before it ended is in the error, at once and not when patience is over."""
    program = "import sys; sys.exit('no state to be had')"
    part = Streams(context, (Engine("lost", None, SLICE, 0, lambda ends, folder: [sys.executable, "-c", program]),))
    with pytest.raises(RuntimeError, match="lost has ended; it said: no state to be had"):
        part.check()


@pytest.mark.kafka
def test_an_engine_that_is_missing_is_left_out_with_a_word(context: Context) -> None:
    """An engine that is not installed leaves the bench one fewer, and the report says which and why."""

    def command(ends: Ends, folder: Path) -> list[str]:
        raise Missing("it is not installed")

    result = Streams(context, (Engine("absent", 4.0, SLICE, 0, command),)).measure(1)
    assert result.skipped == ("absent: it is not installed",)
    assert not result.measures


UNREACHABLE = """#!/bin/sh
for each in "$@"; do case $each in -Dbuilt=*) /bin/mkdir -p "${each#-Dbuilt=}/classes";; esac; done
echo "[INFO] begun"
echo "[ERROR] Could not transfer artifact"
exit 1
"""


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ([], "no Java"),
        (["java"], "no Maven"),
        (["java", "mvn"], r"Maven could not build it .*: \[ERROR\] Could not transfer artifact"),
    ],
)
def test_a_program_that_cannot_be_built_is_missing_with_a_word(
    programs: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Java, Maven or a way to fetch libraries the engine is missing; what is half built is not taken later."""
    (tmp_path / "bin").mkdir()
    for name in programs:
        program = tmp_path / "bin" / name
        program.write_text(UNREACHABLE)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(java, "BUILD", tmp_path / "built")
    for _ in range(2):
        with pytest.raises(Missing, match=said):
            java.command("rocksdb")
