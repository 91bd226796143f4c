"""Tests of the doubt about new terms: what takes effect at once and what must be confirmed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.core.doubt import why_doubtful
from monitor.core.instruments import Contract, Instrument, chain_deductions

D = Decimal
Rows = list[tuple[str, str]]


def terms(rows: Rows, *, size: str = "1", fee: str = "0") -> Instrument[Decimal]:
    """Return terms with brackets (floor, rate)."""
    tiers = chain_deductions([(D(floor), D(rate), None, None) for floor, rate in rows])
    return Instrument("S", Contract.LINEAR, "USDT", tiers, D(size), D(fee), D(0))


OLD: Rows = [("0", "0.01"), ("1000", "0.02")]

TABLES: list[tuple[Rows, str | None]] = [
    (OLD, None),
    ([("0", "0.03"), ("1000", "0.06")], None),
    ([("0", "0.030001"), ("1000", "0.06")], "the rate at a notional of 0 goes from 0.01 to 0.030001"),
    ([("0", "0.004"), ("1000", "0.01")], None),
    ([("0", "0.003"), ("1000", "0.02")], "the rate at a notional of 0 goes from 0.01 to 0.003"),
    ([("0", "0"), ("1000", "0.02")], "the rate at a notional of 0 goes from 0.01 to 0"),
    ([("0", "0.01"), ("500", "0.031"), ("1000", "0.02")], "the rate at a notional of 500 goes from 0.01 to 0.031"),
    ([("0", "0.01")], None),
    ([("0", "0.01"), ("5000", "0.07")], "the rate at a notional of 5000 goes from 0.02 to 0.07"),
]


@pytest.mark.parametrize(("rows", "why"), TABLES)
def test_brackets(rows: Rows, why: str | None) -> None:
    """A rate in force at any floor of either table may change by three times either way, not by more."""
    assert why_doubtful(terms(OLD), terms(rows), D(3)) == why


def test_the_requirement_counts_as_well() -> None:
    """Rates that stay within the step do not hide a deduction that takes the requirement away, or adds to it."""
    old = terms(OLD)
    generous = replace(old, tiers=(old.tiers[0], replace(old.tiers[1], deduction=D("17"))))
    assert why_doubtful(old, generous, D(3)) == "the requirement at a notional of 1000 goes from 10 to 3"
    assert why_doubtful(generous, old, D(3)) == "the requirement at a notional of 1000 goes from 3 to 10"
    assert why_doubtful(old, replace(old, closing_fee_rate=D("0.02")), D(3)) is None
    assert why_doubtful(old, replace(old, closing_fee_rate=D("0.021")), D(3)) is not None


def test_kind_money_and_size() -> None:
    """Another kind or money is always held, another size where it is more than the step."""
    old = terms(OLD)
    assert why_doubtful(old, replace(old, contract=Contract.INVERSE), D(3)) is not None
    assert why_doubtful(old, replace(old, settle_asset="USDC"), D(3)) == "linear in USDT becomes linear in USDC"
    assert why_doubtful(old, terms(OLD, size="3"), D(3)) is None
    assert why_doubtful(old, terms(OLD, size="0.3"), D(3)) == "contract_size goes from 1 to 0.3"
