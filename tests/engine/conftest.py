"""The account of the comparisons with the twin, in the summary of the run.

What is compared is in `comparing`.
"""

from __future__ import annotations

import pytest

from tests.engine import comparing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was compared with the twin, by kind."""
    if comparing.total():
        kinds = ", ".join(f"{count} {kind}" for kind, count in comparing.COUNT.most_common())
        terminalreporter.write_line(f"engine and twin: {comparing.total()} comparisons ({kinds})")
