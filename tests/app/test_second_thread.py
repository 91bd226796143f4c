"""Tests of work done ahead in a second thread: in order, one piece ahead, and no fault lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from monitor.app.second_thread import SecondThread
from monitor.core.ahead import at_once, one_ahead


def test_the_next_item_is_made_while_the_last_is_used() -> None:
    """Items come in order, made by the other thread, never more than one ahead of who uses them."""
    made: list[tuple[int, bool]] = []
    used: list[int] = []
    mine = threading.get_ident()
    may_go_on = threading.Semaphore(1)

    def items() -> Iterator[int]:
        for number in range(20):
            assert may_go_on.acquire(timeout=10)
            made.append((number, threading.get_ident() == mine))
            yield number

    with SecondThread() as second:
        for number in one_ahead(items(), second.begin):
            used.append(number)
            assert len(made) <= number + 2
            may_go_on.release()
    assert used == list(range(20))
    assert made == [(number, False) for number in range(20)]


@pytest.mark.parametrize("ahead", [True, False])
def test_a_fault_is_raised_where_its_item_is_due(ahead: bool) -> None:
    """What came before it is used; the thread is over when the context is."""
    used: list[int] = []

    def items() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("torn")

    before = threading.active_count()
    with SecondThread() as second, pytest.raises(ValueError, match="torn"):
        used.extend(one_ahead(items(), second.begin if ahead else at_once))
    assert threading.active_count() == before


def test_who_gives_up_leaves_no_thread_behind() -> None:
    """Also with a piece begun that nobody waits for any more."""
    before = threading.active_count()

    def give_up() -> None:
        with SecondThread() as second:
            second.begin(lambda: 1)
            raise KeyError

    with pytest.raises(KeyError):
        give_up()
    assert threading.active_count() == before
