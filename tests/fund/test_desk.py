"""Tests of the keeper of funds: claims in order, releases, windows, and a desk that is built again from its records."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.core.adl.settings import AdlSettings, AdlTrigger
from monitor.core.events import digest_of
from tests.fund.desks import NOW, Keeper, claim


@pytest.fixture(params=[False, True], ids=["one life", "restarted at every step"])
def keeper(request: pytest.FixtureRequest) -> Callable[..., Keeper]:
    """Return how to make a keeper: one that lives on, or one that is thrown away after every step."""

    def make(adl: AdlSettings | None = None, settle_ms: int = 60_000) -> Keeper:
        made = Keeper(adl, settle_ms)
        if request.param:
            take = made._take

            def restarting(work: object) -> None:
                take(work)
                made.restart()

            made._take = restarting  # type: ignore[method-assign, assignment]
        return made

    return make


Make = Callable[..., Keeper]


def test_of_two_claims_a_fund_covers_the_one_it_can(keeper: Make) -> None:
    """Two shortfalls of 80 against 100: the first is covered, the second is not; and a third of 20 is again."""
    one = keeper()
    one.fund("100")
    for account, amount in (("a", "80"), ("b", "80"), ("c", "20")):
        one.receive(claim(account, amount))
    assert one.decisions == ["covered", "triggered", "covered"]
    assert one.left() == "0"


def test_a_claim_that_comes_twice_counts_once(keeper: Make) -> None:
    """The same claim read again, as after a crash between two transactions, changes nothing."""
    one = keeper()
    one.fund("100")
    one.receive(claim("a", "80"))
    one.receive(claim("a", "80"))
    assert (one.decisions, one.left()) == (["covered"], "20")


def test_a_closed_claim_counts_until_the_fund_shows_it(keeper: Make) -> None:
    """A figure newer than the account event that closed the scope releases the claim; an equally old one does not."""
    one = keeper()
    one.fund("100")
    first = claim("a", "80")
    one.receive(first)
    one.release(first, NOW + 5, NOW + 10)
    assert one.left() == "20"
    one.fund("100", NOW + 20, at_ms=NOW + 5)
    assert one.left() == "20"
    one.fund("25", NOW + 30, at_ms=NOW + 6)
    assert one.left() == "25"
    assert not one.claims


def test_a_closed_claim_is_released_after_its_time(keeper: Make) -> None:
    """Without a newer figure a closed claim counts for `settle_ms` from the log's time of its release, not longer."""
    one = keeper(settle_ms=1_000)
    one.fund("100")
    first = claim("a", "80")
    one.receive(first)
    one.release(first, NOW + 5, NOW + 10)
    one.clock(NOW + 1_009)
    assert one.left() == "20"
    one.clock(NOW + 1_010)
    assert one.left() == "100"


def test_a_scope_that_prices_have_cured_owes_nothing(keeper: Make) -> None:
    """A release without an account event frees the fund at once, and takes back what the contract has cost it."""
    one = keeper(AdlSettings(trigger=AdlTrigger.SYMBOL_PNL_DRAWDOWN))
    one.fund("100")
    for _ in range(4):
        first = claim("a", "30")
        one.receive(first)
        one.release(first, None)
    assert one.decisions == ["covered"] * 4
    assert one.left() == "100"


def test_while_a_claim_settles_the_answer_is_a_candidate(keeper: Make) -> None:
    """Short in the window: `adl_candidate`, once; the fund's next figure then decides, either way."""
    for balance, decision in (("100", "covered"), ("20", "triggered")):
        one = keeper()
        one.fund("100")
        first = claim("a", "80")
        one.receive(first)
        one.release(first, NOW + 1)
        one.receive(claim("b", "80"))
        one.clock(NOW + 100)
        assert [event["because"] for event in one.told] == ["settling"]
        one.fund(balance, NOW + 200)
        assert one.decisions == ["covered", "candidate_settling", decision]


def test_without_a_figure_the_wait_ends_by_the_clock(keeper: Make) -> None:
    """Nothing newer comes: after `settle_ms` the closed claim is let go and the waiting one decided."""
    one = keeper(settle_ms=1_000)
    one.fund("100")
    first = claim("a", "80")
    one.receive(first)
    one.release(first, NOW + 1)
    one.receive(claim("b", "90"))
    one.clock(NOW + 999)
    assert one.decisions[-1] == "candidate_settling"
    one.clock(NOW + 1_000)
    assert (one.decisions[-1], one.left()) == ("covered", "10")


def test_one_that_waits_and_is_over_is_forgotten(keeper: Make) -> None:
    """A waiting claim whose scope ends is decided no more."""
    one = keeper(settle_ms=1_000)
    one.fund("100")
    first, second = claim("a", "80"), claim("b", "90")
    one.receive(first)
    one.release(first, NOW + 1)
    one.receive(second)
    one.release(second, NOW + 2)
    one.clock(NOW + 5_000)
    assert one.decisions == ["covered", "candidate_settling"]
    assert not one.claims


def test_the_fund_a_claim_saw_counts_where_it_has_not_come_yet(keeper: Make) -> None:
    """A shard may know a fund a moment before its keeper does: the claim brings the figure along."""
    one = keeper()
    one.receive(claim("a", "80", seen=("100", 0)))
    one.receive(claim("b", "80", seen=("100", 0)))
    assert one.decisions == ["covered", "triggered"]


def test_a_deleted_fund_is_unknown(keeper: Make) -> None:
    """Once the keeper has read the deletion no claim that saw the fund before it is covered."""
    one = keeper()
    one.fund("100")
    one.fund(None)
    one.receive(claim("a", "80", seen=("100", 0)))
    assert one.decisions == ["candidate_fund_unknown"]


def test_a_late_figure_is_ignored(keeper: Make) -> None:
    """Of two figures the one with the later event time counts, in whatever order they come."""
    one = keeper()
    one.fund("100", at_ms=NOW)
    one.fund("1", at_ms=NOW - 1)
    one.receive(claim("a", "80"))
    assert one.decisions == ["covered"]


def test_peaks_survive_the_keeper(keeper: Make) -> None:
    """A fund that fell within the window refuses; once the peak has left the window it pays again."""
    one = keeper(AdlSettings(trigger=AdlTrigger.FUND_DRAWDOWN, window_ms=480_000))
    one.fund("100", NOW)
    one.fund("60", NOW + 1_000)
    one.receive(claim("a", "5"), NOW + 2_000)
    one.receive(claim("b", "5"), NOW + 470_000)
    one.receive(claim("c", "5"), NOW + 483_000)
    assert one.decisions == ["triggered", "triggered", "covered"]


def test_what_a_contract_has_cost_survives_the_keeper(keeper: Make) -> None:
    """Costs within the window add up; one that has left it counts no more."""
    one = keeper(AdlSettings(trigger=AdlTrigger.SYMBOL_PNL_DRAWDOWN, window_ms=480_000))
    one.fund("1000", NOW)
    one.receive(claim("a", "250"), NOW)
    one.receive(claim("b", "60"), NOW + 1_000)
    one.receive(claim("c", "60"), NOW + 482_000)
    assert one.decisions == ["covered", "triggered", "covered"]


def test_a_candidate_states_what_it_was_decided_from(keeper: Make) -> None:
    """The event carries the fund's figures, the claims it stands for and the rule by value, under its own digest."""
    one = keeper()
    one.fund("100")
    first = claim("a", "80")
    one.receive(first)
    one.release(first, NOW + 1)
    one.receive(claim("b", "70"))
    (event,) = one.told
    fund = event["evidence"]["fund"]
    assert (event["event_type"], event["account_id"], event["shortfall"]) == ("adl_candidate", "b", "70")
    assert (fund["figure"]["balance"], fund["claimed"], fund["left"], fund["settling"]) == ("100", "80", "20", True)
    assert fund["open_claims"] == [
        {"claim_id": first.claim_id, "amount": "80", "offset": 0, "closed_at_ms": NOW + 1},
    ]
    assert event["evidence"]["rule"]["trigger"] == "shortfall"
    assert "sequence" not in event
    assert event["digest"] == digest_of(event)
