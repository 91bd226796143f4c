"""Tests of what a takeover costs: work is counted, not time, and holds the one kernel thread in short turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from monitor.app import warm_copy
from monitor.app.feed import GlobalFeed
from monitor.app.ports import Record, TopicPartition
from monitor.app.reading import GlobalInput
from monitor.app.warm_copy import ACCOUNTS_AT_ONCE, MARKS_AT_ONCE, WarmCopy
from monitor.core.accounts import Account, Position, Side
from monitor.core.board import MarketBoard
from monitor.core.book import AccountBook
from monitor.core.engine import EngineSettings, MarginEngine
from monitor.core.everybody import JUDGED_AT_ONCE, judged_in_turns
from monitor.core.facts import pack, settings_of
from monitor.core.following import Follower
from monitor.core.freshness import FreshnessSettings
from monitor.core.herald.herald import Herald
from monitor.core.inputs import Input, InstrumentTerms, Origin, Prices
from monitor.core.kernels_compiled import HAS_NUMBA
from monitor.core.ladder import Ladder
from monitor.core.outcome import Outcome
from monitor.core.prices import PriceUpdate
from monitor.core.teller import Teller
from monitor.core.told import Remembered, Told, pack_memory
from monitor.core.verdict import Ladders
from tests.core.building import instrument

NOW_MS = 1_700_000_000_000
MARKS = (PriceUpdate("AUSDT", Decimal(100), None, None, None, NOW_MS),)
MARKET: list[GlobalInput] = [
    InstrumentTerms("AUSDT", instrument("AUSDT"), Origin("i", 0, 0)),
    Prices(MARKS, Origin("p", 0, 0), NOW_MS),
]
ACCOUNTS = 2 * JUDGED_AT_ONCE + 50
NAMES = [f"account {number}" for number in range(ACCOUNTS)]
SHOWN = pack_memory({"cross:USDT": Remembered(Told(), 0)})


def engine_of() -> MarginEngine:
    """Return an engine that knows nothing."""
    return MarginEngine(EngineSettings(Ladders.same(Ladder.build())), MarketBoard(FreshnessSettings(), ("USD",)))


def facts_of(name: str, *, odd: bool = False) -> bytes:
    """Return an account that is healthy by far, an odd one with settings of its own."""
    position = Position("AUSDT", Side.BOTH, Decimal(1), Decimal(100))
    settings = settings_of({"labels": {"desk": "7"}} if odd else {})
    balances, positions = {"USDT": Decimal(10**6)}, {position.key: position}
    return pack(Account(name, balances=balances, positions=positions, settings=settings, complete=True))


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the accounts of the scopes that are decided exactly, as they are."""
    found: list[str] = []
    decide = Teller._decide

    def counted(teller: Teller, account: Account, *rest: Any) -> None:
        found.append(account.account_id)
        decide(teller, account, *rest)

    quickly = Herald.decide

    def counted_too(self: Herald, scope: int, *args: Any) -> None:
        found.append(self._book.id_of(self._store.account_of(scope)))
        quickly(self, scope, *args)

    monkeypatch.setattr(Teller, "_decide", counted)
    monkeypatch.setattr(Herald, "decide", counted_too)
    return found


def followed(memory: dict[str, bytes]) -> MarginEngine:
    """Return an engine that has followed another one's accounts."""
    engine = engine_of()
    follower = Follower(engine)
    follower.absorb(MARKET, NOW_MS)
    follower.renew(NAMES, {name: facts_of(name) for name in NAMES}, memory, {})
    return engine


def test_a_warm_takeover_of_an_unchanged_shard_decides_and_shows_nothing(
    decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown is carried over, and no account is so much as unpacked; everything else would take seconds."""
    engine = followed(dict.fromkeys(NAMES, SHOWN))
    unpacked: list[str] = []
    find = AccountBook.find

    def counted(book: AccountBook, account_id: str) -> Account | None:
        unpacked.append(account_id)
        return find(book, account_id)

    monkeypatch.setattr(AccountBook, "find", counted)
    assert not any(turn.accounts for turn in judged_in_turns(engine, NOW_MS))
    assert decided == []
    assert unpacked == []


def test_everybody_is_judged_in_short_turns(decided: list[str]) -> None:
    """Whoever was never shown is shown, by at most so many decisions a turn; a second look finds nothing to say."""
    engine, whole, before = followed({}), Outcome(), 0
    for turn in judged_in_turns(engine, NOW_MS):
        assert len(decided) - before <= JUDGED_AT_ONCE
        before = len(decided)
        whole.join(turn)
    assert sorted(whole.accounts) == sorted(decided) == sorted(NAMES)
    assert all(one.memory == SHOWN for one in whole.accounts.values())
    assert not any(turn.accounts for turn in judged_in_turns(engine, NOW_MS))


def copy_of(odd: frozenset[str]) -> WarmCopy:
    """Return a copy that has read the records of all accounts, `odd` ones with settings, and placed none yet."""
    where = TopicPartition("state", 0)
    copy = WarmCopy(where, engine_of(), cast("GlobalFeed", None), cast("Any", None))
    records = [
        Record(*where, 2 * at, NOW_MS, b"f|" + name.encode(), facts_of(name, odd=name in odd))
        for at, name in enumerate(NAMES)
    ]
    records += [Record(*where, 2 * at + 1, NOW_MS, b"s|" + name.encode(), SHOWN) for at, name in enumerate(NAMES)]
    copy.turn(records, 2 * ACCOUNTS, (), NOW_MS)
    assert len(copy.engine.book) == 0
    return copy


def completed(copy: WarmCopy, inputs: Sequence[GlobalInput], count: Callable[[], int]) -> list[int]:
    """Let a copy take over what it has left, and the market; return by how much a count rose in each turn."""
    risen: list[int] = []

    def kernel(work: Callable[[], Any]) -> Awaitable[Any]:
        before = count()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(work())
        risen.append(count() - before)
        return done

    asyncio.run(copy.complete(inputs, NOW_MS, kernel))
    return risen


def test_what_a_copy_has_still_to_take_over_is_taken_in_short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is handed over with nothing placed yet holds the kernel thread no longer than one that follows."""
    monkeypatch.setattr(warm_copy, "FILLED_AT_ONCE", 150)
    copy = copy_of(frozenset())
    engine = copy.engine
    taken: list[int] = []
    absorb = engine.absorb

    def absorbed(inputs: Sequence[Input], now_ms: int) -> Outcome:
        taken.append(len(inputs))
        return absorb(inputs, now_ms)

    engine.absorb = absorbed  # type: ignore[method-assign,assignment]
    many = Prices(MARKS * (MARKS_AT_ONCE // 2), Origin("p", 0, 1), NOW_MS)
    placed = completed(copy, [*MARKET, many, many, many, many], lambda: len(engine.book))
    assert len(engine.book) == ACCOUNTS
    assert max(placed) == (150 if HAS_NUMBA else ACCOUNTS_AT_ONCE)
    assert taken == [4, 2]
    assert not any(turn.accounts for turn in judged_in_turns(engine, NOW_MS))


@pytest.mark.skipif(not HAS_NUMBA, reason="many at once are only read where numba is")
def test_a_copy_unpacks_only_accounts_that_are_not_plain_and_few_of_them_in_a_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plain ones are taken over in one turn, the others follow, a turn's worth at a time, and everybody is there."""
    odd = frozenset(NAMES[::3])
    copy = copy_of(odd)
    unpacked: list[str] = []
    account = AccountBook.account

    def counted(book: AccountBook, number: int) -> Account:
        unpacked.append(book.id_of(number))
        return account(book, number)

    monkeypatch.setattr(AccountBook, "account", counted)
    turns = completed(copy, MARKET, lambda: len(unpacked))
    assert set(unpacked) == odd
    assert max(turns) == ACCOUNTS_AT_ONCE
    assert sum(1 for turn in turns if turn) == -(-len(odd) // ACCOUNTS_AT_ONCE)
    scopes = [copy.engine.store.scopes_of(number) for number in range(ACCOUNTS)]
    assert all(len(mine) == 1 for mine in scopes)
    assert not any(turn.accounts for turn in judged_in_turns(copy.engine, NOW_MS))


def figures_of(engine: MarginEngine) -> dict[str, tuple[float, float, int, int]]:
    """Return equity, requirement and what was told and shown of every account, judged now."""
    store = engine.store
    store.judge_all()
    equity, requirement = store.figures()
    found = {}
    for scope in np.nonzero(store.is_live())[0].tolist():
        name, states = engine.book.id_of(store.account_of(scope)), (int(store.told[scope]), int(store.shown[scope]))
        assert store.name_of(scope) == "cross:USDT"
        found[name] = (float(equity[scope]), float(requirement[scope]), *states)
    return found


@pytest.mark.skipif(not HAS_NUMBA, reason="many at once are only read where numba is")
def test_accounts_filled_amid_the_life_of_a_copy_are_what_each_alone_is() -> None:
    """With terms that have changed since others were filled, and ids that were used before and are free again."""
    facts, memory = {name: facts_of(name) for name in NAMES}, dict.fromkeys(NAMES[::2], SHOWN)
    larger = InstrumentTerms("AUSDT", instrument("AUSDT", size="10"), Origin("i", 0, 1))
    third = ACCOUNTS // 3
    parts = NAMES[:third], NAMES[third : 2 * third], NAMES[2 * third :]
    empty = {name: pack(Account(name, complete=True)) for name in parts[0][:20]}
    found = []
    for at_once in (True, False):
        engine = engine_of()
        follower = Follower(engine)
        take = follower.fill if at_once else follower.renew
        follower.absorb(MARKET, NOW_MS)
        take(parts[0], facts, memory, {})
        follower.renew([*empty], empty, memory, {})
        take(parts[1], facts, memory, {})
        follower.absorb([larger], NOW_MS)
        take(parts[2], facts, memory, {})
        found.append(figures_of(engine))
    assert found[0] == found[1]
    assert len(found[0]) == ACCOUNTS - len(empty)
    assert len({equity for equity, *_ in found[0].values()}) == 1
    assert len({requirement for _, requirement, *_ in found[0].values()}) == 1
