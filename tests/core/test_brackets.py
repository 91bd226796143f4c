"""Tests of default bracket tables: which can stand, and what is odd about those that do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.core.brackets import StatedTier, check_table, oddities_of, tiers_of
from monitor.core.instruments import BadTerms

D = Decimal


def table(*rows: tuple[str, str] | tuple[str, str, str]) -> list[StatedTier]:
    """Return a table from (floor, rate) or (floor, rate, deduction)."""
    return [StatedTier(*(D(value) for value in row)) for row in rows]


def test_published_figures_stand_and_the_others_are_chained() -> None:
    """A deduction that is left out continues the chain from the one in force before it, published or not."""
    tiers = tiers_of(table(("0", "0.004"), ("50000", "0.005", "49"), ("600000", "0.0065")))
    assert [tier.deduction for tier in tiers] == [0, 49, 949]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([], ""),
        ([("1", "0.1")], "[0].floor"),
        ([("0", "0.1"), ("5", "0.2"), ("5", "0.3")], "[2].floor"),
        ([("0", "0.1"), ("5", "0.09")], "[1].rate"),
        ([("0", "0.1"), ("5", "1.1")], "[1].rate"),
        ([("0", "0.1"), ("5", "0.2", "1.01")], "[1].deduction"),
        ([("0", "0.1", "0.01")], "[0].deduction"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(rows: list[tuple[str, str]], place: str) -> None:
    """Falling floors and rates, rates above 1 and a requirement below 0 at a floor are refused with their place."""
    with pytest.raises(BadTerms) as refused:
        check_table(table(*rows))
    assert refused.value.path == place


def test_what_is_odd_is_named_and_stands() -> None:
    """A rate that stays and a deduction off the chain are named, each once, with both figures."""
    odd = table(("0", "0.01", "-1"), ("10", "0.01"), ("20", "0.03", "0.5"), ("30", "0.04", "0.8"))
    check_table(odd)
    found = oddities_of(odd)
    assert [oddity.place for oddity in found] == ["[0].deduction", "[1].rate", "[2].deduction"]
    assert found[2].why == "0.5 is published, the chain gives -0.6; the published figure stands"


def test_a_table_as_it_should_be_has_nothing_odd() -> None:
    """Rising rates and deductions on the chain: nothing is said."""
    good = table(("0", "0.004", "0"), ("50000", "0.005", "50"), ("600000", "0.0065", "950"))
    check_table(good)
    assert oddities_of(good) == []
