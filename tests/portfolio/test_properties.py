"""Properties of the portfolio methods that hold whatever the parameters are, on random books.

They know nothing of the formulas: what the figures are is compared with the oracle in `test_agreement`.
"""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portfolio.books import METHODS, document, text
from tests.portfolio.evaluating import reports

F = Fraction
TINY = F(1, 10**25)
MANY = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 2**32 - 1)
grouped = st.sampled_from(METHODS[:3])
methods = st.sampled_from(METHODS)


def portfolios(stated: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the reports of the portfolio scopes whose figures are known, by account."""
    found = {who: body for (who, scope), body in reports(stated).items() if scope == "portfolio"}
    return {who: body for who, body in found.items() if not body["unknown_because"]}


def close(one: str | Fraction, other: str | Fraction) -> bool:
    """Return whether two figures are equal but for the digits of quotients."""
    left, right = F(one), F(other)
    return abs(left - right) <= TINY * max(abs(left), abs(right), 1)


def terms_of(stated: dict[str, Any]) -> dict[str, Any]:
    """Return the table of the method in force."""
    terms: dict[str, Any] = stated["portfolio"]
    table = terms.get(terms["method"])
    return table if isinstance(table, dict) else terms


@MANY
@given(seeds, methods)
def test_contributions_sum_to_the_worst_loss(seed: int, method: str) -> None:
    """The shares of positions and held assets add up to the worst loss, and no requirement is negative."""
    for who, body in portfolios(document(seed, method)).items():
        assert F(body["maintenance_margin"]) >= 0, who
        assert F(body["initial_margin"]) >= 0, who
        shares = sum((F(one["euler"]) for one in body["portfolio"]["contributions"]), F(0))
        assert close(shares, body["portfolio"]["components"].get("worst_loss", "0")), who


def shuffled(random: Random, table: dict[str, Any]) -> dict[str, Any]:
    """Return a table in another order."""
    items = list(table.items())
    random.shuffle(items)
    return dict(items)


def summary(body: dict[str, Any]) -> dict[str, Any]:
    """Return what may not depend on any order; with a tie the first scenario is named and shared out."""
    own = body["portfolio"]
    losses = [F(one["loss"]) for one in own["scenarios"]]
    tied = own["method"] != "scenario" or losses.count(max(losses)) > 1
    contributions = {
        (one["symbol"], one["side"]): (one["marginal"], None if tied else one["euler"]) for one in own["contributions"]
    }
    return {
        **{name: body[name] for name in ("equity", "maintenance_margin", "initial_margin", "status")},
        "components": own["components"],
        "scenarios": {one["name"]: one["loss"] for one in own["scenarios"]},
        "contributions": contributions,
        "worst": None if tied else own["worst_scenario"],
    }


@MANY
@given(seeds, methods)
def test_order_does_not_matter(seed: int, method: str) -> None:
    """Accounts, positions, balances, instruments, groups and their members may come in any order."""
    stated, random = document(seed, method), Random(seed + 1)
    other = deepcopy(stated)
    random.shuffle(other["accounts"])
    for account in other["accounts"]:
        random.shuffle(account["positions"])
        account["balances"] = shuffled(random, account["balances"])
    for name in ("instruments", "assets", "prices"):
        other[name] = shuffled(random, other[name])
    terms = terms_of(other)
    for name in ("groups", "classes", "product_groups"):
        if name in terms:
            terms[name] = shuffled(random, terms[name])
            for group in terms[name].values():
                random.shuffle(group["members" if "members" in group else "classes"])
    one, two = portfolios(stated), portfolios(other)
    assert {who: summary(body) for who, body in one.items()} == {who: summary(body) for who, body in two.items()}


@MANY
@given(seeds, grouped)
def test_parts_never_lose_less_than_the_whole(seed: int, method: str) -> None:
    """A book scans for no more than its two halves apart: a hedge never costs by scan."""
    stated, random = document(seed, method), Random(seed + 1)
    whole = stated["accounts"][0]
    positions = list(whole["positions"])
    random.shuffle(positions)
    half = len(positions) // 2
    first = whole | {"account_id": "first", "positions": positions[:half]}
    second = whole | {"account_id": "second", "positions": positions[half:], "balances": {}}
    found = portfolios(stated | {"accounts": [whole | {"account_id": "whole"}, first, second]})
    if len(found) == 3:
        worst = {who: F(body["portfolio"]["components"]["worst_loss"]) for who, body in found.items()}
        assert worst["whole"] <= (worst["first"] + worst["second"]) * (1 + TINY)


@MANY
@given(seeds, grouped, st.sampled_from(["2", "0.5", "7"]))
def test_a_book_scales(seed: int, method: str, times: str) -> None:
    """So many times the quantities and the wallets are so many times the losses, basis, minimum and shares."""
    stated = document(seed, method)
    other = deepcopy(stated)
    for account in other["accounts"]:
        account["balances"] = {name: plain(amount, times) for name, amount in account["balances"].items()}
        for position in account["positions"]:
            position["quantity"] = plain(position["quantity"], times)
    one, two = portfolios(stated), portfolios(other)
    assert one.keys() == two.keys()
    for who in one:
        mine, scaled = one[who]["portfolio"], two[who]["portfolio"]
        assert mine["worst_scenario"] == scaled["worst_scenario"]
        for name in ("worst_loss", "basis", "minimum"):
            assert close(F(mine["components"][name]) * F(times), scaled["components"][name])
        for left, right in zip(mine["scenarios"], scaled["scenarios"], strict=True):
            assert close(F(left["loss"]) * F(times), right["loss"])
        for left, right in zip(mine["contributions"], scaled["contributions"], strict=True):
            assert close(F(left["euler"]) * F(times), right["euler"])


def plain(amount: str, times: str) -> str:
    """Return the product of two plain decimals as one."""
    return text(Decimal(amount) * Decimal(times))


@MANY
@given(seeds, st.sampled_from(["2", "9"]))
def test_a_borrower_scales_but_for_the_offset(seed: int, times: str) -> None:
    """Without caps and with one bracket, all of a Hyperliquid requirement but the offset scales with the book."""
    stated = document(seed, "hyperliquid")
    for terms in stated["instruments"].values():
        terms["brackets"] = terms["brackets"][:1]
    table = terms_of(stated)
    for token in table["tokens"].values():
        token.pop("supply_cap", None)
        token.pop("borrow_cap", None)
    table["borrow_offset"] = "0"
    other = deepcopy(stated)
    for account in other["accounts"]:
        account["balances"] = {name: plain(amount, times) for name, amount in account["balances"].items()}
        for position in account["positions"]:
            position["quantity"] = plain(position["quantity"], times)
    one, two = portfolios(stated), portfolios(other)
    for who in one:
        for name in ("equity", "maintenance_margin"):
            assert close(F(one[who][name]) * F(times), two[who][name])


RATES = {
    "scenario": ("buffer", "basis_rate", "minimum_rate"),
    "span": ("basis_rate", "minimum_rate"),
    "tims": ("basis_rate", "minimum_rate"),
}


@MANY
@given(seeds, grouped, st.integers(0, 2))
def test_higher_rates_never_ask_less(seed: int, method: str, which: int) -> None:
    """The requirement rises with the buffer and with every rate, the initial one with its factor."""
    stated = document(seed, method)
    name = RATES[method][which % len(RATES[method])]
    asked = []
    for rate in ("0", "0.004", "0.3"):
        other = deepcopy(stated)
        terms_of(other)[name] = rate
        asked.append({who: F(body["maintenance_margin"]) for who, body in portfolios(other).items()})
    for low, high in pairwise(asked):
        assert all(low[who] <= high[who] for who in low)
    dear = deepcopy(stated)
    terms_of(dear)["initial_factor"] = "3"
    for who, body in portfolios(dear).items():
        assert close(body["initial_margin"], 3 * F(body["maintenance_margin"])), who
