"""The running daemon on the embedded log: what it shows of portfolio accounts is what `liqmon evaluate` reports.

The inputs are random documents, fed through the topics; what is right for them is tried in `test_agreement`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.app.lab import World, new_world, virtual
from tests.portfolio.books import METHODS, document
from tests.portfolio.evaluating import Key, reports

NO_MEMORY: dict[str, Any] = {"hysteresis": "0"}
"""The document's ladder: the laboratory runs without hysteresis."""
EXTRA = {"account_id", "sequence", "episode", "raw_status", "suspect", "account_version", "event_time_ms"}
"""What a status has beyond the report of a scope."""


def feed(world: World, stated: dict[str, Any], accounts: list[dict[str, Any]], *, snapshot: bool) -> None:
    """Append a document to the topics: its terms, its collateral, its prices in one message, its accounts."""
    now = world.now_ms()
    for symbol, terms in stated["instruments"].items():
        world.put("instruments", symbol, {"symbol": symbol, "status": "trading", **terms})
    for name, terms in stated["assets"].items():
        world.put("assets", name, {"asset": name, "event_time_ms": now, **terms})
    prices = [{"symbol": symbol, "event_time_ms": now, **quote} for symbol, quote in stated["prices"].items()]
    world.put("mark_prices", "x", prices)
    for account in accounts:
        who = account["account_id"]
        version = world.versions[who] = world.versions.get(who, 0) + 1
        body = account | {"version": version, "event_time_ms": now}
        world.put("account_events", who, body | ({"snapshot": True} if snapshot else {}))


def shown(world: World) -> dict[Key, dict[str, Any]]:
    """Return the last status shown of every scope that is there."""
    last = {record.key: record.value for record in world.written("account_status")}
    bodies = [json.loads(value) for value in last.values() if value]
    return {(body["account_id"], body["scope"]): body for body in bodies}


def compare(world: World, stated: dict[str, Any]) -> int:
    """Compare every field of every scope; return how many portfolios have figures."""
    right, found = reports(stated | {"ladder": NO_MEMORY}), shown(world)
    assert found.keys() == right.keys()
    for key, body in right.items():
        for name, value in body.items():
            if name != "positions":
                assert found[key][name] == value, (*key, name)
        for mine, shown_one in zip(body["positions"], found[key]["positions"], strict=True):
            assert shown_one | mine == shown_one, key
        assert found[key].keys() - body.keys() <= EXTRA | {
            "funding_due",
            "equity_after_funding",
            "next_funding_time_ms",
        }
    return sum(1 for _, scope in right if scope == "portfolio" and not right[_, scope]["unknown_because"])


def moved(stated: dict[str, Any], percent: int) -> dict[str, Any]:
    """Return a document whose marks and streamed indices have moved."""
    factor = 100 + percent
    prices = {
        symbol: {name: scaled(price, factor) for name, price in quote.items()}
        for symbol, quote in stated["prices"].items()
    }
    return stated | {"prices": prices}


def scaled(price: str, factor: int) -> str:
    """Return so many hundredths of a price."""
    whole, _, part = price.partition(".")
    number = str(int(whole + part) * factor).rjust(len(part) + 3, "0")
    return f"{number[: -len(part) - 2]}.{number[-len(part) - 2 :]}"


@pytest.mark.parametrize("method", METHODS)
def test_the_daemon_shows_what_evaluate_reports(method: str) -> None:
    """Field by field: at first, after a move of all prices, and after accounts have changed modes back and forth."""
    known = 0
    for seed in range(1):
        stated = document(seed, method)

        @virtual
        async def run(stated: dict[str, Any] = stated, seed: int = seed) -> None:
            nonlocal known
            world = await new_world(
                partitions=1, portfolio=stated["portfolio"], status__healthy_interval_ms=500, status__min_change="0"
            )
            feed(world, stated, stated["accounts"], snapshot=True)
            world.start()
            await world.until_quiet()
            await world.pass_time(2)
            known += compare(world, stated)
            later = moved(stated, 7 - 5 * seed)
            feed(world, later, [{"account_id": one["account_id"]} for one in stated["accounts"]], snapshot=False)
            await world.until_quiet()
            await world.pass_time(2)
            known += compare(world, later)
            for mode in ("multi_asset", "single_asset", "portfolio"):
                changed = [one | {"margin_mode": mode} for one in stated["accounts"]]
                feed(
                    world,
                    later,
                    [{"account_id": one["account_id"], "margin_mode": mode} for one in changed],
                    snapshot=False,
                )
                await world.until_quiet()
                await world.pass_time(2)
                known += compare(world, later | {"accounts": changed})

        run()
    assert known >= 2
