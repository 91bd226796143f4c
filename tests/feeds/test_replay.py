"""Tests of `liqmon feed replay`: what recordings become, at which pace, and what is said of those without marks."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from monitor.cli.main import main
from tests.feeds.played_venue import Caller, PlayedVenue, mark
from tests.feeds.running import running
from tests.house.source import ROOT
from tests.waiting import until

RECORDED = ROOT.parent / "shared" / "data" / "binance-20240808" / "cm_ethusd_perp_20240808.gz"
BEGAN_MS = 1_723_161_255_000


def line(after_ms: int, frame: object, unit: int = 1_000_000) -> str:
    """Return one recorded line, its time in a unit of milliseconds."""
    return f"{(BEGAN_MS + after_ms) * unit} {json.dumps(frame)}\n"


def played(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict[str, Any]], str]:
    """Replay; return exit code, the lines printed and what was said."""
    code = main(["feed", "replay", *map(str, words)])
    out, err = capsys.readouterr()
    return code, [json.loads(text) for text in out.splitlines()], err


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set the process's logging up; a test leaves no trace of that."""
    import logging

    import structlog

    root = logging.getLogger()
    kept = root.handlers, root.level
    yield
    root.handlers, root.level = kept
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_recorded_marks_come_out_in_the_order_they_were_received(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files in any unit of time, packed or not, are merged; duplicates in them are no news; other frames are named."""
    one, two = tmp_path / "one", tmp_path / "two.gz"
    frames = [mark("BTCUSDT", "10", BEGAN_MS), mark("BTCUSDT", "12", BEGAN_MS + 2000)]
    wrapped = {
        "stream": "!markPrice@arr@1s",
        "data": [mark("ETHUSDT", "11", BEGAN_MS + 1000), {"e": "markPriceUpdate"}],
    }
    one.write_text("".join([line(5, [frames[0]]), line(2005, [frames[1]]), line(2006, [frames[1]])]))
    two.write_bytes(gzip.compress((line(1005, wrapped, 1) + line(1006, {"e": "kline"}, 1)).encode()))
    code, lines, said = played(capsys, one, two, "--speed", 0)
    assert code == 0
    assert [(row["value"][0] if isinstance(row["value"], list) else row["value"])["mark_price"] for row in lines] == [
        "10",
        "11",
        "12",
    ]
    assert {row["topic"] for row in lines} == {"mark-prices"}
    assert "4 frames of 2.0 s read" in said
    assert "rows duplicate: 1" in said
    assert "rows malformed: 1" in said
    assert "'kline'" in said


def test_the_pace_is_the_recordings_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A third of a second takes that long at its own speed; ten minutes are over in no time at a great one."""
    path = tmp_path / "marks"
    for milliseconds, speed, least in ((300, 1, 0.3), (600_000, 2000, 0.3)):
        path.write_text("".join(line(n, [mark("X", "10", BEGAN_MS + n)]) for n in (0, milliseconds // 2, milliseconds)))
        begun = time.monotonic()
        assert played(capsys, path, "--speed", speed)[0] == 0
        assert least <= time.monotonic() - begun < 60


def test_times_can_be_moved_to_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rebased, what was stated 40 ms before it was received is stated 40 ms before now; funding is as far ahead."""
    path = tmp_path / "marks"
    path.write_text(line(0, [mark("BTCUSDT", "10", BEGAN_MS - 40, T=BEGAN_MS + 7000)]))
    code, [row], _ = played(capsys, path, "--rebase")
    assert code == 0
    now_ms, price = time.time_ns() // 1_000_000, row["value"]
    assert 0 <= now_ms - price["event_time_ms"] - 40 < 2000
    assert price["next_funding_time_ms"] - price["event_time_ms"] == 7040


def test_frames_without_marks_give_prices_only_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without marks the command says so and what can be done; the stand-in is the middle of bid, ask and last trade."""
    path = tmp_path / "book"
    book = {"e": "bookTicker", "s": "X", "b": "100.10", "a": "100.30", "T": BEGAN_MS, "E": BEGAN_MS}
    trade = {"e": "trade", "s": "X", "p": "100.2", "X": "MARKET", "E": BEGAN_MS + 10}
    odd = {"e": "trade", "s": "X", "p": "50", "X": "INSURANCE_FUND", "E": BEGAN_MS + 20}
    late = {"e": "trade", "s": "X", "p": "1", "X": "MARKET", "E": BEGAN_MS - 1}
    path.write_text(
        "".join(
            [line(1, book), line(10, trade), line(20, odd), line(21, late), line(1001, {**book, "E": BEGAN_MS + 1000})]
        )
    )
    code, lines, said = played(capsys, path, "--speed", 0)
    assert (code, lines) == (2, [])
    assert "--stand-in" in said
    code, lines, _ = played(capsys, path, "--speed", 0, "--stand-in")
    assert code == 0
    assert [row["value"] for row in lines] == [{"symbol": "X", "mark_price": "100.2", "event_time_ms": BEGAN_MS + 10}]


@pytest.mark.parametrize(
    ("text", "words"),
    [("hello\n", "line 1: is not of the form"), ("5 {}\n", "5 is no time since 1970"), ("x" * 9, "line 1")],
)
def test_a_line_that_is_none_is_named(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of another form is bad input, with its path, line and what is wrong."""
    path = tmp_path / "other"
    path.write_text(text)
    code, _, said = played(capsys, path)
    assert code == 2
    assert str(path) in said
    assert words in said


def test_a_damaged_archive_and_a_missing_file_are_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read to its end is said so, never taken for the end."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(line(0, [mark("X", "1", BEGAN_MS)]).encode() * 50)[:-9])
    for file in (path, tmp_path / "absent"):
        code, _, said = played(capsys, file, "--speed", 0)
        assert code == 2
        assert str(file) in said


def series() -> list[tuple[int, str]]:
    """Return second, and middle price, of the recording, worked out here."""
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED.name} is not beside the repository")
    seen: dict[str, str] = {}
    second, at, found = None, 0, []
    with gzip.open(RECORDED, "rt") as lines:
        for text in lines:
            time_ns, _, frame = text.partition(" ")
            body = json.loads(frame).get("data", {})
            if int(time_ns) // 10**9 != second:
                second = int(time_ns) // 10**9
                if len(seen) == 3 and (not found or found[-1][0] != at):
                    middle = median(float(price) for price in seen.values())
                    found.append((at, next(price for price in seen.values() if float(price) == middle)))
            if body.get("e") not in ("bookTicker", "trade") or body["E"] < at:
                continue
            at = body["E"]
            seen |= {"bid": body["b"], "ask": body["a"]} if body["e"] == "bookTicker" else {"last": body["p"]}
    return found


def test_the_stand_in_of_a_recording_is_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a recorded market the replay makes a price a second, each the median worked out here from the same frames."""
    expected = series()
    code, lines, _ = played(capsys, RECORDED, "--venue", "binance-coinm", "--speed", 0, "--stand-in")
    assert code == 0
    assert [(row["value"]["event_time_ms"], row["value"]["mark_price"]) for row in lines] == expected
    assert len(expected) > 300


async def test_a_recorded_series_flows_through_a_socket_unchanged() -> None:
    """The recorded series, played as frames of marks by a venue on loopback, is written to the last digit."""
    recorded = series()

    async def script(caller: Caller) -> None:
        await caller.greet()
        for event_ms, price in recorded:
            await caller.say(mark("ETHUSD_PERP", price, event_ms))
        await caller.connection.wait_closed()

    patient = {"venue": "binance-coinm", "symbols": ("ETHUSD_PERP",), "max_behind_ms": 2**50}
    async with PlayedVenue([script]).open() as venue, running(venue.address, **patient) as run:
        await until(lambda: len(run.outlet.prices()) == len(recorded))
        assert [(price["event_time_ms"], price["mark_price"]) for price in run.outlet.prices()] == recorded
        assert venue.callers[0].asked[0]["params"] == ["ethusd_perp@markPrice@1s"]
