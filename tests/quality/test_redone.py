"""What events say of their prices, made again by a stranger who has the events and the topic, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.main import main
from monitor.core.events import digest_of
from monitor.core.verify import first_difference
from tests.app.lab import new_world, virtual
from tests.quality.incidents import xpl
from tests.quality.test_evidence import read
from tests.quality.theatre import Told, play, price_records, read_back

Event = dict[str, Any]


def verified(folder: Path, events: list[Event], prices: list[Event]) -> int:
    """Return how `liqmon verify --prices` ends."""
    for name, lines in (("events", events), ("prices", prices)):
        (folder / name).write_text("\n".join(json.dumps(line) for line in lines))
    return main(["verify", str(folder / "events"), "--prices", str(folder / "prices")])


def forged(event: Event, symbol: str, change: Callable[[Event], None]) -> Event:
    """Return an event with other words about a price, and a digest that fits."""
    found = copy.deepcopy(event)
    change(found["evidence"]["price_origins"][symbol])
    found["digest"] = digest_of(found)
    return found


async def released() -> Told:
    """Return what is told of a crash of one message, which another contract's message shows to be over."""
    world = await new_world(partitions=1, quality__enabled=True)
    world.instrument("OTHERUSDT")
    world.opening(3)
    world.start()
    for second in range(9):
        marks = {"XUSDT": 100} if second == 0 else {"XUSDT": 40} if second == 2 else {"OTHERUSDT": 50 + second}
        world.price(**marks)
        await world.pass_time(1)
    await world.until_quiet()
    return read_back(world)


@virtual
async def test_verdicts_follow_from_the_topic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an incident, and of a crash whose price was believed after its delay: every verdict, by value."""
    for told, kept in ((await play(xpl()), "quarantined"), (await released(), "quality")):
        events = [event for event in told.events if "document" in event["evidence"]]
        assert verified(tmp_path, events, told.prices) == 0
        stated = [
            origin[name]
            for event in events
            for origin in event["evidence"]["price_origins"].values()
            for name in ("quality", "quarantined")
            if name in origin
        ]
        assert f"{len(stated)} verdicts on prices follow from the topic" in capsys.readouterr().out
        assert any(kept in origin for event in events for origin in event["evidence"]["price_origins"].values())
    assert any("released_ms" in one for one in stated)


OBSERVED = {
    "reference": "101.5",
    "sigma": "0.001",
    "basis": "1.001",
    "level": "99.9",
    "elapsed_ms": 9_000,
    "log_ms": 1_700_000_000_123,
    "doubts": [["stuck", 1, 1]],
}


@virtual
async def test_what_no_event_could_have_seen_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures from which the same verdict follows, and that the topic does not give: each term is named."""
    told, symbol = await released(), "XUSDT"
    event = next(
        event
        for event in told.events
        if "released_ms" in event["evidence"].get("price_origins", {}).get(symbol, {}).get("quality", {})
    )
    for name, value in OBSERVED.items():
        told_otherwise = forged(
            event, symbol, lambda origin, n=name, v=value: origin["quality"]["observed"].update({n: v})
        )  # type: ignore[misc]
        assert verified(tmp_path, [told_otherwise], told.prices) == 1, name
        assert f"price_origins.{symbol}.quality." in capsys.readouterr().out
    quality = event["evidence"]["price_origins"][symbol]["quality"]
    for change, term in (
        (lambda origin: origin["quality"].update(released_ms=quality["released_ms"] + 1), "quality.released_ms"),
        (lambda origin: origin.update(offset=10_000), "XUSDT.offset"),
        (lambda origin: origin.update(offset=origin["offset"] - 1), "XUSDT.offset"),
        (lambda origin: origin.update(offset=0), "mark_price"),
        (lambda origin: origin.update(event_time_ms=origin["event_time_ms"] - 1), "price_time_ms"),
    ):
        assert verified(tmp_path, [forged(event, symbol, change)], told.prices) == 1, term
        assert term in capsys.readouterr().out


@virtual
async def test_prices_that_do_not_reach_back_prove_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half an hour or the whole partition are needed, and its end; what is missing is named, with exit code 2."""
    told = await play(xpl())
    event = next(event for event in told.events if "document" in event["evidence"])
    offset = event["evidence"]["price_origins"]["XPLUSDT"]["offset"]
    for prices, why in (
        (told.prices[offset - 100 :], "32 minutes"),
        (told.prices[:offset], "do not hold offset"),
        ([], "do not hold offset"),
        ([*told.prices[:5], told.prices[0]], "out of order"),
        ([{"offset": 1}], "needs partition, offset"),
    ):
        assert verified(tmp_path, [event], prices) == 2
        assert why in capsys.readouterr().err


@virtual
async def test_other_venues_are_stated_by_name_and_value(tmp_path: Path) -> None:
    """Whose prices were weighed, and how, stands in the evidence; another count or median does not follow from it."""
    sources = {"sources": {"XUSDT": [{"symbol": f"XUSDT@{name}", "weight": "2"} for name in "abc"]}}
    world = await new_world(partitions=1, quality__enabled=True, **sources)
    world.opening(2)
    world.start()
    for second in range(30):
        price = 100 if second < 20 else 60
        venues = {f"XUSDT@{name}": price for name in ("ab" if second < 25 else "a")}
        world.price(**venues, XUSDT=price)
        await world.pass_time(1)
    await world.until_quiet()
    events = [event for event in world.events() if "document" in event["evidence"]]
    event = next(event for event in events if event["status"] == "bankrupt")
    observed = event["evidence"]["price_origins"]["XUSDT"]["quality"]["observed"]
    assert observed["venues"] == [["XUSDT@a", "2.0", "60.0"], ["XUSDT@b", "2.0", "60.0"], ["XUSDT@c", "2.0", None]]
    assert verified(tmp_path, events, price_records(world)) == 0
    for name, value in (("sources", 3), ("sources_mark", "61"), ("venues", observed["venues"][:1])):
        otherwise = forged(event, "XUSDT", lambda origin, n=name, v=value: origin["quality"]["observed"].update({n: v}))  # type: ignore[misc]
        found = first_difference(otherwise, read(otherwise))
        assert found is not None
        assert found.term.startswith("evidence.price_origins.XUSDT.quality.observed.sources")


@virtual
async def test_rule_events_prove_what_their_prices_are(tmp_path: Path) -> None:
    """A rule's event states price and collateral as a scope's does, and a forged word of any of it is noticed."""
    settings = {"quality.display": ["index_divergence"], "references.USDE.rate": "1"}
    world = await new_world(partitions=1, quality__enabled=True, **settings)
    world.instrument("XUSDT", "0.02")
    for name in ("USDT", "USDE"):
        world.put("assets", name, {"asset": name, "index_price": "1", "event_time_ms": world.now_ms()})
    rules = {"distance_limit": "0.85", "drawdown_stops": ["0.05"], "account_limit": "0.15"}
    more = {"margin_mode": "multi_asset", "balances": {"USDE": "800"}, "settings": rules, "snapshot": True}
    world.account("a", positions={"XUSDT": (10, 100)}, **more)
    world.start()
    for second in range(30):
        mark = 100 if second < 20 else 90
        body = {"symbol": "XUSDT", "mark_price": str(mark), "index_price": "110", "event_time_ms": world.now_ms()}
        world.put("mark_prices", "XUSDT", body, 0)
        await world.pass_time(1)
    await world.until_quiet()
    told = [json.loads(record.value or b"") for record in world.written("margin_calls")]
    events = {event["event_type"]: event for event in told if "rule_sequence" in event}
    assert events.keys() >= {"distance_limit", "drawdown_stop", "account_limit"}
    assert verified(tmp_path, list(events.values()), price_records(world)) == 0
    for kind in ("drawdown_stop", "account_limit"):
        event = events[kind]
        assert event["degraded"] == ["doubtful_price:XUSDT"]
        assert event["evidence"]["asset_quality"]["USDE"]["believed"]
        for change in FORGED_OF_RULES:
            otherwise = copy.deepcopy(event)
            change(otherwise)
            otherwise["digest"] = digest_of(otherwise)
            assert first_difference(otherwise, read(otherwise)) is not None


def _origin(event: Event) -> Event:
    found: Event = event["evidence"]["price_origins"]["XUSDT"]
    return found


FORGED_OF_RULES: tuple[Callable[[Event], Any], ...] = (
    lambda event: event.update(degraded=[]),
    lambda event: event.update(degraded=["doubtful_price:XUSDT", "quarantined_asset:USDE"]),
    lambda event: _origin(event)["quality"].update(reasons=[]),
    lambda event: _origin(event)["quality"].update(verdict="good"),
    lambda event: _origin(event)["quality"].update(believed=False),
    lambda event: _origin(event)["quality"]["observed"].update(mark_price="91"),
    lambda event: _origin(event)["quality"]["observed"].update(index_price="91"),
    lambda event: _origin(event)["quality"]["limits"].update(display=[]),
    lambda event: _origin(event).pop("quality"),
    lambda event: _origin(event).update(quarantined={**_origin(event), "mark_price": "90"}),
    lambda event: event["evidence"]["asset_quality"]["USDE"].update(index_price="0.99"),
    lambda event: event["evidence"]["asset_quality"]["USDE"].update(believed=False),
    lambda event: event["evidence"]["asset_quality"]["USDE"].update(reference="1.01"),
)
