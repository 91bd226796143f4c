"""Coming back: a token goes on where the client stopped, over a restart of the gateway, or the client is told."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from monitor.app.gateway.places import Places, TokenRefused, read_token
from monitor.app.topics import TopicSettings, topic_specs
from tests.gateway.house import DESK, EVENTS, TRADER, Client, house, running


def sequences(said: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return account and sequence of events."""
    return [(e["event"]["account_id"], e["event"]["sequence"]) for e in said if e["type"] == "event"]


async def resume(client: Client, token: str, **wish: Any) -> list[dict[str, Any]]:
    """Resume and return everything up to the word that it is done."""
    await client.say(type="subscribe", subscription="s", resume=token, **wish)
    said = await client.until("resumed")
    assert said[-1]["events"] == len([one for one in said if one["type"] in {"event", "passed"}])
    return said


async def test_a_client_goes_on_where_it_stopped() -> None:
    """What came while it was away arrives once and in order, then the statuses that changed, then what comes."""
    async with house() as home, running(home) as gateway:
        async with gateway.client() as client:
            home.write(home.status("a1"), home.status("a2"), home.status("a3"))
            await client.snapshot()
            home.write(home.event("a1", "watch"))
            await client.events(1)
        home.write(home.event("a1", "warning"), home.event("a2", "critical"), home.status("a2"), home.gone("a3"))
        async with gateway.client() as again:
            said = await resume(again, client.token)
            assert sorted(sequences(said)) == [("a1", 2), ("a2", 1)]
            shown = {one["account_id"]: one["status"] for one in said if one["type"] == "status"}
            assert shown["a2"]["status"] == "critical"
            assert shown["a3"] is None
            home.write(home.event("a1", "critical"))
            assert sequences(await again.events(1)) == [("a1", 3)]


async def test_a_replay_that_breaks_off_goes_on_from_its_middle() -> None:
    """Each replayed event carries a token of its own: stopping anywhere in a replay loses and repeats nothing."""
    async with house() as home, running(home) as gateway:
        async with gateway.client() as client:
            await client.snapshot()
        for number in range(30):
            home.write(home.event(f"a{number % 5}", ("watch", "critical")[number // 5 % 2]))
        got: list[tuple[str, int]] = []
        token = client.token
        for _ in range(4):
            async with gateway.client() as again:
                await again.say(type="subscribe", subscription="s", resume=token)
                got += sequences(await again.events(6))
                token = again.token
        async with gateway.client() as last:
            got += sequences(await resume(last, token))
        assert len(got) == len(set(got)) == 30
        for account in {name for name, _ in got}:
            assert [number for name, number in got if name == account] == [1, 2, 3, 4, 5, 6]


async def test_a_restart_of_the_gateway_loses_and_repeats_nothing() -> None:
    """Clients that resume on another gateway over the same log get every event once, in order, by account and all."""
    dice = random.Random(7)
    got: dict[str, list[tuple[str, int]]] = {DESK: [], TRADER: []}
    tokens: dict[str, str] = {}
    async with house() as home:
        for life in range(5):
            async with running(home) as gateway, gateway.client(DESK) as desk, gateway.client(TRADER) as trader:
                for name, client in ((DESK, desk), (TRADER, trader)):
                    if life == 0:
                        await client.snapshot()
                    else:
                        got[name] += sequences(await resume(client, tokens[name]))
                for _ in range(0 if life == 4 else 20):
                    home.write(home.event(f"a{dice.randrange(4)}", dice.choice(("watch", "critical", "bankrupt"))))
                for name, client, count in ((DESK, desk, dice.randrange(20)), (TRADER, trader, dice.randrange(3))):
                    got[name] += sequences(await client.events(0 if life == 4 else count))
                    tokens[name] = client.token
        for name, accounts in ((DESK, ("a0", "a1", "a2", "a3")), (TRADER, ("a1",))):
            for account in accounts:
                expected = list(range(1, home.sequences[account, "cross:USDT"] + 1))
                assert [number for who, number in got[name] if who == account] == expected


async def test_a_token_older_than_what_is_kept_begins_anew() -> None:
    """Events that no longer fit into the backlog cannot be replayed: the client is told so and gets a snapshot."""
    async with house() as home, running(home, backlog_bytes=65_536) as gateway:
        async with gateway.client() as client:
            await client.snapshot()
        filler = {"evidence": {"filler": "x" * 30_000}}
        home.write(home.event("a1", "watch", **filler), home.event("a1", "critical", **filler))
        home.write(home.event("a1", "watch", **filler), home.status("a1"))
        async with gateway.client() as again:
            await again.say(type="subscribe", subscription="s", resume=client.token)
            said = await again.until("snapshot_end")
            assert (said[0]["type"], said[0]["reason"]) == ("expired", "too_old")
            assert [entry["sequence"] for one in said if one["type"] == "snapshot" for entry in one["entries"]] == [3]


@pytest.mark.parametrize("partitions", [3, 2])
async def test_a_token_of_other_topics_begins_anew(partitions: int) -> None:
    """A token of topics with other partitions, or one that lies beyond the end of these, is foreign."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        home.write(home.event("a1", "watch"), home.event("a1", "critical"))
        await client.events(2)
        token = client.token
    async with house() as other:
        if partitions != other.partitions:
            other.partitions = partitions
            for spec in topic_specs(TopicSettings(partitions=partitions)):
                if spec.name in {*EVENTS, "account-status"}:
                    other.log.delete_topic(spec.name)
                    other.log.create(spec)
        async with running(other, send_ms=300) as gateway, gateway.client() as client:
            await client.say(type="subscribe", subscription="s", resume=token)
            said = await client.until("snapshot_end")
            assert (said[0]["type"], said[0]["reason"]) == ("expired", "foreign")


async def test_topics_made_anew_that_have_outgrown_a_token_are_foreign() -> None:
    """A cut made before a record was written cannot have seen it: the token is of topics that are gone."""
    async with house() as home:
        home.write(home.event("a1", "watch"), home.event("a1", "critical"))
        async with running(home) as gateway, gateway.client() as client:
            await client.snapshot()
            fields = client.token.split(".")
            early = ".".join([*fields[:2], f"{int(fields[2], 16) - 600_000:x}", fields[3]])
            await client.say(type="subscribe", subscription="t", resume=early)
            [said] = await client.until("expired")
            assert said["reason"] == "foreign"


@pytest.mark.parametrize("text", ["x", "1.2.3.4", "9.{realm}.1.0-0-0-0", "1.{realm}.1.0-0", "1.{realm}.1.-1-0-0-0", ""])
def test_a_token_of_nobody_is_malformed(text: str) -> None:
    """Whatever is not exactly a token is refused, and never reaches the positions."""
    places = Places(EVENTS, "account-status", 1)
    with pytest.raises(TokenRefused, match=r"malformed|foreign"):
        read_token(text.format(realm=places.realm), places)


async def test_a_client_that_resumes_too_early_waits_for_a_gateway_that_is_behind() -> None:
    """A token of another gateway that has read further is not foreign: this one is given the time to come as far."""
    async with house() as home, running(home) as ahead, running(home) as behind:
        async with ahead.client() as client:
            await client.snapshot()
        where = home.event("a1", "watch")
        index = behind.hub.places.index(where.topic, where.partition)
        *head, positions = client.token.split(".")
        beyond = [int(p, 16) + (number == index) for number, p in enumerate(positions.split("-"))]
        token = ".".join([*head, "-".join(format(p, "x") for p in beyond)])
        async with behind.client() as again:
            await again.say(type="subscribe", subscription="s", resume=token)
            asking = asyncio.create_task(again.until("resumed"))
            async with behind.client() as other:
                await other.until("heartbeat")
            assert not asking.done()
            home.write(where)
            assert sequences(await asking) == []
