"""Tests of the drawdown stop: its levels, its high, what counts as equity, and what a restart keeps of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.core.freshness import FreshnessSettings
from monitor.core.rules.settings import RuleSettings
from tests.rules.bench import Bench

LONG = {"X": ("1", "100")}


def bench(settings: dict[str, Any], rules: RuleSettings | None = None) -> Bench:
    """Return a bench with one account: 1,000 USDT and 1 X long from 100, so that equity = 900 + mark."""
    made = Bench(rules)
    made.instrument("X")
    made.price(X="100")
    made.account(balances={"USDT": "1000"}, positions=LONG, settings=settings)
    return made


@pytest.mark.parametrize(
    ("profile", "above", "at"),
    [("conservative", "200.000001", "200"), ("moderate", "150.000001", "150"), ("aggressive", "100.000001", "100")],
)
def test_a_profile_fires_when_its_level_is_reached(profile: str, above: str, at: str) -> None:
    """10, 15 and 20 % below the high of 1,000 fire at 900, 850 and 800, and not the least bit before."""
    made = Bench()
    made.instrument("X")
    made.price(X="300")
    made.account(balances={"USDT": "1000"}, positions={"X": ("1", "300")}, settings={"drawdown_profile": profile})
    assert made.price(X=above) == []
    (line,) = made.price(X=at)
    assert line.startswith("a drawdown_stop@")


def test_a_list_fires_level_by_level() -> None:
    """Each level of a list fires once; a fall over two of them is two events, the nearer first."""
    made = bench({"drawdown_stops": ["0.02", "0.05", "0.08"]})
    assert made.price(X="81") == []
    assert made.price(X="80") == ["a drawdown_stop@0.02"]
    assert made.price(X="79") == []
    assert made.price(X="20") == ["a drawdown_stop@0.05", "a drawdown_stop@0.08"]
    assert [body["rule_sequence"] for body in made.told] == [1, 2, 3]
    last = made.told[-1]
    assert (last["value"], last["total_equity"], last["fallen_from"]) == ("0.08", "920", "1000")
    assert len({body["event_id"] for body in made.told}) == 3


def test_a_level_is_armed_again_at_nine_tenths() -> None:
    """After a fall of 5 % the level is armed again at 4.5 %, not the least bit before."""
    made = bench({"drawdown_stops": ["0.05"]})
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.price(X="54.999999") == []
    assert made.price(X="50") == []
    assert made.price(X="55") == []
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.told[0]["rearm_threshold"] == "0.045"


def test_the_high_rises_with_the_equity() -> None:
    """The fall is measured from the highest equity there was, also from one that a single message showed."""
    made = bench({"drawdown_stops": ["0.1"]})
    made.price(X="1100")
    assert made.price(X="901") == []
    assert made.price(X="900") == ["a drawdown_stop@0.1"]
    assert made.told[0]["fallen_from"] == "2000"


def test_a_reference_stands_for_the_high() -> None:
    """With a reference the high is of no concern."""
    made = bench({"drawdown_stops": ["0.1"], "reference_equity": "1000"})
    made.price(X="1100")
    assert made.price(X="101") == []
    assert made.price(X="0.5") == []
    made.account(balances={"USDT": "900"})
    assert made.price(X="100") == []
    assert made.told[0]["fallen_from"] == "1000"
    assert made.told[0]["cause"]["kind"] == "account_event"


def test_transfers_are_no_drawdown() -> None:
    """A withdrawal that the balance and the transfers state together changes nothing; a loss of the same size does."""
    made = bench({"drawdown_stops": ["0.1"]})
    assert made.account(balances={"USDT": "500"}, net_transfers={"USDT": "-500"}) == []
    assert made.account(balances={"USDT": "700"}, net_transfers={"USDT": "-300"}) == []
    assert made.account(balances={"USDT": "600"}) == ["a drawdown_stop@0.1"]


def test_a_deposit_is_no_high() -> None:
    """Money that comes in raises neither the high nor the equity."""
    made = bench({"drawdown_stops": ["0.1"]})
    made.account(balances={"USDT": "5000"}, net_transfers={"USDT": "4000"})
    assert made.price(X="0.5") == []
    assert made.account(balances={"USDT": "4999"}) == ["a drawdown_stop@0.1"]


def test_an_isolated_scope_is_never_below_nothing() -> None:
    """An isolated position loses its wallet and no more: 1,000 + 50 fall to 1,000, however deep the price goes."""
    made = Bench()
    made.instrument("X")
    made.price(X="100")
    isolated = {"X": ("1", "100", {"margin_type": "isolated", "isolated_wallet": "50"})}
    made.account(balances={"USDT": "1000"}, positions=isolated, settings={"drawdown_stops": ["0.04", "0.05"]})
    assert made.price(X="58.01") == []
    assert made.price(X="58") == ["a drawdown_stop@0.04"]
    assert made.price(X="0.1") == []
    assert made.account(settings={"drawdown_stops": ["0.0476"]}) == ["a drawdown_stop@0.0476"]
    assert made.told[-1]["total_equity"] == "1000"


def test_assets_count_at_their_index_without_haircut() -> None:
    """10 BTC at 100 with a haircut of 50 % are worth 1,000 USD; a fall of the index by a tenth is a fall by a tenth."""
    made = Bench()
    made.asset("BTC", "100", collateral_ratio="0.5")
    made.account(margin_mode="multi_asset", balances={"BTC": "10"}, settings={"drawdown_stops": ["0.1"]})
    assert made.asset("BTC", "90.000001", collateral_ratio="0.5") == []
    assert made.asset("BTC", "90", collateral_ratio="0.5") == ["a drawdown_stop@0.1"]
    assert made.told[0]["cause"]["kind"] == "asset"


def test_what_an_inverse_contract_loses_is_counted_in_its_coin() -> None:
    """Long 100 USD from 100 loses 1/50 − 1/100 = 0.01 coins a USD, 1 BTC in all, when the mark halves."""
    made = Bench()
    made.instrument("I", settle="BTC", contract="inverse", base_asset="BTC")
    made.asset("BTC", "100")
    made.price(I="100")
    made.account(balances={"BTC": "10"}, positions={"I": ("100", "100")}, settings={"drawdown_stops": ["0.1"]})
    assert made.price(I="50.0000001") == []
    assert made.price(I="50") == ["a drawdown_stop@0.1"]
    assert (made.told[0]["total_equity"], made.told[0]["fallen_from"]) == ("900", "1000")


def test_an_only_asset_without_index_is_its_own_unit() -> None:
    """Without an entry for the account's only asset a fall is a ratio all the same; with two assets it is unknown."""
    made = bench({"drawdown_stops": ["0.05"]})
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    other = Bench()
    other.instrument("X")
    other.price(X="100")
    other.account(balances={"USDT": "1000", "BTC": "1"}, positions=LONG, settings={"drawdown_stops": ["0.05"]})
    assert other.price(X="1") == []


def test_a_change_of_the_unit_begins_a_new_high() -> None:
    """When the only asset gets an index price or loses it, amounts in two units are not compared."""
    made = bench({"drawdown_stops": ["0.05"]})
    assert made.asset("USDT", "0.9") == []
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.told[0]["fallen_from"] == "900"


def test_nothing_unknown_fires_or_arms() -> None:
    """Without a snapshot, without a price, or with one too old, nothing is measured and nothing forgotten."""
    made = Bench(freshness=FreshnessSettings(10_000, 60_000))
    made.instrument("X")
    made.instrument("Y")
    made.price(X="100")
    made.account("b", snapshot=False, balances={"USDT": "1000"}, settings={"drawdown_stops": ["0.05"]})
    made.account("b", balances={"USDT": "100"})
    made.account("a", balances={"USDT": "1000"}, positions=LONG, settings={"drawdown_stops": ["0.05"]})
    assert made.account("a", positions={"Y": ("1", "100")}, balances={"USDT": "800"}) == []
    made.clock(61_000)
    assert made.price(Y="100") == []
    assert made.price(X="100") == ["a drawdown_stop@0.05"]
    made.clock(20_000)
    made.price(Y="100")
    assert [body["degraded"] for body in made.told] == [[]]


def test_an_aged_price_degrades() -> None:
    """A price that is aged but not stale still measures; the event says so."""
    made = Bench(freshness=FreshnessSettings(10_000, 60_000))
    made.instrument("X")
    made.price(X="100")
    made.account(balances={"USDT": "1000"}, positions=LONG, settings={"drawdown_stops": ["0.05"]})
    made.clock(20_000)
    assert made.account(balances={"USDT": "900"}) == ["a drawdown_stop@0.05"]
    assert made.told[0]["degraded"] == ["stale_price:X"]


def test_defaults_hold_for_everybody_who_states_nothing() -> None:
    """A configured default is a rule of every account; an account's own settings outrank it."""
    made = bench({}, RuleSettings(drawdown_stops=(Decimal("0.05"),)))
    made.account("b", balances={"USDT": "1000"}, positions=LONG, settings={"drawdown_profile": "conservative"})
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.price(X="0.0001") == []
    assert made.account("b", balances={"USDT": "999"}) == ["b drawdown_stop@0.1"]


def test_an_account_without_rules_hears_nothing() -> None:
    """Who states no rule, where nothing is configured, gets no event and no record."""
    made = bench({"labels": ["x"]})
    made.price(X="0.1")
    made.account(balances={"USDT": "1"})
    assert made.told == []
    assert made.written == 0


def test_a_suspect_account_is_called_so() -> None:
    """After a message about it was refused an account's rules go on; their events say that it is suspect."""
    made = bench({"drawdown_stops": ["0.05"]})
    made.refuse("a")
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.told[0]["suspect"] is True


def test_a_restart_keeps_high_levels_and_sequence() -> None:
    """Another engine goes on from the records: the high stands, fired levels stay quiet, numbers go on."""
    made = bench({"drawdown_stops": ["0.1", "0.2"]})
    made.price(X="1100")
    assert made.restart() == []
    assert made.price(X="900") == ["a drawdown_stop@0.1"]
    assert made.restart() == []
    assert made.price(X="899") == []
    assert made.price(X="700") == ["a drawdown_stop@0.2"]
    assert made.price(X="920") == []
    made.restart()
    assert made.price(X="900") == ["a drawdown_stop@0.1"]
    assert [body["rule_sequence"] for body in made.told] == [1, 2, 3]


def test_numbers_go_on_after_an_account_was_gone() -> None:
    """Deleting an account forgets its high and its levels, never how many events it had."""
    made = bench({"drawdown_stops": ["0.05"]})
    made.price(X="50")
    made.account(deleted=True)
    made.restart()
    made.account(snapshot=True, balances={"USDT": "100"}, settings={"drawdown_stops": ["0.05"]})
    assert made.account(balances={"USDT": "90"}) == ["a drawdown_stop@0.05"]
    assert [body["rule_sequence"] for body in made.told] == [1, 2]


def test_rises_are_written_sparingly() -> None:
    """A rise of a thousandth is written at once, a smaller one within the interval, and a step of 0 writes each."""
    made = bench({"drawdown_stops": ["0.05"]})
    first = made.written
    made.price(X="101")
    assert made.written == first
    made.price(X="101.01")
    assert made.written == first + 1
    made.price(X="101.02")
    made.clock(59_000)
    assert made.written == first + 1
    made.clock(1_000)
    assert made.written == first + 2
    each = bench({"drawdown_stops": ["0.05"]}, RuleSettings(high_step=0))
    first = each.written
    each.price(X="100.0001")
    each.price(X="100.0002")
    assert each.written == first + 2


def test_a_rule_that_ends_is_forgotten() -> None:
    """Other levels are new levels; a rule that begins again begins with the equity it finds."""
    made = bench({"drawdown_stops": ["0.05"]})
    assert made.price(X="50") == ["a drawdown_stop@0.05"]
    assert made.account(settings={"drawdown_stops": ["0.04"]}) == ["a drawdown_stop@0.04"]
    assert made.account(settings={"drawdown_stops": ["0.04", "0.05"]}) == ["a drawdown_stop@0.05"]
    made.account(snapshot=True, balances={"USDT": "500"})
    assert made.account(settings={"drawdown_stops": ["0.05"]}) == []
    assert made.account(balances={"USDT": "475"}) == ["a drawdown_stop@0.05"]
    assert made.told[-1]["fallen_from"] == "500"
