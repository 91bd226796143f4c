"""Portfolio methods and accounts for the tests of the store, over the symbols and coins of the state machine.

Group A holds a linear and an inverse contract (so BTC is held in it), B a coin besides; DUSDT and BBTC are in no group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from monitor.core.instruments import Instrument
from monitor.core.portfolio.terms import (
    Bundle,
    Credit,
    Group,
    HyperliquidTerms,
    Method,
    PortfolioTerms,
    ScenarioTerms,
    SpanTerms,
    Terms,
    TimsTerms,
    Token,
)

D = Decimal


def groups(*, volume: str | None = "1000", down: str = "-0.16") -> tuple[Group, ...]:
    """Return the groups, the second with a move of its own."""
    sized = None if volume is None else D(volume)
    return (
        Group("A", ("AUSDT", "ABTC"), (), D("0.16"), D(down), sized),
        Group("B", ("BUSDT",), ("BNB",), D("0.25"), D("-0.2"), None),
        Group("C", ("CUSDT",), (), D("0.1"), D("-1"), D(50)),
    )


PLAIN = ScenarioTerms(groups())
SPAN = SpanTerms(
    groups(),
    credits=(Credit(("A", "B"), D("0.6")), Credit(("B", "C"), D("0.5"), (D(1), D(3))), Credit(("C", "A"), D("0.25"))),
)
TIMS = TimsTerms(
    groups(down="-0.1"),
    (Bundle("major", ("C", "A"), D("0.5")),),
    (Bundle("all", ("major",), D("0.9")),),
    D("0.001"),
)
TOKENS = HyperliquidTerms(
    (
        Token("USDT", borrowable=True, ltv=D("0.9"), borrow_cap=D(700)),
        Token("BTC", borrowable=True, ltv=D("0.5"), supply_cap=D(3)),
        Token("BNB", ltv=None),
    )
)
BY_NAME: Mapping[str, Terms] = {
    "scenario": PLAIN,
    "span": SPAN,
    "tims": TIMS,
    "hyperliquid": TOKENS,
    "scenario, everything on the edge": replace(
        PLAIN,
        groups=(replace(groups()[0], up=D(1)), groups(volume=None)[1]),
        steps=(D("0.5"), D(1)),
        spike_multiple=D(3),
        spike_weight=D("0.4"),
        correlation_break=D(1),
        liquidity_exponent=D(1),
        basis_rate=D(0),
        buffer=D(0),
    ),
    "scenario, one group": replace(PLAIN, groups=groups()[:1], minimum_rate=D("0.4"), liquidity_exponent=D(0)),
    "span, wide": replace(SPAN, groups=tuple(replace(one, up=D("0.9")) for one in groups()), extreme_cover=D(1)),
    "tims, alone": replace(TIMS, product_groups=(), portfolio_groups=(), minimum_rate=D(0)),
    "tims, full offsets": replace(
        TIMS,
        product_groups=(Bundle("one", ("A", "B"), D(1)), Bundle("two", ("C",), D("0.2"))),
        portfolio_groups=(Bundle("all", ("two", "one"), D(1)),),
    ),
    "hyperliquid, no offset": HyperliquidTerms(
        (Token("BNB", borrowable=True, ltv=D(1)), Token("USDT", borrowable=True)), borrow_offset=D(0)
    ),
}

METHOD_OF = {
    ScenarioTerms: Method.SCENARIO,
    SpanTerms: Method.SPAN,
    TimsTerms: Method.TIMS,
    HyperliquidTerms: Method.HYPERLIQUID,
}


def portfolio_of(terms: Terms, instruments: Mapping[str, Instrument[Decimal]]) -> PortfolioTerms:
    """Return parameters as the engine has them: resolved against the contracts that are known."""
    method = METHOD_OF[type(terms)]
    return PortfolioTerms(method, {method: terms}).resolved(instruments)
