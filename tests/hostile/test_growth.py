"""Tests of the limits of what is kept: each is enforced with its code, and never against what is kept already."""

from __future__ import annotations

from typing import Any

from monitor.app.admission import Admission
from monitor.core.board import MarketBoard
from monitor.core.freshness import FreshnessSettings
from monitor.core.instruments import Asset
from monitor.core.limits import Limits
from monitor.core.waiting import AwaitedTerms
from tests.app.lab import World, new_world, virtual


def codes(world: World) -> list[str]:
    """Return the codes of all dead letters, in order."""
    return [dict(record.headers)["error-code"].decode() for record in world.written("dead_letters")]


async def begun(**limits: Any) -> World:
    """Return a world of one shard with an instance under these limits, one contract and its price."""
    world = await new_world(partitions=1, **{f"limits__{name}": value for name, value in limits.items()})
    world.start()
    world.instrument("XUSDT")
    world.price(XUSDT=100)
    await world.until_quiet()
    return world


async def ended(world: World) -> list[str]:
    """Wait until all is read, stop, and return the codes of the dead letters."""
    await world.until_quiet()
    for running in world.living():
        await running.stop()
    return codes(world)


@virtual
async def test_accounts() -> None:
    """A third account is refused where two may be; the two go on, also after one of them is deleted."""
    world = await begun(max_accounts=2)
    for name in ("a", "b", "c"):
        world.account(name, 100, snapshot=True, positions={"XUSDT": (10, 100)})
    world.account("a", 1)
    world.account("b", deleted=True)
    world.account("b", 1, snapshot=True, positions={"XUSDT": (10, 100)})
    assert await ended(world) == ["limit_accounts"]
    assert {event["account_id"] for event in world.events()} == {"a", "b"}


@virtual
async def test_balances_named_one_by_one() -> None:
    """Partial messages add up to the limit and no further; what is held may still change."""
    world = await begun(max_balances=3)
    world.account("a", 1, snapshot=True)
    for number in range(4):
        world.account("a", balances={f"C{number}": "1"})
    world.account("a", 2)
    world.account("a", net_transfers={f"C{number}": "1" for number in range(3)})
    world.account("a", net_transfers={"D": "1"})
    assert await ended(world) == ["limit_balances"] * 3


@virtual
async def test_positions_named_one_by_one() -> None:
    """A position beyond the limit is refused when it comes alone."""
    world = await begun(max_positions=2)
    for number in range(3):
        world.account("a", 1, snapshot=number == 0, positions={f"S{number}": (1, 1)})
    assert await ended(world) == ["limit_positions"]


@virtual
async def test_inverse_positions() -> None:
    """Of inverse contracts an account has fewer than of linear ones."""
    world = await begun(max_inverse_positions=1)
    for number in range(3):
        world.instrument(f"I{number}", contract="inverse")
    await world.until_quiet()
    world.account("a", 1, snapshot=True, positions={"I0": (1, 1), "XUSDT": (1, 1)})
    world.account("a", positions={"I1": (1, 1)})
    world.account("a", 5)
    assert await ended(world) == ["limit_positions"]


@virtual
async def test_settings_and_labels() -> None:
    """Settings add up to the limit over messages; labels have one of their own."""
    world = await begun(max_settings_bytes=1024, max_labels_bytes=100)
    world.account("a", 1, snapshot=True, settings={"leverage": {f"S{number}": "2" for number in range(60)}})
    world.account("a", settings={"bracket_multiplier": {f"S{number}": "2" for number in range(60)}})
    world.account("a", settings={"labels": {"x": "y" * 100}})
    world.account("a", settings={"labels": {"x": "y" * 50}})
    assert await ended(world) == ["limit_settings", "limit_settings"]


@virtual
async def test_scopes_that_were_told_of() -> None:
    """An account that fell in many scopes, one after the other, opens no more of them; the old ones go on."""
    world = await begun(max_scopes=4)
    for number in range(5):
        world.instrument(f"S{number}")
        world.price(**{f"S{number}": 10})
    await world.until_quiet()
    world.account("a", 0, snapshot=True)
    for number in range(5):
        position = {"symbol": f"S{number}", "entry_price": "10", "margin_type": "isolated", "isolated_wallet": "1"}
        world.versions["a"] += 1
        body = {"account_id": "a", "version": world.versions["a"], "event_time_ms": world.now_ms()}
        world.put("account_events", "a", body | {"positions": [position | {"quantity": "5"}]})
        world.versions["a"] += 1
        body["version"] = world.versions["a"]
        world.put("account_events", "a", body | {"positions": [{"symbol": f"S{number}", "quantity": "0"}]})
        await world.until_quiet()
    assert await ended(world) == ["limit_scopes", "limit_scopes"]


@virtual
async def test_names_that_accounts_bring() -> None:
    """Balances in ever new assets are refused once there are enough names; known ones are not."""
    world = await begun(max_names=6)
    for number in range(8):
        world.account("a", balances={f"C{number}": "1"}, snapshot=True)
    world.account("b", balances={"C0": "1"}, snapshot=True)
    world.account("b", settings={"bracket_multiplier": {"XUSDT": "4"}})
    found = await ended(world)
    assert set(found) == {"limit_names"}
    assert 3 <= len(found) <= 7
    assert {key.decode() for record in world.kept("account_status") if (key := record.key)} >= {"b|cross:C0"}


@virtual
async def test_names_of_the_market() -> None:
    """Prices bring in half of the symbols, instruments all; assets and funds have limits; deleting costs nothing."""
    world = await begun(max_symbols=4, max_assets=1, max_funds=1)
    world.price(A=1, B=1)  # one beside XUSDT
    await world.until_quiet()
    for number in range(3):
        world.instrument(f"I{number}")
        world.put("assets", f"C{number}", {"asset": f"C{number}", "index_price": "1", "event_time_ms": 1})
        world.fund(1, f"f{number}")
        for topic in ("instruments", "assets", "insurance_funds"):
            world.put(topic, f"unknown{number}", None)
    world.price(XUSDT=101)
    world.put("instruments", "I0", None)
    found = sorted(await ended(world))
    assert found == ["limit_assets"] * 2 + ["limit_funds"] * 2 + ["limit_symbols"] * 2


def test_a_name_that_is_in_stays_in() -> None:
    """Nobody can crowd a known market out: its name is never refused again."""
    admission = Admission(Limits(max_symbols=4))
    assert admission.instrument("A", deleted=False)
    assert [admission.price(name) for name in ("A", "B", "C", "A", "B")] == [True, True, False, True, True]


@virtual
async def test_the_window_has_a_size_in_bytes() -> None:
    """Long messages fill the window of the feed before their number does; all are judged all the same."""
    world = await begun(max_window_bytes=1_048_576, max_window_messages=20_000)
    feed = world.instances[0].shared.feed
    for _ in range(12):
        world.put("mark_prices", "x", b" " * 400_000)
    most = 0
    for _ in range(50):
        most = max(most, feed._bytes)
        await world.pass_time(0.02)
    assert await ended(world) == ["malformed_json"] * 12
    assert most <= 1_048_576 + 12 * 400_000
    assert feed._bytes <= 1_048_576 + 400_000


@virtual
async def test_one_message_repeats_itself_in_bounds() -> None:
    """A long array of bad prices has few dead letters, the last of which speaks for the others."""
    world = await begun()
    world.put("mark_prices", "x", b"[" + b",".join([b'{"symbol":"' + b"k" * 5_000 + b'"}'] * 90) + b"]")
    found = await ended(world)
    assert 5 <= len(found) <= 10
    assert b"more elements" in dict(world.written("dead_letters")[-1].headers)["error-message"]


@virtual
async def test_a_long_key_is_cut() -> None:
    """A record whose key and value fill the topic's limit has a dead letter that fits as well."""
    world = await begun()
    world.put("account_events", "k" * 500_000, b"x" * 540_000, 0)
    assert await ended(world) == ["too_large"]
    (letter,) = world.written("dead_letters")
    headers = dict(letter.headers)
    assert (headers["original-key-size"], headers["original-size"]) == (b"500000", b"540000")
    assert letter.key == b"k" * 65_536


def test_what_nobody_needs_is_forgotten() -> None:
    """Names that lead to nobody leave no trace: who waits for terms, which asset follows which contract."""
    waiting, board = AwaitedTerms(), MarketBoard(FreshnessSettings())
    for number in range(100):
        waiting.put(1, [f"S{number}"])
        board.set_asset("C", Asset("C", index_symbol=f"S{number}"), number)
        board.set_asset(f"gone{number}", None, number)
    assert len(waiting) == 1
    assert board.followers([f"S{number}" for number in range(100)]) == ["C"]
    assert len(board._followers) == len(board._asset_times) == 1
