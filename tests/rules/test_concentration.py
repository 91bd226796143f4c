"""Tests of the concentration limit: the share of a sector in the gross notional in USD."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.core.rules.settings import RuleSettings
from tests.rules.bench import Bench


def bench(settings: dict[str, Any], rules: RuleSettings | None = None) -> Bench:
    """Return a bench with three contracts at 100: A and B in sectors, C in none; the account holds one of each."""
    made = Bench(rules)
    made.instrument("A", sector="one")
    made.instrument("B", sector="two")
    made.instrument("C")
    made.price(A="100", B="100", C="100")
    positions = {"A": ("1", "100"), "B": ("-1", "100"), "C": ("1", "100")}
    made.account(balances={"USDT": "10000"}, positions=positions, settings=settings)
    return made


def test_both_sides_of_the_level() -> None:
    """A at 200 beside 100 and 100 is half; a hair below is not. It is armed again at 45 %, near 163.63."""
    made = bench({"concentration_limit": "0.5"})
    assert made.price(A="199.999999") == []
    assert made.price(A="200") == ["a concentration_limit one@0.5"]
    body = made.told[0]
    assert (body["value"], body["sector_notional"], body["gross_notional"]) == ("0.5", "200", "400")
    assert made.price(A="163.64") == []
    assert made.price(A="250") == []
    assert made.price(A="163.63") == []
    assert made.restart() == []
    assert made.price(A="200") == ["a concentration_limit one@0.5"]


def test_shorts_count_as_longs_do() -> None:
    """The magnitude counts: the short B takes its share."""
    made = bench({"concentration_limit": "0.5"})
    assert made.price(B="200") == ["a concentration_limit two@0.5"]


def test_a_contract_without_sector_counts_in_the_whole() -> None:
    """C has no share of its own, however large it is."""
    made = bench({"concentration_limit": "0.5"})
    assert made.price(C="100000") == []


def test_a_level_by_sector() -> None:
    """A table names the level of each sector; a sector it does not name has none."""
    made = bench({"concentration_limit": {"two": "0.4"}})
    assert made.price(A="1000") == []
    assert made.price(A="100", B="134") == ["a concentration_limit two@0.4"]


def test_defaults_by_sector_stand_over_the_common_one() -> None:
    """The configuration may name both; an account's own level outranks them together."""
    rules = RuleSettings(concentration_limit=1, sector_limits={"one": "0.5"})
    made = bench({}, rules)
    assert made.price(A="200") == ["a concentration_limit one@0.5"]
    assert bench({"concentration_limit": "0.9"}, rules).price(A="200") == []


def test_several_assets_count_at_their_index() -> None:
    """A linear contract counts at its settle asset's index, an inverse one at q·size."""
    made = Bench()
    made.instrument("A", sector="one", settle="USDC")
    made.instrument("I", sector="two", settle="BTC", contract="inverse", contract_size="100")
    made.asset("USDC", "0.5")
    made.price(A="100", I="50000")
    positions = {"A": ("4", "100"), "I": ("-1", "50000")}
    made.account(
        margin_mode="multi_asset", balances={"USDC": "9"}, positions=positions, settings={"concentration_limit": "0.8"}
    )
    assert made.told == []
    assert made.asset("USDC", "1") == ["a concentration_limit one@0.8"]
    assert made.told[0]["gross_notional"] == "500"


@pytest.mark.parametrize("unknown", ["price", "asset"])
def test_an_unknown_part_makes_the_whole_unknown(unknown: str) -> None:
    """Where a mark or an index is missing no share is known: nothing fires, nothing is armed."""
    made = bench({"concentration_limit": "0.5"})
    made.price(A="300")
    made.instrument("D", settle="USDT" if unknown == "price" else "USDC", sector="three")
    if unknown == "asset":
        made.price(D="1")
    assert made.account(positions={"D": ("1", "1")}) == []
    assert made.price(A="1") == []
    assert made.price(A="300") == []
    assert made.account(positions={"D": ("0", "1")}) == []
    made.price(A="1")
    assert made.price(A="300") == ["a concentration_limit one@0.5"]
