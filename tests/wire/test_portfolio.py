"""Portfolio parameters in documents: spellings, defaults, every refusal with its path, and the ladder that follows."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from monitor.adapters.wire.document import Base, decode_document
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.core.document import Document
from monitor.core.limits import Limits
from monitor.core.portfolio.stating import portfolio_object, portfolio_tables
from monitor.core.portfolio.terms import HyperliquidTerms, Method, PortfolioTerms, ScenarioTerms, SpanTerms, TimsTerms

BRACKETS = [{"floor": "0", "rate": "0.01"}]
LINEAR = {"contract": "linear", "settle_asset": "USDT", "brackets": BRACKETS}
INVERSE = {"contract": "inverse", "settle_asset": "BTC", "base_asset": "BTC", "brackets": BRACKETS}
BTC = {"BTC": {"members": ["BTCUSDT"]}}


def read(portfolio: Any, base: Base | None = None, **others: Any) -> Document:
    """Return the document that states these parameters and no account."""
    return decode_document(json.dumps({"accounts": [], "portfolio": portfolio, **others}).encode(), Limits(), base)


def terms_of(portfolio: Any, **others: Any) -> PortfolioTerms:
    """Return the terms of a document."""
    terms = read(portfolio, **others).portfolio
    assert terms is not None
    return terms


def test_the_contract_shows_the_defaults() -> None:
    """Absent parameters have the values of contract §5's table."""
    scenario = terms_of({"method": "scenario", "groups": BTC}).terms
    assert scenario == ScenarioTerms(
        scenario.groups,  # type: ignore[union-attr]
        tuple(map(Decimal, ("0.25", "0.5", "0.75", "1"))),
        correlation_break=Decimal("0.5"),
        spike_multiple=Decimal(2),
        spike_weight=Decimal("0.5"),
        liquidity_rate=Decimal("0.01"),
        liquidity_exponent=Decimal("0.5"),
        basis_rate=Decimal("0.002"),
        minimum_rate=Decimal("0.005"),
        buffer=Decimal("0.1"),
        initial_factor=Decimal("1.25"),
    )
    span = terms_of({"method": "span", "groups": BTC}).terms
    assert isinstance(span, SpanTerms)
    assert (span.groups[0].up, span.extreme_multiple, span.extreme_cover) == (Decimal("0.16"), 3, Decimal("0.33"))
    assert (span.basis_rate, span.minimum_rate, span.initial_factor) == (Decimal("0.002"), Decimal("0.005"), 1)
    tims = terms_of({"method": "tims", "classes": BTC}).terms
    assert isinstance(tims, TimsTerms)
    assert (tims.groups[0].down, tims.groups[0].up) == (Decimal("-0.15"), Decimal("0.15"))
    assert (tims.basis_rate, tims.minimum_rate, tims.initial_factor) == (0, Decimal("0.005"), 1)
    tokens = terms_of({"method": "hyperliquid", "tokens": {"USDC": {"borrowable": True}}}).terms
    assert isinstance(tokens, HyperliquidTerms)
    assert tokens.borrow_offset == 20


@pytest.mark.parametrize(
    ("portfolio", "method"),
    [
        ({"groups": BTC}, Method.SCENARIO),
        ({"groups": {"BTC": {"members": ["X"], "price_scan": "0.1"}}}, Method.SPAN),
        ({"groups": BTC, "credits": []}, Method.SPAN),
        ({"classes": BTC}, Method.TIMS),
        ({"tokens": {"USDC": {"borrowable": True}}}, Method.HYPERLIQUID),
        ({"tims": {"classes": BTC}}, Method.TIMS),
        ({"method": "span", "scenario": {"groups": BTC}, "span": {"groups": BTC}}, Method.SPAN),
        ({"method": "span", "groups": BTC, "scenario": {"groups": BTC}}, Method.SPAN),
    ],
)
def test_the_method_is_told_by_its_keys(portfolio: Any, method: Method) -> None:
    """Without `method` the keys say which it is; tables of other methods may stand beside."""
    assert terms_of(portfolio).method is method


def test_terms_are_stated_so_that_they_are_read_again() -> None:
    """What is written from terms gives the same terms, in either spelling."""
    stated = {
        "method": "tims",
        "scenario": {"groups": {"A B": {"members": ["X"], "daily_volume": "5", "allow_mixed": True}}},
        "span": {
            "groups": {"A": {"members": ["X"]}, "B": {"assets": ["Y"], "price_scan": "0.2"}},
            "credits": [{"legs": ["A", "B"], "ratio": ["1", "2"], "credit": "0.5"}],
        },
        "tims": {
            "classes": {"A": {"members": ["X"]}, "B": {"members": ["Y"], "down": "-0.3"}},
            "product_groups": {"p": {"classes": ["A"]}},
            "portfolio_groups": {"q": {"product_groups": ["p"], "offset": "0.1"}},
        },
        "hyperliquid": {"tokens": {"U": {"borrowable": True, "borrow_cap": "1"}, "B": {"ltv": "0.5", "supply_cap": 2}}},
    }
    terms = terms_of(stated)
    assert terms_of(portfolio_tables(terms)) == terms
    for method in Method:
        alone = PortfolioTerms(method, {method: terms.of[method]})
        assert terms_of(portfolio_object(alone)) == alone


def scenario(**others: Any) -> dict[str, Any]:
    """Return parameters of the scenario method."""
    return {"method": "scenario", "groups": BTC, **others}


def span(**others: Any) -> dict[str, Any]:
    """Return parameters of span."""
    return {"method": "span", "groups": {"A": {"members": ["X"]}, "B": {"members": ["Y"]}}, **others}


def tims(**others: Any) -> dict[str, Any]:
    """Return parameters of tims."""
    return {"method": "tims", "classes": {"A": {"members": ["X"]}, "B": {"members": ["Y"]}}, **others}


@pytest.mark.parametrize(
    ("portfolio", "path", "why"),
    [
        ({}, "method", "is required"),
        ({"method": "span"}, "span", "no parameters"),
        ({"method": "span", "scenario": {"groups": BTC}}, "span", "no parameters"),
        ({"method": "span", "groups": BTC, "span": {"groups": BTC}}, "groups", "beside the table"),
        ({"method": "var", "groups": BTC}, "method", "not one of those"),
        ({"method": "span", "classes": BTC}, "classes", "no parameter of span"),
        ({"method": "span", "basis_rate": "0"}, "groups", "is required"),
        (scenario(groups={"BTC": {"members": ["X"], "price_scan": "0.1"}}), "groups.BTC.price_scan", "no parameter"),
        (scenario(credits=[]), "credits", "no parameter of scenario"),
        (scenario(bogus="1"), "bogus", "no field"),
        (scenario(groups={}), "groups", "at least one"),
        (scenario(groups={"A": {}}), "groups.A", "neither members nor assets"),
        (scenario(groups={"A": {"members": ["X", "X"]}}), "groups.A.members[1]", "overlapping"),
        (scenario(groups={"A": {"members": ["X"]}, "B": {"members": ["X"]}}), "groups.B.members[0]", "overlapping"),
        (scenario(groups={"A": {"assets": ["X"]}, "B": {"assets": ["X"]}}), "groups.B.assets[0]", "overlapping"),
        (scenario(groups={"A": {"members": ["X|"]}}), "groups.A.members[0]", "|"),
        (scenario(groups={"A": {"members": ["X"], "move": "0"}}), "groups.A.move", "above 0"),
        (scenario(groups={"A": {"members": ["X"], "move": "1.1"}}), "groups.A.move", "at most 1"),
        (scenario(groups={"A b": {"members": ["X"], "move": "x"}}), 'groups["A b"].move', "plain decimal"),
        (scenario(groups={"A": {"members": ["X"], "move": 0.1}}), "groups.A.move", "must be a decimal string"),
        (scenario(groups={"A": {"members": ["X"], "daily_volume": "0"}}), "groups.A.daily_volume", "above 0"),
        (scenario(steps=[]), "steps", "at least one"),
        (scenario(steps=["0.5", "0.25"]), "steps[1]", "steps out of order"),
        (scenario(steps=["0.5", "0.5"]), "steps[1]", "steps out of order"),
        (scenario(steps=["0"]), "steps[0]", "above 0"),
        (scenario(steps=["0.5", "1.5"]), "steps[1]", "at most 1"),
        (scenario(correlation_break="1.1"), "correlation_break", "within 0 and 1"),
        (scenario(volatility_spike={"multiple": "0"}), "volatility_spike.multiple", "above 0"),
        (scenario(volatility_spike={"weight": "2"}), "volatility_spike.weight", "within 0 and 1"),
        (scenario(liquidity={"rate": "-1"}), "liquidity.rate", "within 0 and 1"),
        (scenario(liquidity={"exponent": "5"}), "liquidity.exponent", "within 0 and 4"),
        (scenario(basis_rate="-0.1"), "basis_rate", "within 0 and 1"),
        (scenario(minimum_rate="1.1"), "minimum_rate", "within 0 and 1"),
        (scenario(buffer="-0.1"), "buffer", "not be below 0"),
        (scenario(initial_factor="0.9"), "initial_factor", "not be below 1"),
        (span(groups={"A": {"members": ["X"], "price_scan": "-1"}}), "groups.A.price_scan", "above 0"),
        (span(extreme_multiple="0"), "extreme_multiple", "above 0"),
        (span(extreme_cover="1.1"), "extreme_cover", "within 0 and 1"),
        (span(credits=[{"legs": ["A", "C"]}]), "credits[0].legs[1]", "no group C"),
        (span(credits=[{"legs": ["A", "A"]}]), "credits[0].legs", "twice"),
        (span(credits=[{"legs": ["A"]}]), "credits[0].legs", "length 2"),
        (span(credits=[{"legs": ["A", "B"], "ratio": ["1", "0"]}]), "credits[0].ratio[1]", "above 0"),
        (span(credits=[{"legs": ["A", "B"], "credit": "1.5"}]), "credits[0].credit", "within 0 and 1"),
        (tims(classes={"A": {"members": ["X"], "down": "0.1"}}), "classes.A.down", "below 0"),
        (tims(classes={"A": {"members": ["X"], "down": "-1.1"}}), "classes.A.down", "at least -1"),
        (tims(classes={"A": {"members": ["X"], "up": "0"}}), "classes.A.up", "above 0"),
        (tims(product_groups={"p": {"classes": ["C"]}}), "product_groups.p.classes[0]", "no class C"),
        (tims(product_groups={"p": {"classes": []}}), "product_groups.p.classes", "at least one"),
        (tims(product_groups={"p": {"classes": ["A"], "offset": "2"}}), "product_groups.p.offset", "within 0 and 1"),
        (
            tims(product_groups={"p": {"classes": ["A"]}, "q": {"classes": ["A"]}}),
            "product_groups.q.classes[0]",
            "stands in p already",
        ),
        (
            tims(portfolio_groups={"c": {"product_groups": ["p"]}}),
            "portfolio_groups.c.product_groups[0]",
            "no product group p",
        ),
        (
            tims(
                product_groups={"p": {"classes": ["A"]}},
                portfolio_groups={"c": {"product_groups": ["p"]}, "d": {"product_groups": ["p"]}},
            ),
            "portfolio_groups.d.product_groups[0]",
            "stands in c already",
        ),
        ({"tokens": {}}, "tokens", "no token is borrowable"),
        ({"tokens": {"A": {"ltv": "0.5"}}}, "tokens", "no token is borrowable"),
        ({"tokens": {"A": {"borrowable": True, "ltv": "1.5"}}}, "tokens.A.ltv", "within 0 and 1"),
        ({"tokens": {"A": {"borrowable": True, "supply_cap": "-1"}}}, "tokens.A.supply_cap", "not be below 0"),
        ({"tokens": {"A": {"borrowable": True, "borrow_cap": "-1"}}}, "tokens.A.borrow_cap", "not be below 0"),
        ({"tokens": {"A": {"borrowable": True}}, "borrow_offset": "-1"}, "borrow_offset", "not be below 0"),
        ({"scenario": {"groups": BTC, "buffer": "-1"}}, "scenario.buffer", "not be below 0"),
    ],
)
def test_bad_parameters_are_refused_with_their_path(portfolio: Any, path: str, why: str) -> None:
    """Every contradiction names the parameter, from the document's root on."""
    with pytest.raises(BadMessage) as caught:
        read(portfolio)
    assert caught.value.path == f"$.portfolio.{path}"
    assert why in caught.value.message


def instruments(**bases: str) -> dict[str, Any]:
    """Return linear contracts on base assets."""
    return {symbol: {**LINEAR, "base_asset": base} for symbol, base in bases.items()}


def test_members_of_a_group_share_a_base_asset() -> None:
    """Mixed bases are refused unless the group allows them; members without terms are no reason."""
    group: dict[str, Any] = {"members": ["A", "GONE", "B"]}
    with pytest.raises(BadMessage, match="mixed bases") as caught:
        read({"groups": {"G": group}}, instruments=instruments(A="BTC", B="ETH"))
    assert caught.value.path == "$.portfolio.groups.G.members[2]"
    assert caught.value.code is Code.CONTRADICTION
    terms_of({"groups": {"G": {**group, "allow_mixed": True}}}, instruments=instruments(A="BTC", B="ETH"))
    terms_of({"groups": {"G": group}}, instruments=instruments(A="BTC", B="BTC"))


def test_the_coin_of_an_inverse_member_is_held_in_its_group() -> None:
    """The settle asset of an inverse member is held without being named; another group cannot name it."""
    held = terms_of({"groups": {"G": {"members": ["I"]}}}, instruments={"I": INVERSE}).terms
    assert held.groups[0].assets == ("BTC",)  # type: ignore[union-attr]
    groups = {"A": {"assets": ["BTC"]}, "G": {"members": ["I"]}}
    with pytest.raises(BadMessage, match="held in group A already") as caught:
        read({"groups": groups}, instruments={"I": INVERSE})
    assert caught.value.path == "$.portfolio.groups.G.members[0]"


def test_hyperliquid_has_a_line_of_its_own_where_none_is_stated() -> None:
    """The line of portfolio scopes is 1/0.95 unless `ladder.portfolio.liquidation` itself is stated."""
    tokens = {"tokens": {"USDC": {"borrowable": True}}}
    assert read(tokens).ladders.portfolio.liquidation == Fraction(100, 95)
    assert read(tokens).ladders.cross.liquidation == 1
    assert read(tokens, ladder={"liquidation": "1"}).ladders.portfolio.liquidation == Fraction(100, 95)
    stated = {"portfolio": {"liquidation": "1.02"}}
    assert read(tokens, ladder=stated).ladders.portfolio.liquidation == Fraction(102, 100)
    assert read(tokens, Base(portfolio_line_stated=True)).ladders.portfolio.liquidation == 1
    assert read(scenario()).ladders.portfolio.liquidation == 1
    with pytest.raises(BadMessage, match="line of its own"):
        read(tokens, ladder={"margin_call": "1.05"})


def test_the_base_fills_in_what_a_document_leaves_out() -> None:
    """Parameters of a profile or the configuration count where the document has none, resolved over its contracts."""
    below = terms_of({"groups": {"G": {"members": ["I"]}}})
    document = decode_document(
        json.dumps({"accounts": [], "instruments": {"I": INVERSE}}).encode(), Limits(), Base(portfolio=below)
    )
    assert document.portfolio is not None
    assert document.portfolio.terms.groups[0].assets == ("BTC",)  # type: ignore[union-attr]
