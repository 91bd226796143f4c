"""What clients are told: the snapshot, then events and statuses in order, each within its filter and its token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.house import TRADER, Running, house, running


def brief(said: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Return account, status and sequence of events."""
    return [(e["event"]["account_id"], e["event"]["status"], e["event"]["sequence"]) for e in said]


async def test_a_snapshot_then_what_comes() -> None:
    """A client gets every status as it stands, then each event and status once, in order, without evidence."""
    async with house() as home:
        home.write(home.event("a1", "watch"), home.status("a1"), home.status("a2"))
        async with running(home) as gateway, gateway.client() as client:
            entries = await client.snapshot()
            assert {(e["account_id"], e["sequence"], e["status"]["status"]) for e in entries} == {
                ("a1", 1, "watch"),
                ("a2", 0, "healthy"),
            }
            home.write(home.event("a1", "liquidation"), home.status("a1"), home.gone("a2"))
            said = await client.until("event")
            assert brief(said[-1:]) == [("a1", "liquidation", 2)]
            assert "evidence" not in said[-1]["event"]
            [status, gone] = [said async for said in statuses(client, 2)]
            assert (status["scope"], status["status"]["status"]) == ("cross:USDT", "liquidation")
            assert (gone["account_id"], gone["status"]) == ("a2", None)


async def statuses(client: Any, count: int) -> Any:
    """Yield the next statuses in the order of their accounts."""
    found = []
    while len(found) < count:
        said = await client.hear()
        if said["type"] == "status":
            found.append(said)
    for said in sorted(found, key=lambda said: said["account_id"]):
        yield said


async def test_an_event_newer_than_its_status_is_in_the_snapshot() -> None:
    """A status follows its event by up to a second: between the two the snapshot tells both, and the chain's end."""
    async with house() as home:
        home.write(home.event("a1", "watch"), home.status("a1"), home.event("a1", "critical"))
        async with running(home) as gateway, gateway.client() as client:
            [entry] = await client.snapshot()
            assert (entry["sequence"], entry["status"]["sequence"], entry["event"]["sequence"]) == (2, 1, 2)
            home.write(home.event("a1", "bankrupt"))
            assert brief(await client.events(1)) == [("a1", "bankrupt", 3)]


async def test_a_token_sees_its_accounts_and_no_others() -> None:
    """A trader's snapshot, events and wishes end at his own account, whatever he asks for."""
    async with house() as home:
        home.write(home.event("a1", "watch"), home.status("a1"), home.event("a2", "watch"), home.status("a2"))
        async with running(home) as gateway, gateway.client(TRADER) as client:
            assert [entry["account_id"] for entry in await client.snapshot()] == ["a1"]
            await client.say(type="subscribe", subscription="other", accounts=["a2"])
            [refused] = await client.until("error")
            assert "token does not see" in refused["message"]
            home.write(home.event("a2", "critical"), home.event("a1", "critical"))
            assert brief(await client.events(1)) == [("a1", "critical", 2)]


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"accounts": ["a2", "a9"]}, {"a2"}),
    ({"scopes": ["isolated"]}, {"a3"}),
    ({"scopes": ["isolated:ETH:both"]}, {"a3"}),
    ({"symbols": ["ETH"]}, {"a3"}),
    ({"symbols": ["BTC"]}, {"a1", "a2"}),
    ({"methods": ["isolated"]}, {"a3"}),
    ({"methods": ["multi_asset"]}, {"a2"}),
    ({"min_severity": "liquidation", "passed": False}, {"a1"}),
]


@pytest.mark.parametrize(("wish", "expected"), FILTERS)
async def test_filters(wish: dict[str, Any], expected: set[str]) -> None:
    """Account, scope, symbol, method and severity choose the same accounts in the snapshot and among events."""
    async with house() as home:
        isolated: dict[str, Any] = {"scope": "isolated:ETH:both"}
        eth = {"margin_mode": "single_asset", "positions": [{"symbol": "ETH"}]}
        multi = {"margin_mode": "multi_asset", "positions": [{"symbol": "BTC"}]}
        evidence = {"a1": {}, "a2": {"evidence": document(multi)}, "a3": {"evidence": document(eth), **isolated}}
        for number, account in enumerate(evidence):
            status = ("critical", "watch", "watch")[number]
            home.write(home.event(account, status, **evidence[account]))
            scope = evidence[account].get("scope", "cross:USDT")
            home.write(home.status(account, scope, **((), (), eth)[number] or {}, **({}, multi, {})[number]))
        async with running(home) as gateway, gateway.client() as client:
            assert {entry["account_id"] for entry in await client.snapshot(**wish)} == expected
            for number, account in enumerate(evidence):
                home.write(home.event(account, ("bankrupt", "warning", "warning")[number], **evidence[account]))
            said = await client.events(len(expected))
            assert {e["event"]["account_id"] for e in said} == expected
            await nothing_more(client, gateway)


def document(account: dict[str, Any]) -> dict[str, Any]:
    """Return evidence of one account."""
    return {"document": {"accounts": [account]}}


async def nothing_more(client: Any, gateway: Running) -> None:
    """Fail when an event comes before the next heartbeat that knows of everything written."""
    said = await client.until("heartbeat")
    said += await client.until("heartbeat")
    assert not [one for one in said if one["type"] == "event"]


async def test_a_chain_shows_no_gap_where_severity_leaves_events_out() -> None:
    """With a severity, what is left out of a chain is told in a word, so that every sequence can be accounted for."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot(min_severity="liquidation")
        for status in ("watch", "liquidation", "watch", "healthy"):
            home.write(home.event("a1", status))
        said = await client.events(4)
        assert [one["type"] for one in said] == ["passed", "event", "event", "passed"]
        assert [one.get("sequence", one.get("event", {}).get("sequence")) for one in said] == [1, 2, 3, 4]


async def test_full_events_carry_their_evidence() -> None:
    """Who asks for full detail gets the record as it stands in the topic."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot(detail="full")
        home.write(home.event("a1", "watch"))
        [said] = await client.events(1)
        assert "evidence" in said["event"]


async def test_two_subscriptions_of_one_client_are_apart() -> None:
    """Each message names its subscription; one that was given up stays silent."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot("one", accounts=["a1"])
        await client.snapshot("two", accounts=["a1", "a2"])
        home.write(home.event("a1", "watch"))
        assert {said["subscription"] for said in await client.events(2)} == {"one", "two"}
        await client.say(type="unsubscribe", subscription="one")
        await client.until("unsubscribed")
        home.write(home.event("a1", "warning"), home.event("a2", "watch"))
        assert [said["subscription"] for said in await client.events(2)] == ["two", "two"]


async def test_what_overtook_its_predecessor_waits_for_it() -> None:
    """An event on one topic is not told before the earlier one on another, whichever is read first."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        first, second, third = home.event("a1", "watch"), home.event("a1", "critical"), home.event("a1", "bankrupt")
        status = home.status("a1")
        home.write(status, third, second)
        await client.until("heartbeat")
        home.write(first)
        said = await client.until("status")
        assert [(one["type"], one.get("event", {}).get("sequence")) for one in said] == [
            ("event", 1),
            ("event", 2),
            ("event", 3),
            ("status", None),
        ]
        assert gateway.notes.gaps == 0


async def test_a_predecessor_that_is_nowhere_is_not_waited_for() -> None:
    """When the log does not hold it, the event is told all the same, the gap is counted, and the client can see it."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        home.event("a1", "watch")
        home.write(home.event("a1", "critical"))
        assert brief(await client.events(1)) == [("a1", "critical", 2)]
        assert gateway.notes.gaps == 1


async def test_a_snapshot_in_a_storm_ends_and_loses_nothing() -> None:
    """A client takes a snapshot at its own pace while more is told than may wait for it, and more afterwards."""
    async with house() as home:
        home.write(*(home.status(f"a{number}", filler="x" * 5_000) for number in range(2_000)))

        def tell(number: int) -> None:
            status = ("watch", "critical")[number // 100 % 2]
            home.write(home.event(f"a{number % 100}", status, filler="y" * 20_000), home.status(f"a{number % 100}"))

        async with running(home, buffer_bytes=65_536) as gateway, gateway.client(max_queue=2) as client:
            await client.say(type="subscribe", subscription="s")
            async with gateway.client() as other:
                await other.until("heartbeat")
                for number in range(300):
                    tell(number)
                await other.until("heartbeat")
            assert (await client.until("snapshot_end"))[-1]["scopes"] == 2_000
            got = []
            for number in range(300, 400):
                got += await client.events(1)
                tell(number)
            got = brief(got + await client.events(300))
            assert sorted((name, number) for name, _, number in got) == sorted(
                (f"a{number}", sequence) for number in range(100) for sequence in (1, 2, 3, 4)
            )
            home.write(home.event("a0", "bankrupt"))
            assert brief(await client.events(1)) == [("a0", "bankrupt", 5)]
            assert gateway.notes.reasons == []


ADL = {
    "schema": 1,
    "event_id": "e",
    "event_type": "adl_triggered",
    "account_id": "a1",
    "scope": "cross:USDT",
    "digest": "d",
    "evidence": {"queue": ["rival"]},
    "positions": [{"symbol": "BTC", "quantity": "1", "counterparties": [{"account_id": "rival"}]}],
}
SELECTED = {
    "schema": 1,
    "event_id": "f",
    "event_type": "adl_selected",
    "account_id": "a1",
    "scope": "cross:USDT",
    "symbol": "BTC",
    "serves": {"account_id": "rival"},
    "digest": "d",
}


@pytest.mark.parametrize("detail", ["brief", "full"])
async def test_what_an_event_tells_of_others_is_kept_from_who_may_not_see_them(detail: str) -> None:
    """ADL events name counterparties and whom they serve: a desk is told, a trader is not, live or resumed."""
    async with house() as home, running(home) as gateway:
        async with gateway.client() as desk, gateway.client(TRADER) as trader:
            await desk.snapshot(detail="full")
            await trader.snapshot(detail=detail)
            begun = trader.token
            home.write(home.record("adl-events", "a1", "a1", ADL), home.record("adl-events", "a1", "a1", SELECTED))
            assert json.dumps(await desk.events(2)).count("rival") == 3
            live = await trader.events(2)
        async with gateway.client(TRADER) as trader:
            await trader.say(type="subscribe", subscription="s", resume=begun, detail=detail)
            resumed = await trader.events(2)
        for said in (live, resumed):
            assert "rival" not in json.dumps(said)
            assert [one["event"]["withheld"] for one in said] == [
                ["counterparties", "digest", "evidence"],
                ["digest", "serves"],
            ]
            assert said[0]["event"]["positions"] == [{"symbol": "BTC", "quantity": "1"}]
