"""Tests of stitching: snapshots and a stream that lags, repeats and breaks become one account without a gap.

Whoever reads the events here is the daemon's own reader of account events; the venue is made up here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.adapters.wire.accounts import decode_account_event
from monitor.app.venue_feed.account_facts import AccountChange, AccountSnapshot, Position
from monitor.app.venue_feed.stitching import Stitcher, Versions
from monitor.core.accounts import Account, after, is_news
from monitor.core.limits import Limits

BTC = ("BTCUSDT", "both")


class Reader:
    """Read events as the daemon does, and keep what the account is after each."""

    def __init__(self) -> None:
        self.account: Account | None = None
        self.seen: list[Account] = []

    def take(self, bodies: list[dict[str, Any]]) -> None:
        """Apply events; each must be valid, and newer than the one before it."""
        for body in bodies:
            event = decode_account_event(json.dumps(body).encode(), b"a", Limits())
            assert is_news(event, self.account)
            self.account = after(event, self.account)
            self.seen.append(self.account)

    def facts(self) -> tuple[dict[str, Decimal], dict[str, tuple[Decimal, Decimal | None]]]:
        """Return wallets, and quantity and own wallet of each position."""
        assert self.account is not None
        positions = {one.symbol: (one.quantity, one.isolated_wallet) for one in self.account.positions.values()}
        return dict(self.account.balances), positions


def stitcher(now_ms: int = 1000) -> Stitcher:
    """Return a stitcher of the account `a`."""
    return Stitcher("a", Versions(lambda: now_ms))


def isolated(quantity: str, wallet: str) -> Position:
    """Return an isolated position."""
    return Position(*BTC, quantity, "100", True, wallet)


def snapshot(at: int, cross: str, *positions: Position, changed: int = 0, **more: Any) -> AccountSnapshot:
    """Return a snapshot asked for at a time, its facts last changed at another."""
    times = {("balance", "USDT"): changed, **{one.key: changed for one in positions}}
    return AccountSnapshot(at, at, {"USDT": cross}, positions, times=times, **more)


def change(at: int, cross: str | None = None, *positions: Position, **more: Any) -> AccountChange:
    """Return a change."""
    return AccountChange(at, at, {} if cross is None else {"USDT": cross}, positions, **more)


def test_what_came_before_the_snapshot_waits_and_what_is_newer_follows_it() -> None:
    """Nothing is told before the snapshot; of what was kept only what is newer follows, both halves in one event."""
    one, reader = stitcher(), Reader()
    assert one.change(change(10, "900", isolated("1", "100"))) == []
    assert one.change(change(30, "800", isolated("1", "200"))) == []
    one.asked()
    reader.take(one.snapshot(snapshot(40, "900", isolated("1", "100"), changed=10)))
    assert [dict(seen.balances)["USDT"] for seen in reader.seen] == [900, 800]
    for seen in reader.seen:
        [position] = seen.positions.values()
        assert position.isolated_wallet is not None
        assert seen.balances["USDT"] + position.isolated_wallet == 1000
    assert one.is_whole


def test_a_change_amid_the_answers_of_a_snapshot_has_it_asked_for_again() -> None:
    """Answers from before and after a transfer hold half of it each: such a snapshot is not told, a quiet one is."""
    one, reader = stitcher(), Reader()
    one.asked()
    one.change(change(15, "800", isolated("1", "200")))
    assert one.snapshot(snapshot(10, "900", isolated("1", "200"))) == []
    assert one.wants_snapshot
    one.asked()
    reader.take(one.snapshot(snapshot(20, "800", isolated("1", "200"), changed=15)))
    assert reader.facts() == ({"USDT": Decimal(800)}, {"BTCUSDT": (Decimal(1), Decimal(200))})
    assert len(reader.seen) == 1


def test_an_account_that_never_rests_is_told_in_the_end() -> None:
    """After a few tries a snapshot is taken though something has changed: the newer facts follow it."""
    one, reader = stitcher(), Reader()
    for at in range(10, 17):
        one.asked()
        one.change(change(at, str(at)))
        reader.take(one.snapshot(snapshot(at, str(at), changed=at)))
        if one.is_whole:
            break
    assert at == 15
    assert reader.facts()[0] == {"USDT": Decimal(15)}


def test_duplicates_and_late_changes_are_not_told() -> None:
    """Overlapping connections say everything twice, and a venue under load says it late: neither is news."""
    one, reader = stitcher(), Reader()
    one.asked()
    reader.take(one.snapshot(snapshot(10, "1", changed=5)))
    reader.take(one.change(change(20, "2")))
    reader.take(one.change(change(20, "2")))
    reader.take(one.change(change(15, "9")))
    reader.take(one.change(change(21, None, Position(*BTC, "1", "100"))))
    assert [dict(seen.balances)["USDT"] for seen in reader.seen] == [1, 2, 2]
    assert not one.wants_snapshot


def test_a_fact_the_snapshot_does_not_date_is_looked_up_anew() -> None:
    """A position the snapshot does not list, changed before it was asked for, is in doubt: one asks again."""
    one, reader = stitcher(), Reader()
    one.change(change(10, None, Position(*BTC, "1", "100")))
    one.asked()
    reader.take(one.snapshot(snapshot(50, "1", changed=5)))
    assert reader.facts()[1] == {}
    assert one.wants_snapshot
    one.asked()
    reader.take(one.snapshot(snapshot(60, "1", Position(*BTC, "1", "100"), changed=10)))
    assert reader.facts()[1] == {"BTCUSDT": (Decimal(1), None)}


def test_after_a_gap_nothing_is_told_until_the_next_snapshot() -> None:
    """What may have been missed is learnt from a snapshot, not passed over: a transfer of the gap shows in it.

    What was kept before the gap is not told after it, though a clock of ours that is late makes it look newer.
    """
    one, reader = stitcher(), Reader()
    one.asked()
    reader.take(one.snapshot(snapshot(10, "1", changed=5)))
    one.lost()
    one.change(change(90, None, Position("OLDUSDT", "both", "1", "100")))
    one.lost()
    assert one.wants_snapshot
    assert one.change(change(30, None, Position(*BTC, "2", "100"))) == []
    one.asked()
    reader.take(one.snapshot(snapshot(40, "7", Position(*BTC, "2", "100"), changed=30)))
    assert reader.facts() == ({"USDT": Decimal(7)}, {"BTCUSDT": (Decimal(2), None)})


def test_a_snapshot_that_says_nothing_new_is_not_told() -> None:
    """The comparison every few minutes is silent while both agree, and tells the whole account when they do not."""
    one, reader = stitcher(), Reader()
    held = Position(*BTC, "1", "100")
    for at, cross in ((10, "1"), (20, "1"), (30, "2")):
        one.asked()
        reader.take(one.snapshot(snapshot(at, cross, held)))
    assert len(reader.seen) == 2


def test_an_answer_older_than_the_stream_is_believed_only_when_the_venue_insists() -> None:
    """A late copy must not take back what the stream has told, a wallet or a position: it is asked for again, twice."""
    held = Position(*BTC, "1", "100")
    for late in (snapshot(40, "1", held, changed=5), snapshot(40, "2", changed=30)):
        one, reader = stitcher(), Reader()
        one.asked()
        reader.take(one.snapshot(snapshot(10, "1", changed=5)))
        reader.take(one.change(change(30, "2", held)))
        for _ in range(2):
            one.asked()
            assert one.snapshot(late) == []
            assert one.wants_snapshot
            assert reader.facts() == ({"USDT": Decimal(2)}, {"BTCUSDT": (Decimal(1), None)})
        one.asked()
        reader.take(one.snapshot(late))
        assert not one.wants_snapshot
        assert reader.facts()[0] == {"USDT": Decimal(late.balances["USDT"])}


def test_a_snapshot_that_agrees_lets_nothing_older_through() -> None:
    """A venue may date a fact earlier than its stream does: what came between the two is still not news."""
    one, reader = stitcher(), Reader()
    one.asked()
    reader.take(one.snapshot(snapshot(10, "1", changed=5)))
    reader.take(one.change(change(30, "2")))
    one.asked()
    assert one.snapshot(snapshot(40, "2", changed=25)) == []
    assert not one.wants_snapshot
    assert one.change(change(28, "9")) == []
    one.asked()
    assert one.snapshot(snapshot(60, "2", changed=50)) == []
    assert one.change(change(45, "9")) == []


def test_of_a_change_of_which_the_snapshot_holds_a_half_nothing_is_told() -> None:
    """Answers of different moments: the wallet after a transfer, the position before it. One asks again instead."""
    one, reader = stitcher(), Reader()
    one.asked()
    torn = AccountSnapshot(40, 40, {"USDT": "900"}, (), times={("balance", "USDT"): 50})
    reader.take(one.snapshot(torn))
    assert one.change(change(50, "900", isolated("1", "100"))) == []
    assert one.wants_snapshot
    one.asked()
    reader.take(one.snapshot(snapshot(60, "900", isolated("1", "100"), changed=50)))
    assert reader.facts() == ({"USDT": Decimal(900)}, {"BTCUSDT": (Decimal(1), Decimal(100))})


def test_leverage_and_modes_come_through() -> None:
    """Leverage is told with the positions of its symbol; a change of mode has a snapshot asked for."""
    one, reader = stitcher(), Reader()
    one.asked()
    hedged = snapshot(10, "1", Position("BTCUSDT", "long", "1", "100"), leverage={"BTCUSDT": "20"})
    reader.take(one.snapshot(replace(hedged, position_mode="hedge", margin_mode="multi_asset")))
    reader.take(one.change(change(20, leverage={"BTCUSDT": "5", "ETHUSDT": "3"})))
    reader.take(one.change(change(30, None, Position("ETHUSDT", "short", "-1", "10"))))
    account = reader.account
    assert account is not None
    assert (account.margin_mode, account.position_mode) == ("multi_asset", "hedge")
    assert {one.symbol: one.leverage for one in account.positions.values()} == {"BTCUSDT": 5, "ETHUSDT": 3}
    one.change(change(40, mode_changed=True))
    assert one.wants_snapshot


def test_versions_rise_over_restarts_and_while_the_clock_stands() -> None:
    """Each version is above those of the process before it, also many within one millisecond."""
    clock = [5]
    before = Versions(lambda: clock[0])
    given_before = [before() for _ in range(900)]
    clock[0] = 6
    following = Versions(lambda: clock[0])
    given_after = [following() for _ in range(3)]
    given_all = given_before + given_after
    assert given_all == sorted(set(given_all))


@dataclass
class MadeUp:
    """Hold a venue's account: a cross wallet and two isolated positions, and every change it has told."""

    now: int = 1000
    cross: int = 1000
    wallets: dict[str, int] = field(default_factory=dict)
    changed: dict[tuple[str, ...], int] = field(default_factory=dict)
    told: list[AccountChange] = field(default_factory=list)

    def move(self, symbol: str, amount: int) -> None:
        """Move money between the cross wallet and a position, opening or closing it."""
        self.now += 1
        held = self.wallets.get(symbol, 0)
        amount = max(-held, min(amount, self.cross))
        self.cross -= amount
        self.wallets[symbol] = held + amount
        position = self._position(symbol)
        self.changed |= {("balance", "USDT"): self.now, position.key: self.now}
        self.told.append(AccountChange(self.now, self.now, {"USDT": str(self.cross)}, (position,)))

    def _position(self, symbol: str) -> Position:
        wallet = self.wallets[symbol]
        return Position(symbol, "both", "1" if wallet else "0", "10" if wallet else "0.0", True, str(wallet))

    def snapshot(self, asked_ms: int, *, lists_closed: bool) -> AccountSnapshot:
        """Return how the account stands now."""
        positions = [self._position(symbol) for symbol in self.wallets]
        times = {
            key: at for key, at in self.changed.items() if lists_closed or key[0] == "balance" or self.wallets[key[1]]
        }
        alive = tuple(one for one in positions if not one.is_closed)
        return AccountSnapshot(asked_ms, asked_ms, {"USDT": str(self.cross)}, alive, times=times)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["move", "move", "deliver", "deliver", "repeat", "gap", "ask", "answer"]),
        st.sampled_from(["X", "Y"]),
        st.integers(-300, 300),
    ),
    max_size=60,
)


ASK, ANSWER = ("ask", "X", 0), ("answer", "X", 0)
OPENED_AND_CLOSED = [("move", "X", 0), ("move", "X", 1), ("move", "X", -1)]


@settings(max_examples=150)
@given(STEPS, st.booleans())
@example(steps=OPENED_AND_CLOSED, lists_closed=False)
@example(steps=[ASK, ANSWER, *OPENED_AND_CLOSED, ("deliver", "X", 0), ASK, ANSWER], lists_closed=False)
def test_whatever_the_stream_does_the_account_ends_as_the_venue_has_it(
    steps: list[tuple[str, str, int]], lists_closed: bool
) -> None:
    """Lag, repetition, gaps and snapshots at any moment: never half a transfer told, and the truth in the end."""
    venue, one, reader = MadeUp(), stitcher(), Reader()
    delivered = live(venue, one, reader, steps, lists_closed=lists_closed)
    for late in venue.told[delivered:]:
        reader.take(one.change(late))
    for _ in range(6):
        venue.now += 1
        one.asked()
        reader.take(one.snapshot(venue.snapshot(venue.now, lists_closed=lists_closed)))
        if one.is_whole and not one.wants_snapshot:
            break
    expected = {symbol: (Decimal(1), Decimal(wallet)) for symbol, wallet in venue.wallets.items() if wallet}
    assert reader.facts() == ({"USDT": Decimal(venue.cross)}, expected)
    for seen in reader.seen:
        held = sum((position.isolated_wallet or Decimal(0)) for position in seen.positions.values())
        assert seen.balances["USDT"] + held == 1000, "half of a transfer was told"


def live(venue: MadeUp, one: Stitcher, reader: Reader, steps: list[tuple[str, str, int]], *, lists_closed: bool) -> int:
    """Live through steps; return how many changes have been delivered."""
    delivered, asked = 0, None
    for kind, symbol, amount in steps:
        if kind == "move":
            venue.move(symbol, amount)
        elif kind == "deliver" and delivered < len(venue.told):
            reader.take(one.change(venue.told[delivered]))
            delivered += 1
        elif kind == "repeat" and delivered:
            reader.take(one.change(venue.told[max(0, delivered - 1 - abs(amount) % 3)]))
        elif kind == "gap":
            delivered, asked = len(venue.told), None
            one.lost()
        elif kind == "ask" and asked is None:
            one.asked()
            asked = venue.now
        elif kind == "answer" and asked is not None:
            reader.take(one.snapshot(venue.snapshot(asked, lists_closed=lists_closed)))
            asked = None
    return delivered
