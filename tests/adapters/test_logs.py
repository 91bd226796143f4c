"""Tests of the logs: two shapes, one stream, no secrets, no account data above debug."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from monitor.adapters.logs import LogSettings, configure_logs


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Put the process-wide logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """Parse what was written as JSON lines."""
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_pipe_gets_json_from_both_kinds_of_loggers() -> None:
    """Records of structlog and of the standard library come as one JSON object a line with time, level and logger."""
    stream = io.StringIO()
    configure_logs(LogSettings(), stream)
    structlog.get_logger("monitor.app").info("shard steady", shard=3)
    logging.getLogger("other").warning("from %s", "elsewhere", extra={"kind": "x"})
    ours, theirs = lines(stream)
    assert (ours["event"], ours["shard"], ours["level"], ours["logger"]) == ("shard steady", 3, "info", "monitor.app")
    assert str(ours["timestamp"]).endswith("Z")
    assert (theirs["event"], theirs["kind"], theirs["level"]) == ("from elsewhere", "x", "warning")


def test_a_terminal_gets_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sees a line of text, in colour unless NO_COLOR is set."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    configure_logs(LogSettings(), coloured)
    structlog.get_logger().info("shard steady", shard=3)
    monkeypatch.setenv("NO_COLOR", "1")
    configure_logs(LogSettings(), plain)
    structlog.get_logger().info("shard steady", shard=3)
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "shard=3" in plain.getvalue()


def test_the_level_decides_what_is_written() -> None:
    """Below the level nothing is written; the libraries' chatter is never."""
    stream = io.StringIO()
    configure_logs(LogSettings(level="warning"), stream)
    structlog.get_logger().info("unseen")
    structlog.get_logger().warning("seen")
    configure_logs(LogSettings(level="debug"), stream)
    logging.getLogger("aiokafka.consumer").debug("unseen")
    structlog.get_logger().debug("seen too")
    assert [line["event"] for line in lines(stream)] == ["seen", "seen too"]


def test_secrets_are_masked_and_their_files_are_not() -> None:
    """A field named like a secret is masked, also inside a mapping; the path to a file with one is no secret."""
    stream = io.StringIO()
    configure_logs(LogSettings(), stream)
    settings = {"sasl_password": "x", "sasl_password_file": "/run/password"}
    structlog.get_logger().info("connecting", token="t", kafka=settings)
    [line] = lines(stream)
    assert line["token"] == "***"
    assert line["kafka"] == {"sasl_password": "***", "sasl_password_file": "/run/password"}


def test_account_data_appears_at_debug_only() -> None:
    """Above debug an account is an id: what it holds is dropped."""
    stream = io.StringIO()
    configure_logs(LogSettings(level="debug"), stream)
    structlog.get_logger().info("told", account_id="a1", equity="5", balances={"USDT": "1"})
    structlog.get_logger().debug("told", account_id="a1", equity="5")
    above, debug = lines(stream)
    assert above["account_id"] == "a1"
    assert not {"equity", "balances"} & above.keys()
    assert debug["equity"] == "5"


def test_an_exception_is_one_json_line() -> None:
    """A traceback is data in the line, not lines of its own."""
    stream = io.StringIO()
    configure_logs(LogSettings(format="json"), stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    [line] = lines(stream)
    [trace] = line["exception"]  # type: ignore[misc]
    assert (trace["exc_type"], trace["exc_value"]) == ("ValueError", "broken")
