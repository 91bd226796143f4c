"""Tests of ranking a shard's holders: the float pass against exact scores, digests against a naive ranking."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.adl.bins import bin_of
from monitor.core.adl.candidates import Candidate
from monitor.core.adl.holders import LONG, SHORT
from monitor.core.adl.listing import Contender
from monitor.core.adl.queue import AdlQueue
from monitor.core.adl.ranks import Exact, Ranks, bins_of, distribution
from monitor.core.adl.settings import AdlRanking, AdlSettings
from monitor.core.engine import MarginEngine
from monitor.core.kernels_adl import HOLDS, NO_LIGHT
from monitor.core.scopes import positions_of
from tests.adl.books import MARKS, NOW, book, engine, price, renamed, spread

RANKINGS = pytest.mark.parametrize("ranking", list(AdlRanking))
Key = tuple[str, str]


def naive(made: MarginEngine, ranking: AdlRanking) -> dict[Key, list[Candidate]]:
    """Return every candidate of an engine, each account looked at exactly, by key and in order."""
    found: dict[Key, list[Candidate]] = defaultdict(list)
    for number, account_id in enumerate(made.book.ids()):
        account = made.book.find(account_id)
        assert account is not None
        for scope in made.store.scopes_of(number):
            if made.store.told[scope] < 7:
                contender = Contender(account, made.store.name_of(scope), made.board, ranking)
                symbols = {position.symbol for position in account.positions.values()}
                for key in product(symbols, (LONG, SHORT)):
                    one = contender.candidate(key)
                    if one is not None:
                        found[key].append(one)
    for held in found.values():
        held.sort(key=lambda one: (-one.score, one.account_id, one.scope, one.position_side))
    return found


@RANKINGS
@pytest.mark.parametrize("use_numba", [True, False])
def test_float_scores_are_exact_scores_within_their_bound(ranking: AdlRanking, use_numba: bool) -> None:
    """Of every holder the kernel says whether it is in the queue, on which side, and its score within the bound."""
    made = engine(AdlSettings(ranking=ranking), book(1, 200), use_numba=use_numba)
    price(made, {"X": "119.37", "Y": "7.4411"}, NOW + 1)
    exact = {(key, one.account_id, one.scope): one for key, held in naive(made, ranking).items() for one in held}
    compared = 0
    for symbol in MARKS:
        holders = made.store.adl.holders(symbol, ranking)
        for at, scope in enumerate(holders.scopes.tolist()):
            side = SHORT if holders.shorts[at] else LONG
            where = made.book.id_of(made.store.account_of(scope)), made.store.name_of(scope)
            right = exact.pop(((symbol, side), *where), None)
            score = float(holders.scores[at])
            if right is None:
                assert math.isnan(score), (symbol, side, where, score)
                continue
            assert holders.kinds[at] == HOLDS
            assert abs(Decimal(score) - right.score) <= Decimal(float(holders.errors[at])), (symbol, where)
            assert float(holders.errors[at]) <= 1e-6 * max(1.0, abs(score))
            compared += 1
    assert not exact
    assert compared > 100


@RANKINGS
@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_digests_list_the_first_holders_and_count_all(ranking: AdlRanking, most: int) -> None:
    """The list is the beginning of the naive ranking, ties by account id; the distribution counts everybody in it.

    It also counts who has exactly no profit, where floats cannot tell that from a little.
    """
    settings = AdlSettings(ranking=ranking, candidates=most)
    made = engine(settings, book(2, 150))
    ranks = Ranks(settings, made.board, made.book, made.store)
    right = naive(made, ranking)
    for symbol in MARKS:
        ranked = ranks.rank(symbol, 0, most, Exact())
        for side in (LONG, SHORT):
            contents = ranked.digests[side].contents(0)
            assert list(contents.candidates) == right[symbol, side][:most]
            mine = (ranked.holders.shorts == (side == SHORT)) & ~np.isnan(ranked.holders.scores)
            doubtful = mine & (np.abs(ranked.holders.scores) <= ranked.holders.errors)
            counted, exact = sum(contents.distribution.values()), len(right[symbol, side])
            assert counted - doubtful.sum() <= exact <= counted <= contents.total
            bins = Counter(bin_of(score) for score in ranked.holders.scores[mine].tolist())
            assert contents.distribution == bins


def test_more_ties_than_a_list_holds_go_by_account_id() -> None:
    """Of many holders that score the same the lowest account ids are listed, however many there are."""
    settings = AdlSettings(candidates=5)
    [model] = [one for one in book(3, 60) if one.positions and not one.settings.raw and winning(one)][:1]
    made = engine(settings, [renamed(model, f"t{number:03d}") for number in reversed(range(60))])
    [key, held] = next((key, held) for key, held in naive(made, settings.ranking).items() if len(held) == 60)
    ranked = Ranks(settings, made.board, made.book, made.store).rank(key[0], 0, settings.candidates, Exact())
    listed = ranked.digests[key[1]].contents(0).candidates
    assert [one.account_id for one in listed] == [f"t{number:03d}" for number in range(5)]
    assert list(listed) == held[:5]


def winning(event: Any) -> bool:
    """Return whether an account has a candidate in exactly one scope and queue."""
    made = engine(AdlSettings(), [event])
    return sorted(map(len, naive(made, AdlRanking.LEVERAGE_PNL_2019).values())) == [1]


def publish(made: MarginEngine, queue: AdlQueue, at_ms: int, prices: int = 9) -> None:
    """Take the turns of a round of a shard and put their news into the queue, as the application does."""
    is_begun = False
    while not is_begun or made.adl.is_amid_round:
        is_begun = True
        news = made.adl.turn({0: prices}, 3, at_ms)
        shard = made.adl._shard
        if news is not None:
            for key, digest in news.digests.items():
                queue.take(shard, *key, digest)
            if news.standing is not None:
                queue.stand(shard, news.standing)


def settled(settings: AdlSettings, parts: list[Any]) -> tuple[AdlQueue, list[MarginEngine]]:
    """Return the queue of some shards whose inputs are at rest."""
    queue, made = AdlQueue(), [engine(settings, part) for part in parts]
    for shard, one in enumerate(made):
        one.adl.join(queue, shard)
        publish(one, queue, NOW)
    return queue, made


def lights(made: MarginEngine) -> dict[tuple[str, str], list[int | None]]:
    """Return the light of every position of every scope."""
    found: dict[tuple[str, str], list[int | None]] = {}
    for number, account_id in enumerate(made.book.ids()):
        account = made.book.find(account_id)
        assert account is not None
        for scope in made.store.scopes_of(number):
            held = positions_of(account, made.store.name_of(scope), made.board)
            found[account_id, made.store.name_of(scope)] = made.adl.show(scope, account, held)
    return found


@RANKINGS
def test_six_shards_rank_and_light_as_one(ranking: AdlRanking) -> None:
    """With inputs at rest the accounts of one shard, spread over six, have the same ranking, lights and selections."""
    settings = AdlSettings(ranking=ranking, candidates=20)
    events = book(4, 300)
    one, [whole] = settled(settings, [events])
    six, parts = settled(settings, spread(events, 6))
    for symbol in MARKS:
        for side in (LONG, SHORT):
            ranking_of_one = [each._replace(shard=0) for each in one.candidates(symbol, side)]
            assert [each._replace(shard=0) for each in six.candidates(symbol, side)] == ranking_of_one
            assert len(ranking_of_one) == 20
            for quantity in ("0.5", "40", "1000000"):
                a, b = (queue.select(symbol, side, Decimal(quantity), {"a00007"}) for queue in (one, six))
                assert [c.candidate.account_id for c in a.chosen] == [c.candidate.account_id for c in b.chosen]
                assert [(c.quantity, c.rank) for c in a.chosen] == [(c.quantity, c.rank) for c in b.chosen]
                assert sum((c.quantity for c in b.chosen), b.unfilled_quantity) == Decimal(quantity)
    shown = {where: found for part in parts for where, found in lights(part).items()}
    assert shown == lights(whole)
    assert {light for found in shown.values() for light in found} == {0, 1, 2, 3, 4}
    assert six.covers(6, {0: 9})
    assert not six.covers(6, {0: 10})


@RANKINGS
def test_the_light_of_one_holder_is_its_light_among_many(ranking: AdlRanking) -> None:
    """Shown by itself or found with all holders of its symbol, in the queue or out of it, a light is the same."""
    events = book(4, 300)
    _, [made] = settled(AdlSettings(ranking=ranking, candidates=20), [events])
    met: set[int] = set()
    price(made, {"X": "101.5"}, NOW + 1)
    expected: dict[int, dict[str, int | None]] = defaultdict(dict)
    for symbol in MARKS:
        holders = made.store.adl.holders(symbol, ranking)
        lights_of_all = made.adl._lights_of(symbol, holders, bins_of(holders.scores)).tolist()
        for scope, light in zip(holders.scopes.tolist(), lights_of_all, strict=True):
            expected[scope][symbol] = None if light == NO_LIGHT else light
            met.add(light)
    lit = made.adl.lights_of([(scope, list(lights_of)) for scope, lights_of in expected.items()])
    for (scope, lights_of), found in zip(expected.items(), lit, strict=True):
        assert found is not None
        assert made.adl.show_lit(scope, found) == made.adl.show_plain(scope, list(lights_of)) == [*lights_of.values()]
    assert max(map(len, expected.values())) > 1
    assert met >= {0, 1, 2, 3, 4}
    made.adl.queue = AdlQueue()
    scopes = made.store.adl.holders("X", ranking).scopes.tolist()
    assert all(made.adl.show_plain(scope, list(MARKS)) == [None] * len(MARKS) for scope in scopes)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_bins_of_many_are_the_bins_of_each(others: list[float]) -> None:
    """The vectorised scale is the scale, and counting its bins counts them all."""
    scores = [
        *others,
        0.0,
        1.0,
        -1.0,
        0.03125,
        1e-30,
        -1e30,
        1e300,
        5e-324,
        2.0**64,
        2.0**-64,
        -(2.0**-65),
        7.77,
        0.999999,
    ]
    bins = bins_of(np.array(scores))
    assert bins.tolist() == [bin_of(score) for score in scores]
    assert distribution(bins) == Counter(bins.tolist())
    assert distribution(bins[:0]) == {}
