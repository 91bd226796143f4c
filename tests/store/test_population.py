"""A venue in small under moving prices: nobody is missed, few are doubted without need, both kernels agree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from monitor.core.ladder import Ladder
from monitor.core.store import MarginStore, ScopeFacts
from tests.store import twin
from tests.store.population import Population, Shares

LADDERS = (Ladder.build(),)
MIXED = Shares(inverse=0.3, multi_asset=0.3, isolated=0.2)
WITH_PORTFOLIOS = Shares(inverse=0.3, multi_asset=0.2, isolated=0.1, portfolio=0.6)


def venue(accounts: int, shares: Shares) -> tuple[Population, list[MarginStore], list[ScopeFacts], twin.World]:
    """Return a population, a store of each kind with it, its scopes by id, and the twin's market."""
    population = Population(symbols=30, seed=5, shares=shares)
    facts = list(population.accounts(accounts))
    stores = [MarginStore(LADDERS, use_numba=use) for use in (True, False)]
    for store in stores:
        population.prepare(store)
        store.put_many(facts)
    scopes = {
        number: scope
        for account, account_scopes in facts
        for number, scope in zip(stores[0].scopes_of(account), account_scopes, strict=True)
    }
    world = twin.World(LADDERS, dict(zip(population.names, population.instruments, strict=True)))
    world.assets = population.assets()
    world.portfolio = population.portfolio().terms
    return population, stores, [scopes[number] for number in range(len(scopes))], world


@pytest.mark.parametrize("shares", [Shares(), MIXED, WITH_PORTFOLIOS], ids=["linear", "mixed", "portfolios"])
def test_a_moving_market_misses_nobody(shares: Shares) -> None:
    """Over a random walk with a crash every change is found, and false candidates are rarer than 1 in 1000."""
    population, stores, scopes, world = venue(300, shares)
    told = np.zeros(len(scopes), dtype=np.int64)
    changes = false = 0
    for step in range(12):
        marks = population.moved(0.25 if step == 6 else 0.02)
        world.marks = dict(zip(population.names, marks, strict=True))
        for store in stores:
            for name, mark in world.marks.items():
                store.set_mark(name, mark)
        found = [set(store.judge_all().tolist()) for store in stores]
        assert found[0] == found[1]
        for number, scope in enumerate(scopes):
            now = twin.told(scope, int(told[number]), world)
            assert now == told[number] or number in found[0]
            changes += now != told[number]
            false += now == told[number] and number in found[0]
            told[number] = now
            for store in stores:
                store.set_state(number, now)
    assert changes > 40
    assert false <= len(scopes) * 12 // 1000


def test_the_twins_agree_to_the_last_bit() -> None:
    """Numba and numpy compute the same figures, from all rows at once and from the holders of one symbol."""
    population, stores, _, _ = venue(2000, WITH_PORTFOLIOS)
    for share in (0.01, 0.3):
        marks = population.moved(share)
        for name, mark in zip(population.names, marks, strict=True):
            for store in stores:
                store.set_mark(name, mark)
        for judge in (lambda store: store.judge_symbols([population.names[-1]]), lambda store: store.judge_all()):
            assert np.array_equal(judge(stores[0]), judge(stores[1]))
            for one, other in zip(*(store.figures() for store in stores), strict=True):
                assert np.array_equal(one, other, equal_nan=True)


def test_one_symbol_at_a_time_is_as_good_as_all() -> None:
    """Ticks of single symbols lead to the figures that a full evaluation has."""
    population, stores, _, _ = venue(1000, WITH_PORTFOLIOS)
    one, other = stores[0], stores[1]
    one.judge_all()
    for name, mark in zip(population.names, population.moved(0.05), strict=True):
        for store in stores:
            store.set_mark(name, mark)
        one.judge_symbols([name])
    other.judge_all()
    for left, right in zip(one.figures(), other.figures(), strict=True):
        assert np.array_equal(left, right, equal_nan=True)


def test_loading_in_one_batch_or_one_by_one_is_the_same() -> None:
    """put_many is put, many times."""
    population, stores, _, _ = venue(200, WITH_PORTFOLIOS)
    again = MarginStore(LADDERS)
    population.prepare(again)
    for account, scopes in Population(symbols=30, seed=5, shares=WITH_PORTFOLIOS).accounts(200):
        again.put(account, scopes)
    again.judge_all()
    stores[0].judge_all()
    assert again.counts()["cells"] == stores[0].counts()["cells"]
    for left, right in zip(again.figures(), stores[0].figures(), strict=True):
        assert np.array_equal(left[:100], right[:100], equal_nan=True)
    for name in population.names:
        assert np.array_equal(again.holders(name), stores[0].holders(name))


def test_the_exact_bound_holds() -> None:
    """No figure is further from the exact one than the bound that the screen assumes."""
    population, stores, scopes, world = venue(150, MIXED)
    world.marks = dict(zip(population.names, population.marks(), strict=True))
    stores[0].judge_all()
    equity, requirement = stores[0].figures()
    for number, scope in enumerate(scopes):
        exact = twin.figures(scope, world)
        assert exact is not None
        cells = sum(len(part.cells) for part in scope.parts)
        bound = 4 * (2 * cells + 16) * Fraction(1, 2**53) * (twin.gross(scope, world) + exact[1]) * 2
        assert abs(Fraction(float(equity[number])) - exact[0]) <= bound
        assert abs(Fraction(float(requirement[number])) - exact[1]) <= bound
