"""Account events: what they change, what they leave, and what they may not say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.core.accounts import (
    ABSENT,
    Account,
    AccountEvent,
    BadFacts,
    MarginMode,
    MarginType,
    PositionChange,
    PositionMode,
    Settings,
    Side,
    after,
    check_event,
    is_news,
)
from tests.core.building import account, amounts, position

D = Decimal
HELD = account(
    position("2", "10", leverage="5"),
    position("-1", "20", symbol="Y", wallet="7"),
    balances={"USDT": "100", "BTC": "1"},
    orders={"cross:USDT": "3"},
)


def event(**said: Any) -> AccountEvent:
    """Return a message that is newer than everything."""
    return AccountEvent(**{"account_id": "a1", "version": 9, "event_time_ms": 5} | said)


def change(symbol: str = "X", side: Side = Side.BOTH, **said: Any) -> PositionChange:
    """Return what a message says of one position."""
    return PositionChange(symbol, side, **said)


def test_what_is_not_named_stays() -> None:
    """An empty message changes nothing but version and time."""
    changed = after(event(), HELD)
    assert (changed.version, changed.event_time_ms) == (9, 5)
    assert (changed.balances, changed.positions, changed.complete) == (HELD.balances, HELD.positions, True)
    assert repr(ABSENT) == "ABSENT"


def test_what_is_named_is_what_it_says() -> None:
    """A named balance or field of a position replaces the old one, zero balances stay as entries."""
    changed = after(event(balances=amounts({"USDT": "0"}), positions=(change(quantity=D(3)),)), HELD)
    assert changed.balances == amounts({"USDT": "0", "BTC": "1"})
    held = changed.positions["X", Side.BOTH]
    assert (held.quantity, held.entry_price, held.leverage) == (D(3), D(10), D(5))
    assert HELD.positions["X", Side.BOTH].quantity == 2


def test_quantity_zero_closes() -> None:
    """A position with quantity 0 is gone, known or not, and needs no entry price."""
    both = (change(quantity=D(0)), change("Z", quantity=D(0)))
    assert set(after(event(positions=both), HELD).positions) == {("Y", Side.BOTH)}


def test_a_position_moves_between_wallets_in_one_message() -> None:
    """Isolated to cross drops the wallet; cross to isolated needs one in the same message."""
    joined = after(event(positions=(change("Y", margin_type=MarginType.CROSS),)), HELD).positions["Y", Side.BOTH]
    assert (joined.margin_type, joined.isolated_wallet) == (MarginType.CROSS, None)
    leaving = change(margin_type=MarginType.ISOLATED, isolated_wallet=D(-4))
    assert after(event(positions=(leaving,)), HELD).positions["X", Side.BOTH].isolated_wallet == -4
    with pytest.raises(BadFacts, match="isolated_wallet"):
        after(event(positions=(change(margin_type=MarginType.ISOLATED),)), HELD)


def test_leverage_can_be_taken_back() -> None:
    """A leverage of null is no leverage, an absent one stays."""
    assert after(event(positions=(change(leverage=None),)), HELD).positions["X", Side.BOTH].leverage is None


def test_a_snapshot_replaces_everything() -> None:
    """What a snapshot does not name is gone, and the account is complete and no longer suspect."""
    suspect = after(event(version=2), Account("a1", suspect=True))
    assert (suspect.suspect, suspect.complete) == (True, False)
    fresh = after(event(snapshot=True, balances=amounts({"USDC": "1"})), suspect)
    assert (fresh.suspect, fresh.complete, dict(fresh.balances), dict(fresh.positions)) == (
        False,
        True,
        amounts({"USDC": "1"}),
        {},
    )


def test_settings_are_laid_over_key_by_key() -> None:
    """A named setting replaces that one, the others stay."""
    first = Settings({"vip_level": 1, "leverage": {"X": "3"}}, leverage=amounts({"X": "3"}))
    second = Settings({"bracket_multiplier": {"X": "4"}}, bracket_multiplier=amounts({"X": "4"}))
    both = after(event(settings=second), after(event(settings=first), None)).settings
    assert set(both.raw) == {"vip_level", "leverage", "bracket_multiplier"}
    assert (both.leverage, both.bracket_multiplier) == (amounts({"X": "3"}), amounts({"X": "4"}))


def test_a_deleted_account_leaves_its_version_only() -> None:
    """Deletion forgets the facts; a later message begins from nothing and without a snapshot."""
    gone = after(event(deleted=True), HELD)
    assert (gone.deleted, gone.version, dict(gone.positions)) == (True, 9, {})
    back = after(event(version=10, balances=amounts({"USDT": "5"})), gone)
    assert (back.deleted, back.complete, dict(back.balances)) == (False, False, amounts({"USDT": "5"}))


@pytest.mark.parametrize(
    ("version", "epoch", "snapshot", "news"),
    [
        (4, 1, False, False),
        (5, 1, False, False),
        (6, 1, False, True),
        (1, 2, True, True),
        (99, 2, False, False),
        (99, 0, True, False),
    ],
)
def test_versions_rise_within_an_epoch(version: int, epoch: int, snapshot: bool, news: bool) -> None:
    """A version that is not above the known one is old; a snapshot of a higher epoch outranks any version."""
    known = Account("a1", version=5, epoch=1)
    assert is_news(event(version=version, epoch=epoch, snapshot=snapshot), known) is news
    assert is_news(event(version=version, epoch=epoch, snapshot=snapshot), None)


BAD = [
    ("positions[0].quantity", (change("Z", entry_price=D(1)),)),
    ("positions[0].entry_price", (change("Z", quantity=D(1)),)),
    ("positions[0].entry_price", (change(entry_price=D(0)),)),
    ("positions[0].leverage", (change(leverage=D(0)),)),
    ("positions[0].quantity", (change("Z", Side.LONG, quantity=D(-1), entry_price=D(1)),)),
    ("positions[0].quantity", (change("Z", Side.SHORT, quantity=D(1), entry_price=D(1)),)),
    ("positions[1]", (change(quantity=D(1)), change(quantity=D(2)))),
    ("positions", (change("Z", Side.LONG, quantity=D(1), entry_price=D(1)),)),
]


@pytest.mark.parametrize(("path", "positions"), BAD)
def test_contradicting_facts_change_nothing(path: str, positions: tuple[PositionChange, ...]) -> None:
    """A message that contradicts itself or the account is refused with the place; the facts stay as they were."""
    before = dict(HELD.positions)
    with pytest.raises(BadFacts) as caught:
        after(event(positions=positions), HELD)
    assert caught.value.path == path
    assert dict(HELD.positions) == before


@pytest.mark.parametrize("positions", [positions for path, positions in BAD[2:-1]])
def test_a_bad_message_is_bad_whatever_is_known(positions: tuple[PositionChange, ...]) -> None:
    """What contradicts itself is refused before anything is known of the account, also in a snapshot."""
    for snapshot in (False, True):
        with pytest.raises(BadFacts):
            check_event(event(positions=positions, snapshot=snapshot))
    check_event(event(positions=(change(quantity=D(1)),)))


def test_hedge_mode_holds_long_and_short() -> None:
    """Both legs of a symbol stand side by side in hedge mode, and a change of mode must take all positions along."""
    legs = tuple(
        change("Z", side, quantity=D(sign), entry_price=D(1)) for side, sign in ((Side.LONG, 1), (Side.SHORT, -1))
    )
    hedged = after(event(snapshot=True, position_mode=PositionMode.HEDGE, positions=legs), None)
    assert len(hedged.positions) == 2
    with pytest.raises(BadFacts):
        after(event(position_mode=PositionMode.ONE_WAY), hedged)
    closed = tuple(change("Z", side, quantity=D(0)) for side in (Side.LONG, Side.SHORT))
    assert not after(event(position_mode=PositionMode.ONE_WAY, positions=closed), hedged).positions


def test_the_number_of_positions_is_limited() -> None:
    """One position more than the limit is refused."""
    two = tuple(change(symbol, quantity=D(1), entry_price=D(1)) for symbol in "AB")
    assert len(after(event(positions=two), None, max_positions=2).positions) == 2
    with pytest.raises(BadFacts):
        after(event(positions=two), None, max_positions=1)


def test_margin_mode_changes_in_any_message() -> None:
    """The mode an event names is the mode from then on."""
    changed = after(event(margin_mode=MarginMode.MULTI_ASSET, net_transfers=amounts({"USDT": "-5"})), HELD)
    assert (changed.margin_mode, changed.net_transfers) == (MarginMode.MULTI_ASSET, amounts({"USDT": "-5"}))
