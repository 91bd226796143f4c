"""Warming: the kernels compiled or loaded before anybody waits for them.

`python -m monitor.cli.warm` fills numba's cache, as an image build or a set-up may want to.
"""

from __future__ import annotations

from monitor.core.ladder import Ladder
from monitor.core.store import MarginStore


def warm() -> None:
    """Compile the kernels, or load them from the cache."""
    MarginStore([Ladder.build()]).warm()


if __name__ == "__main__":
    warm()
