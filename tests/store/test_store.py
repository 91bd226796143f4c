"""The store as its caller sees it: ids, memory, rows that move, who holds what, and what is never a candidate."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from monitor.core.instruments import Asset, Contract, Instrument, MaintenanceBasis, chain_deductions
from monitor.core.ladder import Ladder
from monitor.core.store import CellFacts, MarginStore, PartFacts, ScopeFacts
from tests.store import twin

D = Decimal
LADDERS = (Ladder.build(),)
UNKNOWN = 8
BRACKETS = chain_deductions([(D(0), D("0.004"), None, None), (D(50000), D("0.005"), None, None)])


def terms(symbol: str, **changes: object) -> Instrument[Decimal]:
    """Return terms of a linear contract in USDT."""
    made = {"tiers": BRACKETS, "contract": Contract.LINEAR, "settle_asset": "USDT", "contract_size": D(1), **changes}
    return Instrument(symbol=symbol, closing_fee_rate=D(0), liquidation_fee_rate=D(0), **made)  # type: ignore[arg-type]


def cross(wallet: Decimal, *positions: tuple[str, str], name: str = "cross:USDT", blocked: bool = False) -> ScopeFacts:
    """Return a scope in USDT with positions (symbol, quantity) entered at 100."""
    cells = tuple(CellFacts(symbol, D(1), D(quantity), D(100)) for symbol, quantity in positions)
    return ScopeFacts(name, 0, in_usd=False, blocked=blocked, parts=(PartFacts("USDT", wallet, cells),))


@pytest.fixture(params=[True, False], ids=["numba", "numpy"])
def store(request: pytest.FixtureRequest) -> MarginStore:
    """Return a store with 600 symbols at 100 and USDT at 1."""
    made = MarginStore(LADDERS, use_numba=request.param)
    for number in range(600):
        made.set_instrument(f"S{number}", terms(f"S{number}"))
        made.set_mark(f"S{number}", D(100))
    made.set_asset("USDT", Asset("USDT", D(1)))
    return made


def equity(store: MarginStore, scope: int) -> float:
    """Return the equity of one scope as last judged."""
    return float(store.figures(np.array([scope]))[0][0])


def test_a_scope_that_keeps_its_name_keeps_its_id_and_memory(store: MarginStore) -> None:
    """What is remembered of a scope survives every change of its facts."""
    store.put(7, [cross(D(1), name="cross:USDT"), cross(D(2), name="cross:BNB")])
    first, second = store.scopes_of(7)
    store.set_state(first, 3)
    store.sequence[first], store.episode[first], store.shown[first], store.shown_ratio[first] = 17, 4, 3, 1.25
    store.last_known[first] = 2
    removed = store.put(7, [cross(D(9), ("S1", "1"), name="cross:ETH"), cross(D(3), ("S2", "5"), ("S3", "-1"))])
    assert removed == [(second, "cross:BNB")]
    new, kept = store.scopes_of(7)
    assert kept == first
    memory = [int(column[kept]) for column in (store.told, store.sequence, store.episode, store.shown)]
    assert memory == [3, 17, 4, 3]
    assert (store.last_known[kept], store.shown_ratio[kept]) == (2, 1.25)
    blank = [int(column[new]) for column in (store.told, store.sequence, store.episode, store.shown, store.last_known)]
    assert blank == [0, 0, 0, 255, 0]


def test_the_memory_of_what_is_gone_can_be_read_until_the_next_put(store: MarginStore) -> None:
    """Removed ids keep their columns for one moment, then begin anew with a blank memory."""
    store.put(1, [cross(D(1))])
    (old,) = store.scopes_of(1)
    store.set_state(old, 5)
    store.sequence[old] = 12
    assert store.put(1, ()) == [(old, "cross:USDT")]
    assert (store.told[old], store.sequence[old]) == (5, 12)
    assert not store.is_live()[old]
    assert np.isnan(equity(store, old))
    store.put(2, [cross(D(1), name="isolated:X:both")])
    assert store.scopes_of(2) == [old]
    assert (store.told[old], store.sequence[old], store.shown[old]) == (0, 0, 255)
    assert (store.name_of(old), store.account_of(old)) == ("isolated:X:both", 2)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 7, 9, 13, 33, 100, 200, 300, 512])
def test_a_row_of_any_length_is_summed_right(store: MarginStore, count: int) -> None:
    """Equity and requirement are the same whatever class of row an account lies in."""
    store.put(0, [cross(D(1000), *((f"S{number}", "2") for number in range(count)))])
    for number in range(count):
        store.set_mark(f"S{number}", D(101))
    store.judge_all()
    assert store.figures(np.array([0]))[0][0] == 1000 + 2 * count
    assert store.figures(np.array([0]))[1][0] == pytest.approx(count * 202 * 0.004, rel=1e-12)


def test_prices_set_at_once_are_those_set_one_by_one(store: MarginStore) -> None:
    """Contracts have the same values: plain, with a second bracket multiplier, in doubt, without terms, not held."""
    other, held = MarginStore(LADDERS, use_numba=store.uses_numba), ("S0", "S1", "S2", "S3")
    for one in (store, other):
        for name in held:
            one.set_instrument(name, terms(name))
            one.set_mark(name, D(50))
        one.set_asset("USDT", Asset("USDT", D(1)))
        stretched = cross(D(1000), *((name, "1") for name in held))
        one.put(0, [stretched])
        cells = tuple(cell._replace(multiplier=D(2)) for cell in stretched.parts[0].cells[:1])
        one.put(1, [stretched._replace(parts=(stretched.parts[0]._replace(cells=cells),))])
        one.set_band("S1", D(40), D(60))
        one.set_instrument("S2", None)
    marks = {"S0": D(101), "S1": D(102), "S2": D(103), "S3": D(104), "NEW": D(1)}
    store.set_marks(marks)
    for name, mark in marks.items():
        other.set_mark(name, mark)
    for name in marks:
        for column, values in store._contracts.tabulated(name).items():
            assert np.array_equal(values, other._contracts.tabulated(name)[column], equal_nan=values.dtype.kind == "f")


def test_rows_move_between_classes_and_are_used_again(store: MarginStore) -> None:
    """An account that grows and shrinks ten times costs no more room than one of its greatest size."""
    store.put(1, [cross(D(5), ("S0", "1"))])
    for round_ in range(10):
        for count in (1, 512, 3, 40, 0, 513):
            store.put(0, [cross(D(10), *((f"S{number}", "1") for number in range(count)))])
            assert store.counts()["cells"] == count + 1
            assert sorted(store.holders("S0").tolist()) == ([0, 1] if count else [1])
            assert store.holders("S39").tolist() == ([0] if count >= 40 else [])
        if not round_:
            reserved = store.counts()["bytes"]
    assert store.counts()["bytes"] == reserved
    assert store.counts()["rows"] == 2


def test_both_legs_of_a_symbol_make_one_holder(store: MarginStore) -> None:
    """A hedged account is looked at once when its symbol ticks, and leaves the index with its last leg."""
    for account in range(5):
        store.put(account, [cross(D(10), ("S0", "1"), ("S1", "1"), ("S0", "-2"))])
    store.put(2, [cross(D(10), ("S0", "-2"))])
    assert store.holders("S0").tolist() == [0, 1, 2, 3, 4]
    store.put(0, [])
    store.put(2, [cross(D(10))])
    store.put(3, [cross(D(10), ("S1", "1"))])
    assert store.holders("S0").tolist() == [1, 4]
    assert store.holders("S1").tolist() == [1, 3, 4]


def test_blocked_scopes_are_never_candidates(store: MarginStore) -> None:
    """Facts that make a scope unknown keep it from being judged by prices, until they change."""
    store.put(0, [cross(D(-1000), ("S0", "1"), blocked=True), ScopeFacts("portfolio", 0, True, True, ())])
    store.put(1, [cross(D(-1000), ("S0", "1"))])
    first, second = store.scopes_of(0)
    assert store.judge_all().tolist() == store.scopes_of(1)
    store.set_state(first, UNKNOWN)
    assert store.judge_accounts([0]).tolist() == []
    assert store.is_blocked(np.array([first, second])).all()
    store.put(0, [cross(D(-1000), ("S0", "1"))])
    assert store.scopes_of(0) == [first]
    assert store.judge_accounts([0]).tolist() == [first]


def test_what_is_not_known_is_a_candidate_once(store: MarginStore) -> None:
    """A known status without figures is a candidate; an unknown one becomes one when the figures are there."""
    store.put(0, [cross(D(1000), ("S0", "1"))])
    assert store.judge_all().tolist() == []
    store.set_mark("S0", None)
    assert store.judge_symbols(["S0"]).tolist() == [0]
    assert np.isnan(equity(store, 0))
    store.set_state(0, UNKNOWN)
    assert store.judge_symbols(["S0"]).tolist() == []
    store.set_mark("S0", D(99))
    assert store.judge_symbols(["S0"]).tolist() == [0]
    assert equity(store, 0) == 999


def test_changed_terms_name_who_must_be_put_again(store: MarginStore) -> None:
    """New brackets need no new rows; a new size does, and until then nobody is proven by the old ones."""
    store.put(0, [cross(D(1000), ("S0", "1"))])
    store.put(1, [cross(D(1000), ("S1", "1"))])
    steeper = chain_deductions([(D(0), D("0.5"), None, None)])
    assert store.set_instrument("S0", terms("S0", tiers=steeper)).tolist() == []
    assert store.judge_symbols(["S0"]).tolist() == []
    assert store.figures(np.array([0]))[1][0] == 50
    assert store.set_instrument("S0", terms("S0", contract_size=D(10))).tolist() == [0]
    assert store.judge_all().tolist() == [0]
    store.put(0, [cross(D(1000), ("S0", "1"))])
    assert store.judge_all().tolist() == []
    assert store.figures(np.array([0]))[1][0] == 4
    at_entry = terms("S0", maintenance_basis=MaintenanceBasis.ENTRY)
    assert store.set_instrument("S0", at_entry).tolist() == [0]
    store.put(0, [cross(D(1000), ("S0", "1"))])
    store.set_mark("S0", D(400))
    store.judge_all()
    assert store.figures(np.array([0]))[1][0] == pytest.approx(0.4)


def test_scopes_in_usd_follow_their_assets(store: MarginStore) -> None:
    """An index that moves concerns who has a part in the asset, and nobody else."""
    store.set_asset("BTC", Asset("BTC", D(60000), collateral_ratio=D("0.9")))
    wallets = (PartFacts("BTC", D("0.01"), ()), PartFacts("USDT", D(-400), (CellFacts("S0", D(1), D(10), D(100)),)))
    store.put(3, [ScopeFacts("cross:USD", 0, in_usd=True, blocked=False, parts=wallets)])
    store.put(4, [cross(D(10), ("S0", "1"))])
    assert store.holders_of_asset("BTC").tolist() == [3]
    assert store.holders_of_asset("ETH").tolist() == []
    assert store.judge_all().tolist() == []
    assert equity(store, 0) == pytest.approx(540 - 400)
    store.set_asset("BTC", Asset("BTC", D(40000), collateral_ratio=D("0.9")))
    assert store.judge_assets(["BTC"]).tolist() == [0]
    assert equity(store, 0) == pytest.approx(360 - 400)
    store.set_state(0, 7)
    store.set_asset("BTC", Asset("BTC", D(60000), collateral_ratio=D("0.9")))
    assert store.judge_symbols(["S5"]).tolist() == [0], "an asset that was set is looked at with the next tick"
    assert store.judge_symbols(["S5"]).tolist() == []


def test_a_debt_follows_the_index_of_its_asset(store: MarginStore) -> None:
    """The debt floor is in USD: a debt in a coin becomes one when the coin rises."""
    store.set_asset("BTC", Asset("BTC", D(50000)))
    part = PartFacts("BTC", D("-0.00001"), ())
    store.put(0, [ScopeFacts("cross:BTC", 0, in_usd=False, blocked=False, parts=(part,))])
    assert store.judge_all().tolist() == []
    store.set_asset("BTC", Asset("BTC", D(100000)))
    assert store.judge_assets(["BTC"]).tolist() == [0]


def test_a_band_proves_what_it_cannot_change(store: MarginStore) -> None:
    """While a price is doubted only those whose status could be another at its ends are candidates."""
    store.put(0, [cross(D(1000), ("S0", "1"))])
    store.put(1, [cross(D(30), ("S0", "1"))])
    store.put(2, [cross(D(-500), ("S0", "1"))])
    store.put(3, [cross(D(30), ("S1", "1"))])
    store.set_state(2, 7)
    assert store.judge_all().tolist() == []
    store.set_band("S0", D(50), D(150))
    assert store.judge_symbols(["S0"]).tolist() == [1]
    store.set_state(1, UNKNOWN)
    assert store.judge_all().tolist() == [], "unknown stays unknown while its ends differ"
    store.set_band("S0", D(99), D(101))
    assert store.judge_all().tolist() == [1]
    store.set_band("S0", None, None)
    assert store.judge_symbols(["S0"]).tolist() == [1]


def test_a_single_row_cannot_be_longer_than_the_longest_class(store: MarginStore) -> None:
    """More positions than any row holds are refused before anything is written."""
    with pytest.raises(ValueError, match="more than 16384"):
        store.put(0, [cross(D(1), *((f"S{number % 600}", "1") for number in range(16385)))])
    assert store.scopes_of(0) == []


def test_figures_are_exact_to_a_billionth(store: MarginStore) -> None:
    """The figures published agree with exact arithmetic far below what anybody sees."""
    inverse = terms("I", contract=Contract.INVERSE, settle_asset="BTC", contract_size=D(100))
    store.set_instrument("I", inverse)
    store.set_mark("I", D("61234.57"))
    cells = (CellFacts("I", D(1), D("-317"), D("59876.43")),)
    facts = ScopeFacts("s", 0, in_usd=False, blocked=False, parts=(PartFacts("BTC", D("0.7"), cells),))
    store.put(0, [facts])
    store.judge_all()
    world = twin.World(LADDERS, {"I": inverse}, {"I": D("61234.57")})
    exact = twin.figures(facts, world)
    assert exact is not None
    found = [float(column[0]) for column in store.figures()]
    for have, need in zip(found, exact, strict=True):
        assert abs(Fraction(have) - need) <= abs(need) / 10**9


def test_without_numba_everything_still_works() -> None:
    """Where numba cannot be imported the numpy twins and the interpreted writers do the same work."""
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "from tests.store.test_store import *\n"
        "store = MarginStore(LADDERS)\n"
        "assert not store.uses_numba\n"
        "[store.set_instrument(f'S{n}', terms(f'S{n}')) for n in range(4)]\n"
        "[store.set_mark(f'S{n}', D(100)) for n in range(4)]\n"
        "store.warm()\n"
        "store.put(0, [cross(D(1000), ('S0', '1'), ('S1', '1'), ('S0', '-2'))])\n"
        "store.put(1, [cross(D(-5), ('S0', '1')), cross(D(1), ('S0', '1'), name='b')])\n"
        "store.put(0, [cross(D(1000), ('S1', '1'))])\n"
        "assert store.judge_all().tolist() == [1], store.judge_all()\n"
        "assert store.holders('S0').tolist() == [1]\n"
        "store.put(1, ())\n"
        "assert store.counts()['cells'] == 1\n"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
