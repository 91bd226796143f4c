"""The audit of shards that are as they should be: it says nothing, whatever they live through.

`LIQMON_AUDIT_LIVES=200 pytest tests/audit/test_lives.py` looks at more of them.
"""

from __future__ import annotations

import os

import pytest

from tests.audit.living import Living, whole_pass
from tests.rules.bench import Bench

SEEDS = int(os.environ.get("LIQMON_AUDIT_LIVES", "5"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_it_raises_no_false_alarm(seed: int) -> None:
    """Through lives of accounts of every mode the audit finds nothing, tells nothing and changes nothing."""
    living = Living(seed, use_numba=seed % 4 != 3)
    for _ in range(15):
        living.live(8)
        now_ms = living.lives.now_ms
        faults, told = whole_pass(living.engine, now_ms)
        assert faults == []
        assert told.size == 0
        if living.random.random() < 0.2:
            living.shard.restart(now_ms)
            living.shard.catch_up([], now_ms)


def test_a_pass_looks_at_every_scope() -> None:
    """A pass counts every scope that lives once."""
    living = Living(3)
    living.live(30)
    scopes = passes = 0
    while passes < 2:
        findings, _ = living.engine.auditor.step(living.lives.now_ms)
        scopes += findings.scopes
        passes += findings.is_pass_over
    assert scopes == 2 * living.engine.store.counts()["scopes"] > 0


def test_figures_nobody_can_know_are_no_fault() -> None:
    """A scope in USD whose position has no price has no figures in the store: none of them differs."""
    bench = Bench()
    bench.instrument("X")
    bench.asset("USDT", "1")
    bench.account(balances={"USDT": "10"}, positions={"X": ("1", "90")}, margin_mode="multi_asset")
    assert whole_pass(bench.shard.engine, bench.now_ms)[0] == []
