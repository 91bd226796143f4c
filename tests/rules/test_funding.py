"""Tests of funding: the payment due, what is left after it, the rule that watches it, and where all of it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.adapters.wire.document import decode_document
from monitor.cli.evaluate import report_of
from monitor.config import load
from monitor.core.inputs import Origin, Prices
from monitor.core.limits import Limits
from tests.engine.proving import difference
from tests.rules.bench import CODEC, Bench

NEXT = 1_700_003_600_000
WATCH: dict[str, Any] = {"funding_limit": True}


def quoted(mark: str, rate: str, due: int | None = NEXT, **more: str) -> dict[str, Any]:
    """Return a price with a funding rate."""
    time = {} if due is None else {"next_funding_time_ms": due}
    return {"mark_price": mark, "funding_rate": rate} | time | more


def report(document: dict[str, Any]) -> dict[str, Any]:
    """Return the first scope of the first account of a document."""
    scope: dict[str, Any] = report_of(decode_document(json.dumps(document).encode(), Limits()))["accounts"][0][
        "scopes"
    ][0]
    return scope


def document(quantity: str, quote: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document of one linear contract, 1,000 USDT and a position from 100."""
    return {
        "instruments": {
            "X": {"contract": "linear", "settle_asset": "USDT", "brackets": [{"floor": "0", "rate": "0.01"}]}
        },
        "prices": {"X": quote},
        "accounts": [
            {
                "account_id": "a",
                "balances": {"USDT": "1000"},
                "positions": [{"symbol": "X", "quantity": quantity, "entry_price": "100"}],
            }
        ],
    } | more


@pytest.mark.parametrize(
    ("quantity", "rate", "due", "after"),
    [
        ("10", "0.001", "1.2", "1198.8"),
        ("-10", "0.001", "-1.2", "801.2"),
        ("10", "-0.001", "-1.2", "1201.2"),
        ("-10", "-0.001", "1.2", "798.8"),
        ("10", "0", "0", "1200"),
    ],
)
def test_longs_pay_when_the_rate_is_positive(quantity: str, rate: str, due: str, after: str) -> None:
    """10 X at 120 and 0.1 %: 1.2 from the long to the short, the other way with a negative rate."""
    found = report(document(quantity, quoted("120", rate)))
    assert (found["funding_due"], found["equity_after_funding"], found["next_funding_time_ms"]) == (due, after, NEXT)


def test_nothing_is_stated_where_nothing_is_known() -> None:
    """Without a rate there is no figure, nor for a scope without a position."""
    assert "funding_due" not in report(document("10", {"mark_price": "120"}))
    assert "funding_due" not in report(document("0", quoted("120", "0.001")))


def test_the_index_can_be_the_basis() -> None:
    """Where the venue charges on the oracle the index counts: 10 · 110 · 0.1 %; without an index nothing is known."""
    basis = {"funding": {"basis": "index"}}
    found = report(document("10", quoted("120", "0.001", index_price="110"), **basis))
    assert (found["funding_due"], found["equity_after_funding"]) == ("1.1", "1198.9")
    assert "funding_due" not in report(document("10", quoted("120", "0.001"), **basis))


def test_only_the_next_time_counts() -> None:
    """Of two positions the one that is charged first is due; a price that states no time is due with it."""
    both = document("10", quoted("120", "0.001"))
    both["instruments"]["Y"] = both["instruments"]["Z"] = both["instruments"]["X"]
    both["prices"] |= {"Y": quoted("50", "0.01", NEXT + 1), "Z": quoted("10", "0.01", None)}
    both["accounts"][0]["positions"] += [
        {"symbol": "Y", "quantity": "1", "entry_price": "50"},
        {"symbol": "Z", "quantity": "1", "entry_price": "10"},
    ]
    assert report(both)["funding_due"] == "1.3"


def test_an_inverse_contract_pays_in_coin() -> None:
    """Long 1,000 USD at 50,000 and 0.1 %: 0.00002 coins."""
    found = report(
        {
            "instruments": {
                "I": {
                    "contract": "inverse", "settle_asset": "BTC", "contract_size": "100",
                    "brackets": [{"floor": "0", "rate": "0.01"}],
                }
            },
            "prices": {"I": quoted("50000", "0.001")},
            "accounts": [
                {
                    "account_id": "a",
                    "balances": {"BTC": "1"},
                    "positions": [{"symbol": "I", "quantity": "10", "entry_price": "50000"}],
                }
            ],
        }
    )  # fmt: skip
    assert (found["funding_due"], found["equity_after_funding"]) == ("0.00002", "0.99998")


def test_a_scope_in_usd_is_valued_anew() -> None:
    """In multi-asset mode the payment counts at the index, what is left after the haircut: 0.9·(1,200 − 1.2)·0.5."""
    whole = document("10", quoted("120", "0.001"), assets={"USDT": {"index_price": "0.9", "collateral_ratio": "0.5"}})
    whole["accounts"][0]["margin_mode"] = "multi_asset"
    found = report(whole)
    assert (found["equity"], found["funding_due"], found["equity_after_funding"]) == ("540", "1.08", "539.46")


def bench(**ladder: Any) -> Bench:
    """Return a bench with an account of 30 USDT and 10 X long from 100: at 98, E = 10 and MM = 9.8."""
    made = Bench(**ladder)
    made.instrument("X")
    made.price(X="100")
    made.account(balances={"USDT": "30"}, positions={"X": ("10", "100")}, settings=WATCH)
    return made


def test_the_rule_fires_below_the_line_only() -> None:
    """A payment of 0.2 leaves E exactly at MM, which is not below it; any more does."""
    made = bench()
    assert made.price(X=quoted("98", "0.0002040816")) == []
    assert made.price(X="98.2") == []
    assert made.price(X=quoted("98", "0.0002040817")) == ["a funding_limit cross:USDT@1"]
    body = made.told[0]
    assert (body["equity"], body["maintenance_margin"], body["funding_due"]) == ("10", "9.8", "0.200000066")
    assert body["value"].startswith("0.99999")
    assert body["next_funding_time_ms"] == NEXT


def test_an_inclusive_ladder_fires_on_the_line() -> None:
    """Where the venue's line is inclusive so is the rule's: 0.25 % of 80 leave exactly the margin."""
    for inclusive in (False, True):
        made = Bench(inclusive=inclusive)
        made.instrument("X")
        made.price(X="100")
        made.account(balances={"USDT": "21"}, positions={"X": ("1", "100")}, settings=WATCH)
        told = made.price(X=quoted("80", "0.0025"))
        assert told == (["a funding_limit cross:USDT@1"] if inclusive else [])


def test_the_rule_arms_a_tenth_above() -> None:
    """It is armed again when what is left is MM/0.9: a receipt does it, and the next payment fires again."""
    made = bench()
    line = ["a funding_limit cross:USDT@1"]
    assert made.price(X=quoted("98", "0.001")) == line
    assert made.price(X=quoted("98", "0")) == []
    assert made.price(X=quoted("98", "0.001")) == []
    assert made.restart() == []
    assert made.price(X=quoted("98", "-0.0009")) == []
    assert made.price(X=quoted("98", "0.001")) == []
    assert made.price(X=quoted("98", "-0.001")) == []
    assert made.price(X=quoted("98", "0.001")) == line


def test_an_unknown_rate_decides_nothing() -> None:
    """A position without a rate leaves the rule as it was."""
    made = bench()
    made.instrument("Y")
    made.price(Y="1")
    made.account(positions={"Y": ("0.1", "1")})
    assert made.price(X=quoted("98", "0.1")) == []
    assert made.price(Y=quoted("1", "0")) == ["a funding_limit cross:USDT@1"]


def test_events_and_statuses_carry_it() -> None:
    """A margin call states what is due and what is left, and its proof covers both."""
    made = bench()
    made.now_ms += 1
    outcome = made.shard.apply([made_price(made)], made.now_ms)
    (part,) = outcome.accounts.values()
    event = next(one.body for one in part.events if "sequence" in one.body)
    status = part.statuses["cross:USDT"]
    assert status is not None
    assert event["funding_due"] == status["funding_due"] == "0.98"
    assert event["equity_after_funding"] == status["equity_after_funding"] == "9.02"
    assert difference(event) is None
    found = difference(event | {"funding_due": "0.97"})
    assert found is not None
    assert found.term == "funding_due"


def made_price(made: Bench) -> Any:
    """Return a price message with a rate of 0.1 % at a mark of 98."""
    element = quoted("98", "0.001") | {"symbol": "X", "event_time_ms": made.now_ms}
    return Prices(CODEC.prices(json.dumps(element).encode()).prices, Origin("mark-prices", 0, 99), made.now_ms)


def test_a_profile_may_name_the_basis() -> None:
    """The configuration takes the price that funding is charged on, and refuses any other word."""
    assert str(load(overrides={"funding.basis": "index"}).funding.basis) == "index"
    assert str(load().funding.basis) == "mark"
