"""The four methods on exposures, sentence by sentence of contract §5, and the golden figures of mechanics §2."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.core.portfolio import hyperliquid, scenario, span, tims
from monitor.core.portfolio.exposure import Exposure, TokenAmount
from monitor.core.portfolio.terms import Bundle, Credit, HyperliquidTerms, ScenarioTerms, SpanTerms, TimsTerms, Token
from tests.core.portfolio.parameters import bare_scenario, bare_span, bare_tims, book, group

LONG_BTC_SHORT_ETH = book("1000000", "-900000")
"""Long 10 BTC at 100,000 and short 300 ETH at 3,000: the worked book of mechanics §2."""


def test_span_gives_the_worked_example() -> None:
    """A scan of 16 % on both, 1:1 in USD and 60 % credit: 304,000 − 172,800 = 131,200."""
    terms = bare_span(group("BTC"), group("ETH"), pairs=[Credit(("BTC", "ETH"), Decimal("0.6"))])
    found = span.requirement(terms, LONG_BTC_SHORT_ETH)
    assert found.maintenance == found.initial == 131_200
    assert (found.components.worst_loss, found.components.credit) == (304_000, 172_800)


@pytest.mark.parametrize(("offset", "requirement"), [("0.5", 82_500), ("0.9", 28_500), ("0", 150_000), ("1", 15_000)])
def test_tims_gives_the_worked_examples(offset: str, requirement: int) -> None:
    """±15 %: 82,500 at an offset of 50 %, 28,500 at 90 %."""
    terms = bare_tims(
        group("BTC", up="0.15"),
        group("ETH", up="0.15"),
        product_groups=(Bundle("major", ("BTC", "ETH"), Decimal(offset)),),
    )
    found = tims.requirement(terms, LONG_BTC_SHORT_ETH)
    assert found.maintenance == requirement
    assert found.worst_scenario == "down_5_major"


def test_scenarios_are_named_and_ordered_as_the_contract_says() -> None:
    """Steps as given, up before down; groups as given; then volatility. Correlation needs two groups."""
    steps = (Decimal("0.25"), Decimal("0.333"), Decimal(1))
    names = [shock.name for shock in scenario.shocks(ScenarioTerms((group("BTC"), group("E:H")), steps))]
    assert names == [
        "directional_up_25",
        "directional_down_25",
        "directional_up_33.3",
        "directional_down_33.3",
        "directional_up_100",
        "directional_down_100",
        "correlation_up_BTC",
        "correlation_down_BTC",
        "correlation_up_E:H",
        "correlation_down_E:H",
        "volatility_up",
        "volatility_down",
    ]
    alone = [shock.name for shock in scenario.shocks(ScenarioTerms((group("BTC"),)))]
    assert not [name for name in alone if name.startswith("correlation")]
    assert alone[-1] == "volatility_down"


def losses(terms: ScenarioTerms, exposure: Exposure[Fraction]) -> dict[str, Fraction]:
    """Return the weighted loss by the name of the scenario."""
    return {each.name: each.loss for each in scenario.requirement(terms, exposure).scenarios}


def test_scenario_losses() -> None:
    """Directional: ±step·move. Correlation: the others the other way by half. Volatility: twice, half the loss."""
    found = losses(bare_scenario(group("A", up="0.1"), group("B", up="0.2")), book("1000", "-500"))
    assert found["directional_up_25"] == -(1000 * Fraction("0.025") - 500 * Fraction("0.05"))
    assert found["directional_down_100"] == 1000 * Fraction("0.1") - 500 * Fraction("0.2")
    assert found["correlation_up_A"] == -(1000 * Fraction("0.1") + 500 * Fraction("0.1"))
    assert found["correlation_down_A"] == 150
    assert found["correlation_up_B"] == 500 * Fraction("0.2") + 1000 * Fraction("0.05")
    assert found["volatility_down"] == Fraction(1, 2) * (1000 * Fraction("0.2") - 500 * Fraction("0.4"))


def test_no_price_falls_by_more_than_all_of_itself() -> None:
    """The P&L of a group is D·max(x, −1): a fall of 160 % is one of 100 %, a rise stays."""
    found = losses(bare_scenario(group("A", up="0.8")), book("1000"))
    assert (found["volatility_down"], found["volatility_up"]) == (500, -800)
    short = losses(bare_scenario(group("A", up="0.8")), book("-1000"))
    assert (short["volatility_down"], short["volatility_up"]) == (-500, 800)


def test_the_scenario_requirement_adds_its_charges() -> None:
    """max(worst + liquidity + basis, minimum·gross)·(1 + buffer) + ungrouped; initial = maintenance · factor."""
    terms = ScenarioTerms((group("A", volume="400"),))
    found = scenario.requirement(terms, book("-100", assets=["60"], alone="3"))
    parts = found.components
    assert parts.worst_loss == 40 * Fraction("0.16")
    assert parts.liquidity == 100 * Fraction("0.01") * Fraction(1, 2)
    assert parts.basis == 60 * Fraction("0.002")
    assert parts.minimum == 100 * Fraction("0.005")
    charged = parts.worst_loss + parts.liquidity + parts.basis
    assert (parts.buffer, parts.ungrouped) == (charged / 10, 3)
    assert found.maintenance == charged * Fraction("1.1") + 3
    assert found.initial == found.maintenance * Fraction("1.25")


def test_the_minimum_binds_where_everything_is_hedged() -> None:
    """A perfect hedge pays minimum_rate·gross and its buffer; held assets are not in gross."""
    terms = ScenarioTerms((group("A", volume="1000000"),), basis_rate=Decimal(0), liquidity_rate=Decimal(0))
    found = scenario.requirement(terms, book("-100", assets=["100"]))
    assert found.maintenance == 100 * Fraction("0.005") * Fraction("1.1")
    assert found.components.worst_loss == 0


def test_a_group_without_a_volume_is_charged_in_full() -> None:
    """Without a daily volume the quotient counts as 1: rate·gross."""
    free = bare_scenario(group("A"), liquidity_rate=Decimal("0.01"))
    assert scenario.requirement(free, book("-300")).components.liquidity == 3


def test_ties_go_to_the_first_named_and_no_loss_is_no_charge() -> None:
    """An empty book names the first scenario and requires nothing; equal losses name the first."""
    empty = scenario.requirement(ScenarioTerms((group("A"), group("B"))), book("", ""))
    assert (empty.maintenance, empty.worst_scenario) == (0, "directional_up_25")
    assert set(empty.factors) == {0}
    tied = bare_scenario(group("A"), spike_multiple=Decimal(2), spike_weight=Decimal("0.5"))
    assert scenario.requirement(tied, book("100")).worst_scenario == "directional_down_100"


def test_a_span_array_has_sixteen_scenarios() -> None:
    """0, ±1/3, ±2/3, ±1 of the scan range at either volatility, then ±X of it with the cover C of the loss."""
    found = span.requirement(bare_span(group("A", up="0.3")), book("100"))
    assert [each.loss for each in found.scenarios] == [
        *(0, 0, -10, -10, 10, 10, -20, -20, 20, 20, -30, -30, 30, 30),
        -90 * Fraction("0.33"),
        90 * Fraction("0.33"),
    ]
    assert found.worst_scenario == "price_down_3/3_volatility_up_A"
    wider = bare_span(group("A", up="0.3"), extreme_multiple=Decimal(4), extreme_cover=Decimal("0.5"))
    assert span.requirement(wider, book("100")).worst_scenario == "extreme_down_A"
    assert span.requirement(wider, book("100")).maintenance == 50, "a fall of 120 % is one of 100 %"


def test_span_credits_consume_delta_in_order() -> None:
    """What the first pair has used the second cannot; equal signs earn nothing; a ratio uses unequal amounts."""
    first = Credit(("A", "B"), Decimal("0.5"), (Decimal(2), Decimal(1)))
    second = Credit(("A", "C"), Decimal(1))
    third = Credit(("B", "C"), Decimal(1))
    terms = bare_span(*(group(name, up="0.1") for name in "ABC"), pairs=[first, second, third])
    found = span.requirement(terms, book("1000", "-300", "-900"))
    by_name = {part.name: part.credit for part in found.parts}
    assert by_name["A"] == 600 * Fraction("0.1") / 2 + 400 * Fraction("0.1")
    assert by_name["B"] == 300 * Fraction("0.1") / 2
    assert by_name["C"] == 400 * Fraction("0.1")
    same_way = span.requirement(terms, book("1000", "300", "900"))
    assert same_way.components.credit == 0


def test_the_minimum_of_a_span_group_is_its_own() -> None:
    """Σ of max(scan + basis − credit, minimum·gross): one group's minimum is not covered by another's scan."""
    terms = SpanTerms((group("A"), group("B")))
    found = span.requirement(terms, book("-100", "1000", assets=["100", ""], alone="5"))
    assert found.maintenance == 100 * Fraction("0.005") + 160 + 5
    assert found.components.basis == 100 * Fraction("0.002")


def test_tims_offsets_gains_twice() -> None:
    """Losing product groups count whole, winning ones by the portfolio group's offset; lone ones stand alone."""
    terms = bare_tims(
        *(group(name, up="0.1") for name in "ABC"),
        product_groups=(Bundle("p", ("A",), Decimal("0.5")), Bundle("q", ("B",), Decimal("0.5"))),
        portfolio_groups=(Bundle("all", ("p", "q"), Decimal("0.25")),),
    )
    found = tims.requirement(terms, book("1000", "-2000", "-300"))
    assert {part.name: part.requirement for part in found.parts} == {
        "all": 200 - Fraction(1, 4) * Fraction(1, 2) * 100,
        "C": 30,
    }
    assert found.worst_scenario == "up_5_all"
    assert [each.name for each in found.scenarios][:2] == ["down_1_all", "down_2_all"]
    assert len(found.scenarios) == 20


def test_tims_ranks_move_together_over_ranges_of_their_own() -> None:
    """At one rank every class stands at the same fifth of its own range."""
    terms = bare_tims(
        group("A", up="0.1", down="-0.2"),
        group("B", up="0.5", down="-0.1"),
        product_groups=(Bundle("p", ("A", "B"), Decimal(1)),),
    )
    found = {each.name: each.loss for each in tims.requirement(terms, book("1000", "-1000")).scenarios}
    assert found["down_2_p"] == 80 - 40
    assert found["up_5_p"] == -100 + 500


def test_the_minimum_of_tims_stands_beside_the_loss() -> None:
    """max(loss + basis, minimum·gross) of a portfolio group."""
    hedged = TimsTerms((group("A"),), basis_rate=Decimal("0.001"))
    found = tims.requirement(hedged, book("-100", assets=["100"]))
    assert found.maintenance == 100 * Fraction("0.005")


USDC = Token("USDC", borrowable=True)
BTC = Token("BTC", ltv=Decimal("0.5"), supply_cap=Decimal(2))


def wallet(*amounts: tuple[str, str], required: str = "0") -> Exposure[Fraction]:
    """Return a hyperliquid book: what is held of each token, its price, and the cross requirements."""
    exposure = book(alone=required)
    return exposure._replace(tokens=tuple(TokenAmount(Fraction(held), Fraction(price)) for held, price in amounts))


def test_hyperliquid_weighs_capped_collateral() -> None:
    """20 + Σ cross + borrowed, against the balance and min(balance, supply cap)·price·(0.5 + 0.5·ltv) of the others."""
    found = hyperliquid.requirement(
        HyperliquidTerms((USDC, BTC)), wallet(("-50000", "1"), ("3", "100000"), required="1000")
    )
    assert found.maintenance == found.initial == 20 + 1000 + 50_000
    assert found.equity == 2 * 100_000 * Fraction("0.75")
    assert found.worst_scenario == "token_USDC"
    capped = HyperliquidTerms((Token("USDC", borrowable=True, borrow_cap=Decimal(70_000)), BTC))
    assert hyperliquid.requirement(capped, wallet(("100", "1"), ("3", "100000"))).equity == 100 + 70_000


def test_the_token_with_the_greatest_ratio_binds() -> None:
    """Requirement ÷ value decides, compared without dividing; a value of 0 is the worst; equals: the first named."""
    both = HyperliquidTerms((USDC, Token("USDT", borrowable=True, ltv=Decimal(1))))
    one = hyperliquid.requirement(both, wallet(("1000", "1"), ("100", "1")))
    assert one.worst_scenario == "token_USDT", "USDC is no collateral of USDT"
    assert one.equity == 100
    nothing = hyperliquid.requirement(both, wallet(("-5", "1"), ("0", "1")))
    assert (nothing.worst_scenario, nothing.equity, nothing.maintenance) == ("token_USDC", 0, 25)
    equal = HyperliquidTerms((Token("A", borrowable=True), Token("B", borrowable=True)))
    assert hyperliquid.requirement(equal, wallet(("50", "1"), ("50", "1"))).worst_scenario == "token_A"


def test_an_empty_hyperliquid_book_requires_nothing() -> None:
    """Without positions, balances and debts the offset of 20 USD is not asked: nobody is bankrupt by being empty."""
    found = hyperliquid.requirement(HyperliquidTerms((USDC, BTC)), wallet(("0", "0"), ("0", "0")))
    assert (found.maintenance, found.equity, found.worst_scenario) == (0, 0, None)
