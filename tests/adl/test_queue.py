"""Tests of the merged ADL queue: order, selection, and that no split of the holders over shards changes either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.adl.bins import bin_of
from monitor.core.adl.candidates import Candidate
from monitor.core.adl.digest import Digest, Standing
from monitor.core.adl.queue import AdlQueue, Selection

KEY = ("BTCUSDT", "long")


def candidate(account: str, score: str, quantity: str = "1", scope: str = "cross:USDT", shard: int = 0) -> Candidate:
    """Return a one-way holder."""
    return Candidate(account, scope, "both", Decimal(quantity), Decimal(score), shard)


def queue_of(*shards: Sequence[Candidate], most: int = 128, losers: int = 0) -> AdlQueue:
    """Return the queue of shards that hold these candidates of one key."""
    queue = AdlQueue()
    for shard, held in enumerate(shards):
        distribution = Counter(bin_of(float(one.score)) for one in held)
        queue.take(shard, *KEY, Digest.of(held, distribution, len(held) + losers, most))
    return queue


def taken_from(selection: Selection) -> list[tuple[str, str, str, int]]:
    """Return account, scope, quantity and rank of everybody chosen."""
    return [(c.candidate.account_id, c.candidate.scope, str(c.quantity), c.rank) for c in selection.chosen]


def test_the_best_is_taken_first_and_ties_go_by_account_id() -> None:
    """Higher scores come first over all shards; of equal scores the lower account id."""
    queue = queue_of([candidate("b", "2"), candidate("c", "5")], [candidate("a", "2"), candidate("d", "1")])
    assert [one.account_id for one in queue.candidates(*KEY)] == ["c", "a", "b", "d"]
    assert [one.shard for one in queue.candidates(*KEY)] == [0, 1, 0, 1]


def test_scores_are_compared_in_all_their_digits() -> None:
    """Two scores that differ in the fortieth digit are no tie."""
    low, high = "0." + "1" * 39 + "1", "0." + "1" * 39 + "2"
    queue = queue_of([candidate("a", low), candidate("b", high)])
    assert [one.account_id for one in queue.candidates(*KEY)] == ["b", "a"]


def test_a_selection_takes_whole_holders_until_the_quantity_is_reached() -> None:
    """The last one chosen loses only what is still wanted; nothing is left unfilled."""
    queue = queue_of([candidate("a", "3", "2"), candidate("b", "2", "5"), candidate("c", "1", "5")])
    selection = queue.select(*KEY, Decimal("4.5"))
    assert taken_from(selection) == [("a", "cross:USDT", "2", 1), ("b", "cross:USDT", "2.5", 2)]
    assert selection.unfilled_quantity == 0


def test_a_selection_says_what_nobody_takes() -> None:
    """Where the holders have less than is wanted, the rest is unfilled; without holders it is all of it."""
    assert queue_of([candidate("a", "3", "2")]).select(*KEY, Decimal(5)).unfilled_quantity == 3
    assert AdlQueue().select(*KEY, Decimal(5)) == Selection((), Decimal(5))


def test_excluded_accounts_and_promised_contracts_are_passed_over() -> None:
    """An excluded account loses nothing in any of its scopes; what is promised already is not promised again."""
    held = [
        candidate("a", "4", "2"),
        candidate("a", "3", "2", "isolated:BTCUSDT:both"),
        candidate("b", "2", "2"),
        candidate("c", "1", "2"),
    ]
    promised = {("b", "cross:USDT", "both"): Decimal("1.5"), ("c", "cross:USDT", "both"): Decimal(2)}
    selection = queue_of(held).select(*KEY, Decimal(3), {"a"}, promised)
    assert taken_from(selection) == [("b", "cross:USDT", "0.5", 3)]
    assert selection.unfilled_quantity == Decimal("2.5")


def test_a_list_ends_where_a_shard_may_know_more() -> None:
    """The merged list is as long as one list may be: behind that a shard's next holder could be missing."""
    one = [candidate(f"a{number}", str(100 - number)) for number in range(5)]
    other = [candidate(f"b{number}", str(50 - number)) for number in range(5)]
    assert [c.account_id for c in queue_of(one, other, most=3).candidates(*KEY)] == ["a0", "a1", "a2"]


def test_a_digest_is_replaced_and_taken_away() -> None:
    """The last digest of a shard counts, and none once it has said that it holds nothing."""
    queue = queue_of([candidate("a", "1")], [candidate("b", "2")])
    queue.take(1, *KEY, Digest.of([candidate("c", "3")], {bin_of(3.0): 1}, 1, 128))
    assert [one.account_id for one in queue.candidates(*KEY)] == ["c", "a"]
    queue.take(1, *KEY, None)
    assert [one.account_id for one in queue.candidates(*KEY)] == ["a"]
    queue.take(0, *KEY, None)
    assert list(queue.candidates(*KEY)) == []
    assert queue.light(*KEY, 1.0) is None


def test_lights_count_every_holder_of_the_side() -> None:
    """Losers that are in no queue still count as holders; they show 0, and without a view nobody shows anything."""
    queue = queue_of([candidate(f"a{n}", str(1 << n)) for n in range(5)], losers=5)
    assert [queue.light(*KEY, 1 << n) for n in range(5)] == [2, 3, 3, 4, 4]
    assert queue.light(*KEY, None) == 0
    assert queue.light("ETHUSDT", "long", 1.0) is None


def test_the_view_covers_what_every_shard_stands_for() -> None:
    """All shards must stand for all positions; a symbol looked at later stands for later ones."""
    queue = AdlQueue()
    queue.stand(0, Standing({0: 10, 1: 4}, recent={"BTCUSDT": {0: 12, 1: 4}}))
    assert not queue.covers(2, {0: 10})
    queue.stand(1, Standing.unpack(Standing({0: 20, 1: 9}, 3, {"X": {0: 5}}, {"BTCUSDT"}).pack()))
    assert queue.covers(2, {0: 10, 1: 4})
    assert queue.covers(2, {})
    assert not queue.covers(2, {0: 11})
    assert queue.covers(2, {0: 12}, "BTCUSDT")
    assert not queue.covers(2, {0: 12}, "ETHUSDT")
    assert not queue.covers(3, {0: 1})
    assert queue.alarmed() == {"BTCUSDT"}


HOLDERS = st.lists(
    st.tuples(
        st.sampled_from("abcdefghij"),
        st.sampled_from(["cross:USDT", "cross:USD", "isolated:BTCUSDT:both"]),
        st.sampled_from(["0.1", "0.25", "0.25000000000000001", "1", "-3", "0", "7.5"]),
        st.decimals("0.001", "50", places=3),
        st.integers(0, 5),
    ),
    max_size=40,
    unique_by=lambda holder: holder[:2],
)


@given(HOLDERS, st.integers(1, 12), st.decimals("0.001", "200", places=3), st.sets(st.sampled_from("abcdefghij")))
def test_no_split_over_shards_changes_ranking_or_selection(
    holders: list[tuple[str, str, str, Decimal, int]], most: int, quantity: Decimal, excluded: set[str]
) -> None:
    """Six shards give the ranking, the lights and the selection of one, and quantities sum to what was wanted."""
    shards: list[list[Candidate]] = [[] for _ in range(6)]
    for account, scope, score, held, _ in holders:
        number = {one[0]: one[4] for one in reversed(holders)}[account]
        shards[number].append(Candidate(account, scope, "both", held, Decimal(score), number))
    whole = queue_of([one for held in shards for one in held], most=most)
    split = queue_of(*shards, most=most)

    def plain(queue: AdlQueue) -> list[Candidate]:
        return [one._replace(shard=0) for one in queue.candidates(*KEY)]

    assert plain(split) == plain(whole)
    assert all(whole.light(*KEY, one.score) == split.light(*KEY, one.score) for held in shards for one in held)
    one, other = (queue.select(*KEY, quantity, excluded) for queue in (whole, split))
    assert taken_from(one) == taken_from(other)
    assert sum((chosen.quantity for chosen in other.chosen), other.unfilled_quantity) == quantity
    assert not {chosen.candidate.account_id for chosen in other.chosen} & excluded
