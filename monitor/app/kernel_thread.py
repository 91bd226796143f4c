"""The kernel thread as the application asks for it: work that takes long is done there, not in the event loop.

The thread itself is made in `cli/assembly`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class KernelThread(Protocol):
    """Run synchronous work in the one thread that may take long, so that the event loop never does."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Run `work` and return its result."""
