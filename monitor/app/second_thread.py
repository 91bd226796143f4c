"""A second thread for work that is done ahead, while whoever asked for it is busy with what came before.

Only the thread lives here. It pays where the work leaves the interpreter: unpacking, checksums, compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


class SecondThread:
    """Lend a thread as a `Begin`, for as long as the context lasts where it is one; it starts with the first work."""

    def __init__(self, name: str = "ahead") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def __enter__(self) -> SecondThread:
        """Lend it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what is under way, drop what is not, and end the thread."""
        self._executor.shutdown(cancel_futures=True)

    def begin(self, work: Callable[[], T], /) -> Callable[[], T]:
        """Begin a piece of work; return what waits for its result, or raises what it raised."""
        return self._executor.submit(work).result
