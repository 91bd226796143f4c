"""Tests of the suite's own last line: how many Kafka tests ran, how many were skipped, and why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

SUITE = """
import pytest

@pytest.mark.kafka
def test_runs():
    pass

@pytest.mark.kafka
def test_finds_no_java():
    pytest.skip("no Kafka: java is missing")

@pytest.mark.kafka
@pytest.mark.skip(reason="not today")
def test_is_marked():
    pass

def test_is_about_something_else():
    pytest.skip("another reason")
"""


def run_suite(folder: Path, **variables: str) -> tuple[int, list[str]]:
    """Run a suite of four tests under our conftest; return the exit code and the lines printed."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_four.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = kafka\n")
    kept = {name: value for name, value in os.environ.items() if name != "LIQMON_REQUIRE_KAFKA"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(folder)],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_the_last_line_counts_skipped_kafka_tests(tmp_path: Path) -> None:
    """Where Kafka is not required a skipped Kafka test is no failure, but the last line says how many and why."""
    code, lines = run_suite(tmp_path)
    assert code == 0
    assert lines[-1] == "Kafka tests: 1 run, 2 skipped (1: no Kafka: java is missing; 1: not today)"


def test_a_required_kafka_test_may_not_skip(tmp_path: Path) -> None:
    """On a machine that has to have Kafka a skipped Kafka test is a failure; other tests may still skip."""
    code, lines = run_suite(tmp_path, LIQMON_REQUIRE_KAFKA="1")
    assert code == 1
    assert lines[-1] == "Kafka tests: 1 run, 0 skipped"
    assert "1 failed" in lines[-2]
    assert "1 skipped" in lines[-2]
    assert "LIQMON_REQUIRE_KAFKA=1, but the test skipped: no Kafka: java is missing" in "\n".join(lines)
