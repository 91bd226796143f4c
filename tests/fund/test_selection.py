"""Tests of who is chosen when a fund refuses: when, at which price, how much of whom, and nobody twice."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from monitor.adapters.wire.schemas import schemas
from monitor.core.adl.candidates import Candidate
from monitor.core.adl.digest import Digest, Standing
from monitor.core.adl.settings import AdlPopulation, AdlPrice, AdlSettings
from monitor.core.explain import explanation
from monitor.core.fund.claims import Claim
from monitor.core.verify import BadEvidence, first_difference
from tests.fund.desks import MARK, NOW, Keeper, claim


def shorts(**quantities: int) -> Digest:
    """Return a digest of short holders of XUSDT, the first named with the highest score."""
    found = [
        Candidate(name, "cross:USDT", "both", Decimal(quantity), Decimal(100 - place), 0)
        for place, (name, quantity) in enumerate(quantities.items())
    ]
    return Digest.of(found, {1: len(found)}, len(found), 50)


def keeper(adl: AdlSettings | None = None, *, covers: bool = True, **quantities: int) -> Keeper:
    """Return a keeper of an empty fund whose queue knows these shorts."""
    one = Keeper(adl)
    one.fund("0")
    refresh(one, covers=covers, **quantities)
    return one


def refresh(one: Keeper, *, covers: bool = True, **quantities: int) -> None:
    """Have the queue know these shorts; it has seen the claims' prices or not."""
    one.queue.take(0, "XUSDT", "short", shorts(**quantities))
    one.queue.stand(0, Standing({0: MARK.offset + covers}))


def of_type(one: Keeper, event_type: str) -> list[dict[str, Any]]:
    """Return the events of a type that were asked for."""
    return [event for event in one.told if event["event_type"] == event_type]


def chosen(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who loses how much of the first position of an `adl_triggered`."""
    return [(each["account_id"], each["quantity"]) for each in event["positions"][0]["counterparties"]]


def test_the_first_in_the_queue_take_it_over() -> None:
    """Ten contracts: the best ranked loses all it has, the next the rest, the third nothing; each is told so."""
    one = keeper(w1=4, w2=20, w3=5)
    one.receive(claim("a", "80"))
    one.clock(NOW + 1)
    (event,) = of_type(one, "adl_triggered")
    assert chosen(event) == [("w1", "4"), ("w2", "6")]
    assert event["positions"][0]["unfilled_quantity"] == "0"
    assert event["queue_covers_prices"] is True
    selected = of_type(one, "adl_selected")
    assert [(each["account_id"], each["quantity"], each["rank"]) for each in selected] == [
        ("w1", "4", 1),
        ("w2", "6", 2),
    ]
    ids = [each["event_id"] for each in event["positions"][0]["counterparties"]]
    assert [each["event_id"] for each in selected] == ids
    assert {each["serves"]["event_id"] for each in selected} == {event["event_id"]}
    assert not one.claims


def test_what_nobody_holds_stays_unfilled() -> None:
    """The quantities and the rest sum to the position's quantity; the bankrupt account itself is passed over."""
    one = keeper(a=50, w1=4)
    one.receive(claim("a", "80"))
    one.clock(NOW + 1)
    (event,) = of_type(one, "adl_triggered")
    assert (chosen(event), event["positions"][0]["unfilled_quantity"]) == ([("w1", "4")], "6")


def test_it_waits_for_the_queue_but_not_for_ever() -> None:
    """Nothing is told before the queue has seen the claim's prices, or ten seconds have passed."""
    one = keeper(covers=False, w1=10)
    one.receive(claim("a", "80"))
    one.clock(NOW + 9_999)
    assert not one.told
    one.restart(NOW + 9_999)
    one.clock(NOW + 10_000)
    assert [event["queue_covers_prices"] for event in of_type(one, "adl_triggered")] == [False]
    other = keeper(covers=False, w1=10)
    other.receive(claim("a", "80"))
    refresh(other, w1=10)
    other.clock(NOW + 1)
    assert [event["queue_covers_prices"] for event in of_type(other, "adl_triggered")] == [True]


@pytest.mark.parametrize("restarted", [False, True])
def test_nobody_is_taken_beyond_what_he_has(*, restarted: bool) -> None:
    """Two claims at once, and a third before the first is reflected: each contract is promised once."""
    one = keeper(w1=12, w2=5)
    one.receive(claim("a", "80"))
    one.receive(claim("b", "80"))
    one.clock(NOW + 1)
    if restarted:
        one.restart(NOW + 1)
    one.receive(claim("c", "80"), NOW + 2)
    one.clock(NOW + 2)
    first, second, third = of_type(one, "adl_triggered")
    assert chosen(first) == [("w1", "10")]
    assert chosen(second) == [("w1", "2"), ("w2", "5")]
    assert (chosen(third), third["positions"][0]["unfilled_quantity"]) == ([], "10")


def test_a_promise_ends_when_it_is_kept_or_too_old() -> None:
    """A holding that has shrunk by what was promised is free again; so is one that has not, after `settle_ms`."""
    one = keeper(w1=12)
    one.receive(claim("a", "80"))
    one.clock(NOW + 1)
    refresh(one, w1=2)
    one.receive(claim("b", "80"), NOW + 2)
    one.clock(NOW + 2)
    assert chosen(of_type(one, "adl_triggered")[-1]) == [("w1", "2")]
    one.receive(claim("c", "80"), NOW + 60_002)
    one.clock(NOW + 60_002)
    assert chosen(of_type(one, "adl_triggered")[-1]) == [("w1", "2")]
    one.clock(NOW + 200_000)
    assert not one.promises


@pytest.mark.parametrize(
    ("rule", "previous", "bankruptcy", "expected"),
    [
        (AdlPrice.BANKRUPTCY, None, "92", "92"),
        (AdlPrice.BANKRUPTCY, None, None, "90"),
        (AdlPrice.MARK, "95", "92", "90"),
        (AdlPrice.PREVIOUS_MARK, "95", "92", "95"),
        (AdlPrice.PREVIOUS_MARK, None, "92", "90"),
    ],
)
def test_the_price_is_the_venues(rule: AdlPrice, previous: str | None, bankruptcy: str | None, expected: str) -> None:
    """Bankruptcy price, mark, or the mark before; the mark where the one asked for does not exist."""
    one = keeper(AdlSettings(price=rule), w1=10)
    whole = claim("a", "80")
    prices = [None if text is None else Decimal(text) for text in (previous, bankruptcy)]
    position = replace(whole.positions[0], previous_mark=prices[0], bankruptcy_price=prices[1])
    one.receive(replace(whole, positions=(position,)))
    one.clock(NOW + 1)
    (event,) = of_type(one, "adl_triggered")
    assert event["positions"][0]["price"] == expected
    assert [each["price"] for each in of_type(one, "adl_selected")] == [expected]


def test_a_desk_deleverages_nobody() -> None:
    """Where only some accounts are seen a refused claim is a candidate; nobody is triggered or selected."""
    one = keeper(AdlSettings(population=AdlPopulation.DESK), w1=10)
    one.receive(claim("a", "80"))
    one.clock(NOW + 60_000)
    assert [(event["event_type"], event["because"]) for event in one.told] == [("adl_candidate", "desk")]


def test_a_release_does_not_take_the_decision_back() -> None:
    """A venue closes a bankrupt scope in a moment: what was decided before is told all the same, once."""
    one = keeper(covers=False, w1=10)
    gone = claim("a", "80")
    one.receive(gone)
    one.release(gone, NOW + 1, NOW + 2)
    refresh(one, w1=10)
    one.clock(NOW + 3)
    one.clock(NOW + 20_000)
    assert len(of_type(one, "adl_triggered")) == 1


def every_event() -> list[dict[str, Any]]:
    """Return an event of each type."""
    one = keeper(w1=4, w2=20)
    one.receive(claim("a", "80"))
    one.clock(NOW + 1)
    one.receive(claim("b", "80", suspect=True))
    return one.told


def test_stated_events_follow_from_what_they_state() -> None:
    """Each event verifies, and none does once a figure in it is another."""
    told = every_event()
    assert {event["event_type"] for event in told} == {"adl_triggered", "adl_selected", "adl_candidate"}
    for event in told:
        assert verifies(event)
        for name in event:
            if isinstance(event[name], str):
                assert not verifies({**event, name: event[name] + "0"}), name


def verifies(event: dict[str, Any]) -> bool:
    """Return whether an event follows from what it states."""
    try:
        return first_difference(event, None) is None
    except BadEvidence:
        return False


def test_every_event_can_be_said_in_words() -> None:
    """Who lacks what, what the fund had left, who loses how much: the figures of the event are in its explanation."""
    triggered, selected, *_, candidate = ["\n".join(explanation(event, None)) for event in every_event()]
    assert "lacking 80 USDT, asked of fund main" in triggered
    assert "1. w1 loses 4 (score 100)" in triggered
    assert "loses 4 XUSDT (both) at 92, rank 1" in selected
    assert "the account is suspect" in candidate


@pytest.mark.parametrize(
    ("path", "value", "term"),
    [
        (("evidence", "fund", "figure", "balance"), "1000", "evidence.fund.left"),
        (("evidence", "fund", "claimed"), "5", "evidence.fund.claimed"),
        (("positions", 0, "price"), "93", "positions[0].price"),
        (("positions", 0, "unfilled_quantity"), "1", "positions[0].unfilled_quantity"),
        (("positions", 0, "counterparties", 0, "quantity"), "5", "positions[0].unfilled_quantity"),
        (("evidence", "claim", "amount"), "8", "shortfall"),
        (("shortfall",), "8", "shortfall"),
        (("price_rule",), "mark", "positions[0].price"),
    ],
)
def test_a_forged_term_is_named(path: tuple[Any, ...], value: str, term: str) -> None:
    """Verification names the first term that does not follow."""
    event: Any = every_event()[0]
    at = event = replace_deep(event)
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    found = first_difference(event, None)
    assert found is not None
    assert found.term == term


def replace_deep(body: Any) -> Any:
    """Return a copy that shares nothing."""
    if isinstance(body, dict):
        return {name: replace_deep(part) for name, part in body.items()}
    return [replace_deep(part) for part in body] if isinstance(body, list) else body


def test_a_claim_survives_its_plain_form() -> None:
    """What travels between shards is read back as it was."""
    one = claim("a", "80", costs={"XUSDT": "30", "YUSDT": "50"})
    assert Claim.of(one.body()) == one


def test_every_event_keeps_its_schema() -> None:
    """What is published in docs/schemas holds for every ADL event, one that no fund is known for included."""
    one = keeper()
    one.fund(None)
    one.receive(claim("a", "80"))
    for event in [*every_event(), *one.told]:
        name = event["event_type"].replace("_", "-")
        validator = Draft202012Validator(json.loads(schemas()[f"{name}.json"]))
        assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)] == []
