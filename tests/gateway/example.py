"""The example client of the gateway as a user starts it, and what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.gateway.house import DESK

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "subscriber.py"


class ExampleClient:
    """Hold the example client, and what it has printed."""

    def __init__(self, port: int, output: Path, severity: str = "healthy") -> None:
        self._path = output
        with output.open("w") as out:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(EXAMPLE),
                    f"ws://127.0.0.1:{port}/v1",
                    DESK,
                    json.dumps({"min_severity": severity}),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def lines(self) -> list[str]:
        """Return the lines that are whole."""
        return self._path.read_text().splitlines(keepends=True)

    def events(self) -> list[dict[str, Any]]:
        """Return the events printed."""
        found = [json.loads(line) for line in self.lines() if line.startswith("{") and line.endswith("\n")]
        return [event for event in found if "event_id" in event]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
