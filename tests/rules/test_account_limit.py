"""Tests of the account limit: initial margin against equity, scope by scope."""

from __future__ import annotations

from monitor.core.rules.settings import RuleSettings
from tests.rules.bench import Bench

LIMIT = {"account_limit": "0.8", "leverage": {"X": "10", "Y": "10"}}


def test_it_fires_at_the_limit_and_arms_at_nine_tenths() -> None:
    """Short 10 X at 10×: IM = mark, E = 100 − 10·(mark − 50); 80 % at 480/9, 72 % at 432/8.2."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="50")
    bench.account(balances={"USDT": "100"}, positions={"X": ("-10", "50")}, settings=LIMIT)
    assert bench.price(X="53.33333333") == []
    assert bench.price(X="53.33333334") == ["a account_limit cross:USDT@0.8"]
    assert bench.price(X="52.6829268293") == []
    assert bench.price(X="54") == []
    assert bench.price(X="52.6829268292") == []
    assert bench.price(X="54") == ["a account_limit cross:USDT@0.8"]
    assert (bench.told[0]["rule_sequence"], bench.told[1]["rule_sequence"]) == (1, 2)
    assert (bench.told[1]["equity"], bench.told[1]["initial_margin"], bench.told[1]["value"]) == ("60", "54", "0.9")


def test_each_scope_has_its_own_level() -> None:
    """Two isolated positions and the cross wallet cross and arm by themselves; the event names its scope."""
    bench = Bench()
    bench.instrument("X")
    bench.instrument("Y")
    bench.price(X="100", Y="100")
    isolated = {"margin_type": "isolated", "isolated_wallet": "20"}
    positions = {"X": ("1", "100", isolated), "Y": ("1", "100", isolated)}
    bench.account(balances={"USDT": "5"}, positions=positions, settings=LIMIT)
    assert bench.price(X="91") == ["a account_limit isolated:X:both@0.8"]
    assert bench.price(Y="91") == ["a account_limit isolated:Y:both@0.8"]
    assert bench.price(X="100") == []
    assert bench.price(X="91", Y="90") == ["a account_limit isolated:X:both@0.8"]


def test_no_equity_is_beyond_every_limit() -> None:
    """With a margin in use and nothing left the limit is crossed; there is no finite value then."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="100")
    bench.account(balances={"USDT": "20"}, positions={"X": ("1", "100")}, settings=LIMIT)
    assert bench.price(X="80") == ["a account_limit cross:USDT@0.8"]
    assert bench.told[0]["value"] is None


def test_a_multi_asset_scope_counts_after_its_haircut() -> None:
    """100 USDT at a ratio of 0.5 are 50 USD of equity; margin counts at the index."""
    bench = Bench()
    bench.instrument("X")
    bench.asset("USDT", "1", collateral_ratio="0.5")
    bench.price(X="100")
    bench.account(margin_mode="multi_asset", balances={"USDT": "100"}, positions={"X": ("3", "100")}, settings=LIMIT)
    assert bench.told == []
    assert bench.account(positions={"X": ("4", "100")}) == ["a account_limit cross:USD@0.8"]


def test_a_scope_that_is_gone_is_armed_again() -> None:
    """A closed isolated position that is opened again crosses again; it does so after a restart, too."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="100")
    held = {"X": ("1", "100", {"margin_type": "isolated", "isolated_wallet": "11"})}
    line = ["a account_limit isolated:X:both@0.8"]
    assert bench.account(balances={"USDT": "5"}, positions=held, settings=LIMIT) == line
    assert bench.restart() == []
    assert bench.account(positions={"X": ("0", "100")}) == []
    bench.restart()
    assert bench.account(positions=held) == line


def test_missing_terms_leave_levels_as_they_are() -> None:
    """While a cross position has no terms nobody knows the scopes: nothing fires, nothing is armed."""
    bench = Bench(RuleSettings())
    bench.instrument("X")
    bench.price(X="100", Y="100")
    bench.account(balances={"USDT": "11"}, positions={"X": ("1", "100")}, settings=LIMIT)
    assert len(bench.told) == 1
    bench.account(positions={"Y": ("1", "100")}, balances={"USDT": "1000"})
    bench.account(balances={"USDT": "22"})
    bench.instrument("Y")
    assert len(bench.told) == 1


def test_a_rule_can_come_by_itself() -> None:
    """A limit set on an account that is beyond it already is crossed at once."""
    bench = Bench()
    bench.instrument("X")
    bench.price(X="100")
    bench.account(balances={"USDT": "12"}, positions={"X": ("1", "100")}, settings={"leverage": {"X": "10"}})
    assert bench.account(settings={"account_limit": "0.8"}) == ["a account_limit cross:USDT@0.8"]
