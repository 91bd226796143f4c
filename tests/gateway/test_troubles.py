"""What goes wrong around the gateway: a log that is away or was made anew, foreign records, clients that stop."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Any

import pytest

from monitor.app.gateway.standings import TooManyScopes
from monitor.app.ports import LogUnavailable, OutputRecord, PositionLost, TopicPartition
from tests.gateway.house import Running, house, running
from tests.waiting import until


async def test_a_log_that_is_away_costs_nothing_but_time() -> None:
    """Clients stay and hear heartbeats, the gateway is not ready and says why; what was written comes once."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        assert gateway.follower.why_not_ready() == []
        home.log.faults.unavailable = True
        home.write(home.event("a1", "watch"), home.status("a1"))
        await until(lambda: bool(gateway.follower.why_not_ready()))
        await client.until("heartbeat")
        home.log.faults.unavailable = False
        [said] = await client.events(1)
        assert said["event"]["sequence"] == 1
        await until(lambda: gateway.follower.why_not_ready() == [])
        home.write(home.event("a1", "critical"))
        assert [one["event"]["sequence"] for one in await client.events(1)] == [2]


async def test_a_position_that_is_gone_ends_the_gateway() -> None:
    """When retention has passed it, events are lost to it: it ends rather than go on with a hole."""
    async with house() as home, running(home) as gateway:
        place = home.event("a1", "watch")
        home.log.faults.unavailable = True
        await until(lambda: bool(gateway.follower.why_not_ready()))
        home.write(place, home.event("a1", "warning"))
        home.log.delete_before(TopicPartition(place.topic, place.partition), 2)
        home.log.faults.unavailable = False
        with pytest.raises(PositionLost):
            await asyncio.wait_for(gateway.following, 20)


async def test_more_scopes_than_were_granted_end_the_gateway() -> None:
    """A snapshot that is not whole would be a lie: the key to raise is named."""
    async with house() as home:
        home.write(*(home.status(f"a{number}") for number in range(3)))
        with pytest.raises(TooManyScopes, match=r"gateway\.max_scopes = 2"):
            async with running(home, max_scopes=2):
                pytest.fail("it served a part")


async def test_foreign_records_are_passed_over() -> None:
    """What nobody of ours wrote onto an output topic is counted and stops nothing."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        for topic, key, value in (
            ("margin-calls", b"x", b"\xff"),
            ("liquidations", b"x", b"[]"),
            ("account-status", b"no scope", None),
            ("account-status", b"a|b", b"{}"),
        ):
            home.write(OutputRecord(topic, 0, key, value), OutputRecord(topic, 1, key, value))
        home.write(home.event("a1", "watch"))
        assert len(await client.events(1)) == 1
        assert gateway.notes.foreign == {"margin-calls": 2, "liquidations": 2, "account-status": 4}


async def test_a_client_that_stops_reading_amid_its_snapshot_is_let_go() -> None:
    """It holds its place among large snapshots only so long: the next one gets its own."""
    async with house() as home:
        home.write(*(home.status(f"a{number}", filler="x" * 50_000) for number in range(200)))
        async with running(home, send_ms=1_000, max_snapshots=1) as gateway, gateway.client() as stuck:
            stuck.connection.transport.pause_reading()
            await stuck.say(type="subscribe", subscription="s")
            async with gateway.client() as other:
                assert len(await other.snapshot()) == 200
            await until(lambda: gateway.notes.reasons == ["slow"])
            stuck.connection.transport.resume_reading()


async def test_a_scope_that_goes_and_comes_back_keeps_its_chain() -> None:
    """Closed and reopened, its events go on where they ended, and snapshot and deltas agree before and after."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        home.write(home.event("a1", "watch"), home.status("a1"), home.event("a1", "healthy", event_type="closed"))
        home.write(home.gone("a1"))
        await client.events(2)
        await client.until("heartbeat")
        async with gateway.client() as late:
            assert await late.snapshot() == []
        home.write(home.event("a1", "critical"))
        assert [one["event"]["sequence"] for one in await client.events(1)] == [3]
        async with gateway.client() as late:
            [entry] = await late.snapshot()
            assert (entry["sequence"], entry["status"], entry["event"]["status"]) == (3, None, "critical")
        assert gateway.notes.gaps == 0


async def test_a_tombstone_that_an_event_has_overtaken_takes_no_scope_away() -> None:
    """Read late, it is older than the event that opened the scope again: the scope stays, its old figures go."""
    async with house() as home, running(home) as gateway, gateway.client() as client:
        await client.snapshot()
        home.write(home.event("a1", "watch"), home.status("a1"))
        home.write(home.event("a1", "healthy", event_type="closed"), home.event("a1", "critical"))
        await client.events(3)
        home.write(home.gone("a1"))
        await client.until("status")
        await client.until("status")
        async with gateway.client() as late:
            [entry] = await late.snapshot()
            assert (entry["sequence"], entry["status"], entry["event"]["status"]) == (3, None, "critical")


def asked(gateway: Running, path: str) -> tuple[int, str]:
    """Return status and policy of a plain request."""
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.server.port}{path}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers["Content-Security-Policy"]
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, ""


@pytest.mark.parametrize("page", [True, False])
async def test_nothing_but_the_page_is_served_and_only_where_it_was_asked_for(*, page: bool) -> None:
    """The page allows its own script by its hash alone; every other path is not found."""
    async with house() as home, running(home, page=page) as gateway:
        code, policy = await asyncio.to_thread(asked, gateway, "/")
        assert code == (200 if page else 404)
        assert not page or "default-src 'none'; script-src 'sha256-" in policy
        for path in ("/v2", "/page.html", "/../etc/passwd"):
            assert (await asyncio.to_thread(asked, gateway, path))[0] == 404


async def test_a_chain_that_began_before_what_is_kept_has_no_gap() -> None:
    """The first of its events that is still kept waits for nobody: its predecessor is older, not missing."""
    async with house() as home:
        old = home.event("a1", "watch")
        home.log.produce(old.topic, old.key, old.value, old.partition, timestamp_ms=1_000)
        home.write(home.event("a1", "critical"), home.event("a1", "bankrupt"), home.status("a1"))
        async with running(home) as gateway, gateway.client() as client:
            [entry] = await client.snapshot()
            assert entry["sequence"] == 3
            assert gateway.notes.gaps == 0


class DeafLog:
    """A log whose readers, once it is gone, hear nothing and complain of nothing until they are asked."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.is_gone = False

    def reader(self) -> Any:
        """Return a reader."""
        reader = self._log.reader()
        poll, end_offsets = reader.poll, reader.end_offsets

        async def deaf(*args: Any) -> Any:
            if self.is_gone:
                await asyncio.sleep(0.01)
                return []
            return await poll(*args)

        async def asked(*args: Any) -> Any:
            if self.is_gone:
                raise LogUnavailable("it does not answer")
            return await end_offsets(*args)

        reader.poll, reader.end_offsets = deaf, asked
        return reader


async def test_a_log_that_is_silently_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing comes and nothing complains the log is asked: the gateway is not ready until it answers again."""
    monkeypatch.setattr("monitor.app.gateway.following.QUIET_SECONDS", 0.1)
    async with house() as home:
        log = DeafLog(home.log)
        async with running(home, log=log) as gateway, gateway.client() as client:  # type: ignore[arg-type]
            await client.snapshot()
            log.is_gone = True
            home.write(home.event("a1", "watch"))
            await until(lambda: bool(gateway.follower.why_not_ready()))
            log.is_gone = False
            assert len(await client.events(1)) == 1
            await until(lambda: gateway.follower.why_not_ready() == [])
