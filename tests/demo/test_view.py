"""The demo's view and tally: what is counted, and what is drawn of it on a terminal and on a pipe."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from monitor.cli.demo.stage import TITLE
from monitor.cli.demo.tally import Tally
from monitor.cli.demo.view import View

MARKS = {"BTCUSDT": Decimal("60000.50"), "ETHUSDT": Decimal(2500)}


def status(account_id: str, rank: str, price: str | None = None) -> dict[str, Any]:
    """Return an account-status record with one position."""
    distance = None if price is None else str(Decimal(price) / MARKS["BTCUSDT"] - 1)
    position = {"symbol": "BTCUSDT", "liquidation_price": price, "distance": distance}
    return {
        "account_id": account_id,
        "scope": "cross:USDT",
        "status": rank,
        "margin_ratio": "1.2",
        "positions": [position],
    }


@pytest.fixture
def tally() -> Tally:
    """Return a tally of two shards that has seen something of everything."""
    tally = Tally(2)
    tally.show("a|cross:USDT", status("a", "watch", "59000"))
    tally.show("b|cross:USDT", status("b", "warning", "59900"))
    tally.show("c|cross:USDT", status("c", "healthy", "59950"))
    tally.show("d|cross:USDT", status("d", "liquidation", "60100"))
    tally.show("e|cross:USDT", status("e", "watch"))
    for name in ("watch", "watch", "watch", "warning", "liquidation"):
        tally.event(name)
    tally.dead_letter("mark-prices", "bad_price")
    for seconds, messages in ((0.004, 2), (0.5, 0), (0.009, 1)):
        for _ in range(messages):
            tally.price_message(1)
        tally.kernel(seconds)
    return tally


def drawn(
    tally: Tally, width: int, height: int, draw: Callable[[View], None], *, terminal: bool, **options: Any
) -> str:
    """Return what a view prints."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=terminal, highlight=False, **options)
    with View(tally, console, TITLE) as view:
        draw(view)
    return out.getvalue()


def test_ticks_are_counted_once_for_all_shards(tally: Tally) -> None:
    """Three messages judged on two shards are one tick done; a step without prices gives no time of a tick."""
    assert tally.ticks == 1
    assert tally.percentile_ms(0) == pytest.approx(2)
    assert tally.percentile_ms(0.99) == pytest.approx(9)
    tally.forget_times()
    assert tally.percentile_ms(0.5) == 0


def test_the_nearest_are_those_watched_by_their_distance_now(tally: Tally) -> None:
    """Distances are taken to the present mark; who is healthy, in liquidation or without a price is not listed."""
    moved = MARKS | {"BTCUSDT": Decimal(59100)}
    assert [(near.account_id, round(distance, 5)) for distance, near in tally.nearest(5, moved)] == [
        ("a", 0.00169),
        ("b", 0.01354),
    ]
    tally.show("a|cross:USDT", None)
    assert [near.account_id for _, near in tally.nearest(5, MARKS)] == ["b"]
    assert tally.by_status()["watch"] == 1


def test_a_pipe_gets_plain_lines(tally: Tally) -> None:
    """The header tells what stands for marks and that nothing is kept; then a line for each moment, without colours."""
    text = drawn(tally, 80, 25, lambda view: view.update(1.5, MARKS, 7), terminal=False)
    header, line = text.splitlines()
    assert header == TITLE
    assert "mids of a recording" in header
    assert "nothing is kept" in header
    for part in ("1.5 s", "BTCUSDT=60000.5 ", "watch=2 warning=1 liquidation=1", "p50 9.00 ms", "behind 7"):
        assert part in line
    assert "\x1b" not in text


@pytest.mark.parametrize(("width", "height"), [(120, 40), (72, 24), (40, 12)])
def test_a_terminal_of_any_size_gets_a_picture(tally: Tally, width: int, height: int) -> None:
    """The picture is never wider than the terminal and names prices, statuses and the nearest account."""
    text = drawn(tally, width, height, lambda view: view.update(1.5, MARKS, 0), terminal=True, no_color=True)
    assert "BTCUSDT" in text
    if height >= 24:
        assert "liquidation" in text
        assert "b cross:USDT" in text


def test_no_color_is_honoured(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets no colour, without it it does."""
    coloured = "\x1b[31m"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured in drawn(
        tally, 120, 40, lambda view: view.update(1, MARKS, 0), terminal=True, color_system="standard"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured not in drawn(
        tally, 120, 40, lambda view: view.update(1, MARKS, 0), terminal=True, color_system="standard"
    )


def test_progress_is_a_bar_on_a_terminal_and_a_line_on_a_pipe(tally: Tally) -> None:
    """While the book is loaded both are told how far it is."""
    for terminal in (True, False):
        text = drawn(tally, 100, 30, lambda view: view.progress("accounts judged", 50, 200), terminal=terminal)
        assert "accounts judged: 50 of 200" in text
        assert ("━" in text) is terminal


def test_the_summary_has_every_figure(tally: Tally) -> None:
    """Accounts, ticks, what came too late, times, events by type, statuses, liquidations and dead letters are told."""
    text = drawn(tally, 100, 30, lambda view: view.summary(12.0, 5, 3), terminal=False)
    for part in (
        "5 accounts, 5 scopes",
        "price messages judged: 1 in 12.0 s (3 more were not judged in time)",
        "p50 9.00 ms, p99 9.00 ms",
        "events told: watch 3, warning 1, liquidation 1",
        "healthy 1, watch 2, warning 1, liquidation 1; in liquidation or worse: 1",
        "dead letters: 1",
    ):
        assert part in text
