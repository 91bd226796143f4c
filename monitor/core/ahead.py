"""Work done ahead of when it is needed: how the core asks for it, and what that comes to without another thread.

Whoever has a thread to spare lends it as a `Begin`; no thread lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Begin(Protocol):
    """Begin a piece of work; return what waits for its result, or raises what it raised.

    Pieces are done in the order in which they were begun, one at a time.
    """

    def __call__(self, work: Callable[[], T], /) -> Callable[[], T]:
        """Begin."""


def at_once(work: Callable[[], T], /) -> Callable[[], T]:
    """Do a piece of work here and now."""
    result = work()
    return lambda: result


def one_ahead(items: Iterator[T], begin: Begin) -> Iterator[T]:
    """Yield what an iterator does, the next item being made while the last one is used."""
    nothing = object()
    coming = begin(lambda: next(items, nothing))
    while (item := coming()) is not nothing:
        coming = begin(lambda: next(items, nothing))
        yield item  # type: ignore[misc]
