"""The fan-out harness in small: every client gets exactly its events, and a lost one would be seen."""

from __future__ import annotations

import subprocess
import sys

from tests.gateway.fanout import _judge
from tests.gateway.fanout_clients import Plan


def test_a_few_clients_get_what_they_asked_for() -> None:
    """Forty clients, some of which see everything: the verdict is yes, with the figures and how to repeat it."""
    words = (
        "--clients",
        "40",
        "--desks",
        "0.2",
        "--accounts",
        "10",
        "--events",
        "40",
        "--rate",
        "100",
        "--workers",
        "1",
    )
    command = [sys.executable, "-m", "tests.gateway.fanout", *words, "--p99-ms", "5000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "p99" in done.stdout
    assert "yes; again: python -m tests.gateway.fanout --clients 40" in done.stdout


def test_a_client_without_its_events_is_a_no(capsys) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """One client that got one too few, or a p99 beyond what was granted, makes the verdict no."""
    plan = Plan(1, 2, 1, 1, 1)
    assert _judge(plan, [{"late_us": [1000], "wrong": []}], 1.0, 0.1, 1.0, 10.0) == 0
    assert _judge(plan, [{"late_us": [1000], "wrong": [1]}], 1.0, 0.1, 1.0, 10.0) == 1
    assert _judge(plan, [{"late_us": [20_000], "wrong": []}], 1.0, 0.1, 1.0, 10.0) == 1
    assert _judge(plan, [{"late_us": [], "wrong": []}], 1.0, 0.1, 1.0, 10.0) == 1
    assert capsys.readouterr().out.count("no") >= 3
