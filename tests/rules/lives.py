"""Random lives of accounts with rules: the market, the steps that are drawn, and a bench and the twin that live them.

What is compared is said by the tests.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from monitor.core.rules.settings import RuleSettings
from tests.rules.bench import Bench
from tests.rules.twin import Twin

MARKS = [str(mark) for mark in (40, 50, 70, 80, 90, 95, 99, 100, "100.5", 101, 105, 110, 120, 150, 200)]
BRACKETS = [
    {"floor": "0", "rate": "0.01", "max_leverage": "20"},
    {"floor": "300", "rate": "0.02", "max_leverage": "5"},
]
CAPS = [("0", "20"), ("300", "5")]
TERMS: dict[str, dict[str, Any]] = {
    "X": {"settle": "USDT", "inverse": False, "size": "1", "sector": "one", "caps": CAPS},
    "Y": {"settle": "USDC", "inverse": False, "size": "0.5", "sector": "two", "caps": CAPS},
    "Z": {"settle": "USDT", "inverse": False, "size": "1", "sector": None, "caps": CAPS},
    "I": {"settle": "BTC", "inverse": True, "size": "100", "sector": "two", "caps": [("0", "20"), ("300", "5")]},
}
LEVELS = ["0.05", "0.1", "0.2", "0.5", "0.9"]

quantities = st.sampled_from(["-3", "-1", "-0.5", "0", "0.5", "1", "2", "4"])
amounts = st.sampled_from(["-20", "0", "10", "100", "200", "1000"])
isolated = st.builds(
    lambda wallet: {"margin_type": "isolated", "isolated_wallet": wallet}, st.sampled_from(["5", "20", "60"])
)
cross = st.just({"margin_type": "cross"})
positions = st.dictionaries(
    st.sampled_from(sorted(TERMS)),
    st.tuples(quantities, st.sampled_from(["90", "100", "110"]), isolated | cross),
    max_size=3,
)
stops = st.one_of(
    st.fixed_dictionaries({"drawdown_stops": st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"drawdown_profile": st.sampled_from(["conservative", "moderate", "aggressive"])}),
)
others = st.fixed_dictionaries(
    {
        "leverage": st.dictionaries(st.sampled_from(sorted(TERMS)), st.sampled_from(["3", "10", "50"])),
        "account_limit": st.sampled_from(LEVELS),
        "concentration_limit": st.sampled_from(LEVELS)
        | st.dictionaries(st.sampled_from(["one", "two"]), st.sampled_from(LEVELS), min_size=1),
    },
    optional={"reference_equity": st.sampled_from(["500", "1000"])},
)
rules = st.builds(lambda one, other: one | other, stops, others)
events = st.fixed_dictionaries(
    {"settings": rules, "positions": positions},
    optional={
        "balances": st.dictionaries(st.sampled_from(["USDT", "USDC", "BTC"]), amounts),
        "net_transfers": st.dictionaries(st.sampled_from(["USDT", "USDC"]), st.sampled_from(["-50", "0", "100"])),
        "margin_mode": st.sampled_from(["single_asset", "multi_asset"]),
        "snapshot": st.booleans(),
        "deleted": st.sampled_from([False, False, False, True]),
    },
)
moves = st.dictionaries(st.sampled_from(sorted(TERMS)), st.sampled_from(MARKS), min_size=1)
steps = st.one_of(
    st.tuples(st.just("price"), moves),
    st.tuples(st.just("price"), moves),
    st.tuples(st.just("price"), moves),
    st.tuples(st.just("account"), st.tuples(st.sampled_from("ab"), events)),
    st.tuples(
        st.just("asset"),
        st.tuples(
            st.sampled_from(["USDT", "USDC", "BTC"]),
            st.sampled_from(["0.5", "0.9", "1", "1.1", "100"]),
            st.sampled_from(["0.5", "0.95", "1"]),
        ),
    ),
    st.tuples(st.just("restart"), st.none()),
)
funded = st.fixed_dictionaries(
    {"mark_price": st.sampled_from(MARKS)},
    optional={
        "funding_rate": st.sampled_from(["-0.01", "0", "0.001", "0.05", "0.3"]),
        "next_funding_time_ms": st.sampled_from([1_700_003_600_000, 1_700_007_200_000]),
    },
)
funded_steps = st.one_of(
    st.tuples(st.just("price"), st.dictionaries(st.sampled_from(sorted(TERMS)), funded, min_size=1)), steps
)


class Life:
    """Feed a bench and the twin with the same messages."""

    def __init__(self, *, standby: bool = False) -> None:
        self.bench = Bench(RuleSettings(high_step=0), standby=standby)
        self.twin = Twin()
        for symbol, terms in TERMS.items():
            self.twin.terms[symbol] = terms
            sector = {"sector": terms["sector"]} if terms["sector"] else {}
            contract = "inverse" if terms["inverse"] else "linear"
            self.bench.instrument(
                symbol,
                settle=terms["settle"],
                contract=contract,
                contract_size=terms["size"],
                brackets=BRACKETS,
                **sector,
            )

    def step(self, kind: str, what: Any) -> list[str]:
        """Make one step in both; return what the bench tells."""
        if kind == "price":
            self.twin.marks |= {symbol: Fraction(mark) for symbol, mark in what.items()}
            self.bench.now_ms += 1
            return self.bench.price(**what)
        if kind == "quote":
            self.bench.now_ms += 1
            return self.bench.price(**what)
        if kind == "asset":
            name, index, ratio = what
            self.twin.assets[name] = {"index": index, "collateral_ratio": ratio}
            return self.bench.asset(name, index, collateral_ratio=ratio)
        if kind == "account":
            name, event = what
            given = dict(event) if name in self.twin.accounts or event.get("deleted") else event | {"snapshot": True}
            held = {symbol: _plain(position) for symbol, position in given.get("positions", {}).items()}
            self.twin.account(name, given | {"positions": held})
            return self.bench.account(name, **given)
        return self.bench.restart()


def _plain(position: tuple[Any, ...]) -> tuple[Any, ...]:
    return position if position[2]["margin_type"] == "isolated" else position[:2]
