"""Bits that turn over in the store: each is found within a pass, said, mended, and tells nothing that is not so."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf, isnan

import numpy as np
import pytest

from monitor.core.store_columns import HELD_ROOM, PAGE_BITS, PAGE_POOL, POOL_HEAD, SCOPE_ROW, TILE_USED, Columns
from tests.audit.flipping import Element, Targets, flip
from tests.audit.living import Living, whole_pass
from tests.engine import comparing
from tests.engine.proving import difference

BITS = {"float64": (63, 62, 55, 51, 40), "uint8": (0, 2, 4, 7), "uint32": (4, 7, 16, 31), "int64": (0, 3, 20, 62)}
"""Sign, exponent and mantissa of floats; low and high bits of the others."""
INDEXES = ("entries", "holds", "codes", "symbol_of_line", "group_of_line", "group_of", "asset", "watch")
"""What kernels find other columns by: a tick on such damage may end the process, and then another takes over."""
WITHIN_BOUNDS = {"equity": (62, 55, 51, 40), "requirement": (62, 55, 51, 40), "scales": (62, 55, 51, 40)}
"""A figure of the last judgement is wrong only beyond its bound: the sign of 0 is none."""


def _says_nothing(element: Element) -> bool:
    """Return whether turning a bit of an element over may leave it what it was: no number, or without end."""
    stored = float(element[0][element[1]])
    return isnan(stored) or isinf(stored) or stored == 0.0


def _statuses_are_right(living: Living) -> None:
    store, twin = living.engine.store, living.twin
    for scope in np.nonzero(store.is_live())[0].tolist():
        key = living.engine.book.id_of(store.account_of(scope)), store.name_of(scope)
        assert int(store.told[scope]) == comparing._RANKS[twin.verdicts[key].status], key


@pytest.mark.parametrize("seed", [1, 5])
def test_flipped_figures_are_found_and_mended(seed: int) -> None:
    """Whatever bit of a figure, a term or a status turns over: it is named and derived anew, and nobody is told."""
    living = Living(seed)
    living.live(60)
    whole_pass(living.engine, living.lives.now_ms)
    names = [name for name, elements in Targets(living.engine, living.random).mendable() if elements]
    tried = 0
    for name in names:
        for bit in range(5):
            elements = dict(Targets(living.engine, living.random).mendable())[name]
            column, where = living.random.choice(elements)
            bits = WITHIN_BOUNDS.get(name, BITS[str(column.dtype)])
            if bit >= len(bits) or (column.dtype.kind == "f" and _says_nothing((column, where))):
                continue
            before = column[where]
            flip(column, where, bits[bit])
            faults, told = whole_pass(living.engine, living.lives.now_ms)
            where_it_was = (name, where, bits[bit], before, column[where])
            assert faults, where_it_was
            assert not any(fault.is_structure for fault in faults), (where_it_was, faults)
            assert not any(account.events for account in told.accounts.values()), where_it_was
            comparing.compare_states(living.engine, living.twin)
            assert whole_pass(living.engine, living.lives.now_ms)[0] == [], where_it_was
            tried += 1
    assert tried > 60


@pytest.mark.parametrize("seed", [2])
def test_a_flipped_layout_is_found_and_the_shard_made_anew(seed: int) -> None:
    """Whatever bit of what says where things are turns over: it is named as such, and a new engine is right."""
    living = Living(seed)
    living.live(60)
    tried = anew = 0
    for name in [name for name, elements in Targets(living.engine, living.random).structural() if elements]:
        for bit in (0, 1, 3, 17, 29):
            living.live(1)
            column, where = living.random.choice(dict(Targets(living.engine, living.random).structural())[name])
            flip(column, where, bit)
            faults, told = whole_pass(living.engine, living.lives.now_ms)
            assert faults, (name, where, bit)
            assert not any(account.events for account in told.accounts.values())
            if any(fault.is_structure for fault in faults):
                living.shard.restart(living.lives.now_ms)
                living.shard.catch_up([], living.lives.now_ms)
                anew += 1
            _statuses_are_right(living)
            assert whole_pass(living.engine, living.lives.now_ms)[0] == [], (name, where, bit)
            tried += 1
    assert anew > tried * 0.8 > 30


def _no_rows_in_use(columns: Columns) -> None:
    columns.tiles[columns.tiles[:, TILE_USED].argmax(), TILE_USED] = 0


def _room_of_another(columns: Columns) -> None:
    columns.symbols[:, HELD_ROOM] += 1_000


def _row_in_use_is_free(columns: Columns) -> None:
    row = int(columns.scopes[0, SCOPE_ROW])
    columns.pools[columns.pages[row >> PAGE_BITS, PAGE_POOL], POOL_HEAD] = row


@pytest.mark.parametrize("damage", [_no_rows_in_use, _room_of_another, _row_in_use_is_free])
def test_a_layout_that_the_next_message_would_make_worse_is_found(damage: Callable[[Columns], None]) -> None:
    """A tile without rows in use, a symbol with the room of another, a free row that is somebody's: all are damage."""
    living = Living(1)
    living.live(20)
    damage(living.engine.store._space.columns)
    assert any(fault.is_structure for fault in whole_pass(living.engine, living.lives.now_ms)[0])


@pytest.mark.parametrize("seed", [4])
def test_a_damaged_store_tells_nothing_that_is_not_so(seed: int) -> None:
    """Events told while figures are damaged prove themselves, and a pass makes good what is late."""
    living = Living(seed, hysteresis=False)
    living.live(40)
    events = 0
    for _ in range(40):
        for name, elements in Targets(living.engine, living.random).mendable():
            if elements and name not in INDEXES and living.random.random() < 0.2:
                column, where = living.random.choice(elements)
                flip(column, where, living.random.choice(BITS[str(column.dtype)][:2]))
        outcome = living.live(1)
        outcome.join(whole_pass(living.engine, living.lives.now_ms)[1])
        for account in outcome.accounts.values():
            for event in account.events:
                assert difference(event.body) is None
                events += 1
        _statuses_are_right(living)
    assert events > 5
