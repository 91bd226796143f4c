"""The command line under test: run in this process, with logging put back afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import structlog

from monitor.cli.main import main


class Ran(NamedTuple):
    """Hold how a command ended and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def liqmon(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `liqmon` with these arguments."""

    def run(*arguments: str) -> Ran:
        code = main(arguments)
        return Ran(int(code), *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set the process's logging up; a test leaves no trace of that."""
    root, client = logging.getLogger(), logging.getLogger("aiokafka")
    kept = [(logger, logger.handlers, logger.level, logger.propagate) for logger in (root, client)]
    yield
    for logger, handlers, level, propagate in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
