"""Tests of the packed facts: what is kept of an account comes back as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.accounts import Account, MarginMode, MarginType, Position, PositionMode, Side
from monitor.core.book import AccountBook
from monitor.core.facts import BadFactsRecord, pack, settings_of, unpack

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
amounts = st.decimals(-(10**12), 10**12, places=12)
positive = st.decimals("0.000001", 10**9, places=6)
maps = st.dictionaries(names, amounts, max_size=3)


@st.composite
def positions(draw: st.DrawFn) -> Position:
    """Draw a position."""
    isolated = draw(st.booleans())
    return Position(
        draw(names),
        draw(st.sampled_from(Side)),
        draw(amounts.filter(bool)),
        draw(positive),
        MarginType.ISOLATED if isolated else MarginType.CROSS,
        draw(amounts) if isolated else None,
        draw(st.none() | positive),
    )


@st.composite
def raw_settings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw settings as they are sent."""
    raw: dict[str, Any] = {}
    for key in draw(st.sets(st.sampled_from(["bracket_multiplier", "leverage"]))):
        raw[key] = {name: str(amount) for name, amount in draw(st.dictionaries(names, positive, max_size=2)).items()}
    if draw(st.booleans()):
        raw["labels"] = draw(st.dictionaries(names, names, max_size=2))
    return raw


accounts = st.builds(
    Account,
    account_id=names,
    margin_mode=st.sampled_from(MarginMode),
    position_mode=st.sampled_from(PositionMode),
    balances=maps,
    positions=st.lists(positions(), max_size=4).map(lambda held: {position.key: position for position in held}),
    open_order_initial_margin=maps,
    net_transfers=maps,
    settings=raw_settings().map(settings_of),
    version=st.integers(0, 2**62),
    epoch=st.integers(0, 2**31),
    event_time_ms=st.integers(0, 2**53),
    complete=st.booleans(),
    suspect=st.booleans(),
    deleted=st.booleans(),
)


@given(accounts)
def test_facts_come_back(account: Account) -> None:
    """What was packed is unpacked, digit by digit and in the order it was in."""
    back = unpack(pack(account))
    assert back == account
    assert list(back.positions) == list(account.positions)
    assert [str(amount) for amount in back.balances.values()] == [str(amount) for amount in account.balances.values()]
    assert pack(back) == pack(account)


@pytest.mark.parametrize(
    "record", [b"", b"1", b"\xff", pack(Account("a")).replace(b"1", b"9", 1), pack(Account("a"))[:-1]]
)
def test_damaged_facts_are_refused(record: bytes) -> None:
    """Bytes that are no record of this version are an error."""
    with pytest.raises(BadFactsRecord):
        unpack(record)


def test_the_book_numbers_accounts_once() -> None:
    """An account keeps its number, also when its facts are replaced or come as a record."""
    book = AccountBook()
    one, two = book.keep(Account("one")), book.keep(Account("two"))
    assert (book.keep(Account("one", version=3)), book.keep_record("two", pack(Account("two", version=4)))) == (
        one,
        two,
    )
    assert book.find("one") == Account("one", version=3)
    assert book.account(two).version == 4
    assert (book.id_of(one), book.number_of("two"), book.find("three"), len(book)) == ("one", two, None, 2)
    assert list(book.ids()) == ["one", "two"]
    assert unpack(book.record(one)) == Account("one", version=3)
    assert Decimal(0) == sum(book.account(one).balances.values(), Decimal(0))
