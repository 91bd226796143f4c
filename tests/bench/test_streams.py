"""The stream engines in small, on a real Kafka: they compute what the daemon does, and one that ends says why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.parts.context import Context
from bench.parts.streams import Streams
from bench.peers.peer import Missing
from bench.sizes import Sizes
from bench.streams.engine import Engine
from bench.streams.engines import ENGINES
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
@pytest.mark.parametrize("name", ["quixstreams", "quixstreams, a record an account"])
def test_quixstreams_computes_the_same(name: str, context: Context) -> None:
    """Both ways to use it give every account of the slice the daemon's figures and status, and are timed after that."""
    part = Streams(context, (engine(name),))
    assert part.check() == []
    result = part.measure(1)
    assert result.timings.seconds[name][0] > result.timings.seconds["daemon"][0]


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
    whole = engine("quixstreams")

    def command(ends: Ends, folder: Path) -> list[str]:
        python, _, module, *rest = whole.command(ends, folder)
        return [python, "-c", FORGETFUL, module, *rest]

    part = Streams(context, (Engine("forgetful", None, SLICE, command),))
    assert any(fault.startswith("forgetful: equity: ") for fault in part.check())


@pytest.mark.kafka
def test_an_engine_that_ends_says_why(context: Context) -> None:
    """What a program said before it ended is in the error, at once and not when patience is over."""
    program = "import sys; sys.exit('no state to be had')"
    part = Streams(context, (Engine("lost", None, SLICE, lambda ends, folder: [sys.executable, "-c", program]),))
    with pytest.raises(RuntimeError, match="lost has ended; it said: no state to be had"):
        part.check()


@pytest.mark.kafka
def test_an_engine_that_is_missing_is_left_out_with_a_word(context: Context) -> None:
    """An engine that is not installed leaves the bench one fewer, and the report says which and why."""

    def command(ends: Ends, folder: Path) -> list[str]:
        raise Missing("it is not installed")

    result = Streams(context, (Engine("absent", 4.0, SLICE, command),)).measure(1)
    assert result.skipped == ("absent: it is not installed",)
    assert not result.measures
