"""The audit of what account rules stand on: a flipped value is found, said, mended, and what it hid is told."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.audit.fault import Fault
from monitor.core.rules import screen as room
from monitor.core.rules.screen import Screen
from monitor.core.rules.screen_audit import _COLUMNS
from monitor.core.rules.screen_prices import _OF_ASSET, _OF_SYMBOL
from tests.audit.flipping import flip
from tests.rules.bench import Bench
from tests.rules.lives import Life, funded_steps

BITS = {"float64": (63, 62, 55, 51, 40), "bool": (0, 3), "int64": (0, 3, 20, 62)}
"""Sign, exponent and mantissa of floats; low and high bits of the others."""


@pytest.fixture(autouse=True)
def _columns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the columns be made at the first price: a few accounts would otherwise be read exactly for ever."""
    monkeypatch.setattr(room, "WAITING", -1)


def watched_accounts() -> Bench:
    """Return a shard of accounts with every rule that is looked at after each message, and all columns filled."""
    bench = Bench()
    bench.instrument("X", settle="USDT", sector="one")
    bench.instrument("Y", settle="USDC", sector="two")
    bench.instrument("I", settle="BTC", contract="inverse", contract_size="100", sector="two")
    for name, index in (("USDT", "1"), ("USDC", "1"), ("BTC", "100"), ("MOVED", "3")):
        bench.asset(name, index)
    rules = {
        "drawdown_stops": ["0.1", "0.3"],
        "account_limit": "0.9",
        "concentration_limit": "0.95",
        "funding_limit": True,
        "leverage": {"Y": "7"},
        "bracket_multiplier": {"X": "2"},
    }
    held = {
        "X": ("2", "90"),
        "Y": ("-1", "110", {"margin_type": "isolated", "isolated_wallet": "40"}),
        "I": ("3", "90"),
    }
    for name, mode in (("a", "multi_asset"), ("b", "single_asset"), ("c", "multi_asset")):
        wallets = {"balances": {"USDT": "900", "USDC": "50", "BTC": "2"}, "net_transfers": {"USDT": "10", "MOVED": "5"}}
        bench.account(name, positions=held, settings=rules, margin_mode=mode, **wallets)
    funding = {"funding_rate": "0.001", "next_funding_time_ms": bench.now_ms + 1}
    bench.price(**{name: {"mark_price": "100"} | funding for name in ("X", "Y", "I")})
    bench.price(X="101")
    assert audited(bench) == ([], [])
    return bench


def audited(bench: Bench) -> tuple[list[Fault], list[str]]:
    """Look through all there is; return what is found, and the events that are told."""
    faults: list[Fault] = []
    told: list[str] = []
    is_over = False
    while not is_over:
        findings, outcome = bench.shard.engine.auditor.step(bench.now_ms)
        faults += findings.faults
        told += bench._keep(bench.shard._kept(outcome))
        is_over = findings.is_pass_over
    return faults, told


def columns_of(screen: Screen) -> Iterator[tuple[str, Any]]:
    """Yield every column of the screen that is in use."""
    for name in (name for names in _COLUMNS.values() for name in names):
        yield name, getattr(screen._columns, name)
    for name in (*_OF_SYMBOL, *_OF_ASSET):
        yield name, getattr(screen._prices, name)


def test_a_flipped_value_is_found_and_mended() -> None:
    """Whatever bit of a column turns over: it is named and set right, and nobody is told anything."""
    bench, random, tried = watched_accounts(), Random(1), 0
    screen = bench.shard.engine.rules.screen
    assert not screen._waiting
    assert not screen._exact
    for name, _ in columns_of(screen):
        for _ in range(2):
            column = dict(columns_of(screen))[name]
            before = column.copy()
            if name in ("floors", "caps", "rates", "deductions"):
                where = (random.randrange(len(column)), 0)  # the contracts have one bracket; the others say nothing
            else:
                where = tuple(random.randrange(size) for size in column.shape)
            if column.dtype == np.float64 and not (np.isfinite(column[where]) and column[where]):
                continue  # a bit of what is no number, or without end, may leave it what it was
            flip(column, where, random.choice(BITS[str(column.dtype)]))
            faults, told = audited(bench)
            assert told == [], (name, where)
            assert {fault.column for fault in faults} & {f"rules_{name}", "rules_places"}, (name, where, faults)
            assert not any(fault.is_structure for fault in faults)
            now = dict(columns_of(screen))[name]
            assert now.tobytes() == before.tobytes(), (name, where)
            tried += 1
    assert tried > 60
    assert audited(bench) == ([], [])


def test_what_a_flipped_value_hid_is_told() -> None:
    """A fall that a damaged level hides from the screen is told by the audit, once."""
    bench = watched_accounts()
    screen = bench.shard.engine.rules.screen
    screen._columns.fall[screen._places[bench.shard.engine.book.number_of("b")], 0] = 0.999
    told = bench.price(X="35")
    assert {line.split()[0] for line in told if "drawdown" in line} == {"a", "c"}
    faults, late = audited(bench)
    assert [(fault.column, fault.account_id) for fault in faults] == [("rules_fall", "b")]
    assert late == ["b drawdown_stop@0.1"]
    assert audited(bench) == ([], [])


def test_accounts_that_are_not_watched_as_their_facts_say_are_found() -> None:
    """Rules that were lost, or are another's, and rows of other facts are put again."""
    bench = watched_accounts()
    engine = bench.shard.engine
    a, b = (engine.book.number_of(name) for name in "ab")
    rules = engine.rules
    damages = (
        lambda: rules._registry.put(a, None),
        lambda: rules._registry._by_symbol["X"].discard(b),
        lambda: rules.screen.drop(a),
        lambda: rules.screen.put(a, rules.screen._rows[b]),
        lambda: rules.screen._exact.add(b),
    )
    for damage in damages:
        damage()
        faults, told = audited(bench)
        assert {fault.column for fault in faults} <= {"rules", "rules_rows"}
        assert len(faults) == 1
        assert told == []
        bench.price(X="101")
        assert audited(bench) == ([], [])


terms = st.tuples(
    st.sampled_from(["X", "Z"]),
    st.fixed_dictionaries(
        {"settle": st.sampled_from(["USDT", "USDC"]), "contract_size": st.sampled_from(["1", "2"])},
        optional={"sector": st.sampled_from(["one", "two", "three"])},
    ),
)


@settings(max_examples=25, derandomize=True)
@given(st.lists(funded_steps | st.tuples(st.just("terms"), terms), min_size=5, max_size=30))
def test_it_raises_no_false_alarm(script: list[tuple[str, Any]]) -> None:
    """Through random lives of accounts with rules, terms changing too, the audit finds nothing and tells nothing."""
    bench = (life := Life()).bench
    for kind, what in script:
        if kind == "terms":
            bench.instrument(what[0], **what[1])
        else:
            life.step("quote" if kind == "price" else kind, what)
        assert audited(bench) == ([], [])
