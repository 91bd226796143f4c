"""The `[portfolio]` table: both spellings, every source, exact numbers, and errors with key path and source."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.config import ConfigError, effective, load, to_toml
from monitor.core.portfolio.eligibility import OnIneligible
from monitor.core.portfolio.terms import HyperliquidTerms, Method, ScenarioTerms, SpanTerms, TimsTerms

FLAT = """
[portfolio]
method = "scenario"
buffer = 0.3000000000000000000000000000001
steps = ["0.5", 1]
[portfolio.groups.BTC]
members = ["BTCUSDT"]
assets = ["BTC"]
move = "0.2"
[portfolio.liquidity]
rate = "0.02"
"""
TABLES = """
[portfolio]
method = "span"
[portfolio.span]
credits = [{ legs = ["A", "B"], ratio = [1, "2"], credit = 0.5 }]
[portfolio.span.groups]
A = { members = ["AUSDT"], price_scan = 0.1 }
B = { members = ["BUSDT"] }
[portfolio.tims.classes.A]
members = ["AUSDT"]
down = "-0.2"
[portfolio.tims.product_groups.all]
classes = ["A"]
[portfolio.hyperliquid.tokens."USDC.e"]
borrowable = true
"""


def file(folder: Path, text: str) -> Path:
    """Return a file with a text."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return path


def test_parameters_beside_the_method(tmp_path: Path) -> None:
    """What stands beside `method` is the method's; a TOML number keeps its digits; absent keys are defaults."""
    terms = load(file(tmp_path, FLAT)).portfolio
    assert terms is not None
    found = terms.terms
    assert isinstance(found, ScenarioTerms)
    assert found.buffer == Decimal("0.3000000000000000000000000000001")
    assert found.steps == (Decimal("0.5"), Decimal(1))
    assert (found.liquidity_rate, found.liquidity_exponent) == (Decimal("0.02"), Decimal("0.5"))
    [group] = found.groups
    assert (group.members, group.assets, group.up, group.down) == (
        ("BTCUSDT",),
        ("BTC",),
        Decimal("0.2"),
        Decimal("-0.2"),
    )


def test_tables_named_after_methods(tmp_path: Path) -> None:
    """Each table is its method's; a name may hold points; absent parameters are those the contract shows."""
    terms = load(file(tmp_path, TABLES)).portfolio
    assert terms is not None
    assert terms.method is Method.SPAN
    span, tims, tokens = (terms.of[method] for method in (Method.SPAN, Method.TIMS, Method.HYPERLIQUID))
    assert isinstance(span, SpanTerms)
    assert [group.up for group in span.groups] == [Decimal("0.1"), Decimal("0.16")]
    assert span.credits[0].ratio == (1, 2)
    assert isinstance(tims, TimsTerms)
    assert (tims.groups[0].down, tims.groups[0].up) == (Decimal("-0.2"), Decimal("0.15"))
    assert tims.product_groups[0].offset == Decimal("0.5")
    assert isinstance(tokens, HyperliquidTerms)
    assert (tokens.tokens[0].asset, tokens.tokens[0].ltv, tokens.borrow_offset) == ("USDC.e", None, 20)


def test_the_last_source_counts_in_either_spelling(tmp_path: Path) -> None:
    """A file outranks its profile and a variable the file, also where one writes beside `method`, one in its table."""
    venues = tmp_path / "venues"
    venues.mkdir()
    (venues / "mine.toml").write_text(
        '[portfolio.scenario]\nbuffer = "0.5"\n[portfolio.scenario.groups.X]\nassets=["X"]\n'
    )
    path = file(tmp_path, '[venue]\nprofile = "mine"\n[portfolio]\nmethod = "scenario"\nbuffer = "0.6"\n')
    given = load(path).portfolio
    above = load(path, environment={"LIQMON_PORTFOLIO__SCENARIO__BUFFER": "0.7"}).portfolio
    flags = load(path, overrides={"portfolio": {"buffer": "0.8"}}).portfolio
    assert given is not None
    assert above is not None
    assert flags is not None
    buffers = [terms.terms.buffer for terms in (given, above, flags)]  # type: ignore[union-attr]  # all are scenario
    assert buffers == [Decimal("0.6"), Decimal("0.7"), Decimal("0.8")]


def test_variables_reach_what_a_file_has_named(tmp_path: Path) -> None:
    """Names of variables have no case: they find the group of the file; lists are separated by commas, or JSON."""
    path = file(tmp_path, FLAT)
    environment = {
        "LIQMON_PORTFOLIO__GROUPS__BTC__MEMBERS": "BTCUSDT, BTCUSDC",
        "LIQMON_PORTFOLIO__STEPS": '["0.1", 1]',
        "LIQMON_PORTFOLIO__GROUPS__BTC__ALLOW_MIXED": "true",
    }
    terms = load(path, environment=environment).portfolio
    assert terms is not None
    found = terms.terms
    assert isinstance(found, ScenarioTerms)
    assert found.groups[0].members == ("BTCUSDT", "BTCUSDC")
    assert found.groups[0].allow_mixed
    assert found.steps == (Decimal("0.1"), 1)


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('[portfolio]\nmethod = "var"', "portfolio.method", "not one of those known"),
        ('[portfolio]\nmethod = "tims"', "portfolio.tims", "has no parameters"),
        ("[portfolio.groups.A]\nmember = []", "portfolio.groups.A.member", "unknown key"),
        ("[portfolio]\nbogus = 1", "portfolio.bogus", "unknown key"),
        ('[portfolio.groups.A]\nmembers = ["X"]\nmove = "1.5"', "portfolio.groups.A.move", "at most 1"),
        ('[portfolio.groups.A]\nmembers = ["X", "X"]', "portfolio.groups.A.members[1]", "overlapping groups"),
        ('[portfolio.groups.A]\nmembers = ["X"]\nmove = nan', "portfolio.groups.A.move", "no number"),
        ('[portfolio.groups.A]\nmembers = ["X"]\nmove = "none"', "portfolio.groups.A.move", "leave the key out"),
        ("[portfolio.scenario.groups.A]\nassets = []", "portfolio.scenario.groups.A", "neither members nor assets"),
        (
            '[portfolio.scenario]\nsteps = ["0.5", "0.4"]\n[portfolio.scenario.groups.A]\nmembers = ["X"]',
            "portfolio.scenario.steps[1]",
            "steps out of order",
        ),
        ("[portfolio_rules]\nminimum_equity = -1", "portfolio_rules.minimum_equity", "at least 0"),
        (
            "[portfolio_rules]\nminimum_equity = 10\nmaximum_equity = 5",
            "portfolio_rules.maximum_equity",
            "must not be below minimum_equity",
        ),
        ('[portfolio_rules]\non_ineligible = "close"', "portfolio_rules.on_ineligible", "must be one of"),
    ],
)
def test_errors_name_the_key_and_its_source(tmp_path: Path, text: str, path: str, reason: str) -> None:
    """Each error has the key's path, as the source spells it, and the source."""
    source = file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(source)
    [complaint] = caught.value.complaints
    assert (complaint.path, complaint.source) == (path, str(source))
    assert reason in complaint.reason


def test_one_wrong_value_does_not_hide_another(tmp_path: Path) -> None:
    """All wrong values of the table are named at once."""
    text = FLAT.replace('rate = "0.02"', 'rate = "2"').replace('move = "0.2"', 'move = "x"')
    with pytest.raises(ConfigError) as caught:
        load(file(tmp_path, text))
    paths = {complaint.path for complaint in caught.value.complaints}
    assert paths == {"portfolio.groups.BTC.move", "portfolio.liquidity.rate"}


def test_a_variable_cannot_name_what_no_file_has(tmp_path: Path) -> None:
    """A new group cannot come from a variable, whose name has no case."""
    with pytest.raises(ConfigError, match=r"eth stands in no file"):
        load(file(tmp_path, FLAT), environment={"LIQMON_PORTFOLIO__GROUPS__ETH__MOVE": "0.2"})


@pytest.mark.parametrize("text", [FLAT, TABLES])
def test_what_is_shown_loads_to_the_same(tmp_path: Path, text: str) -> None:
    """`config show` prints every parameter with its origin, as TOML that loads to the same settings."""
    path = file(tmp_path, text)
    settings = load(path)
    rows = effective(settings)
    assert {row.origin for row in rows if row.path == "portfolio.method"} == {str(path)}
    again = tmp_path / "again.toml"
    again.write_text(to_toml(rows))
    assert load(again) == settings
    assert "***" not in to_toml([row for row in rows if row.path.startswith("portfolio.")])


def test_hyperliquid_has_a_line_of_its_own_where_none_is_stated(tmp_path: Path) -> None:
    """With method hyperliquid portfolio scopes are liquidated below 1/0.95, unless their line is stated."""
    text = '[portfolio]\nmethod = "hyperliquid"\n[portfolio.hyperliquid.tokens.USDC]\nborrowable = true\n'
    settings = load(file(tmp_path, text))
    assert settings.ladder.portfolio.liquidation == Fraction(100, 95)
    assert settings.ladder.cross.liquidation == 1
    assert settings.stated_ladder.portfolio.liquidation == 1
    [row] = [row for row in effective(settings) if row.path == "ladder.portfolio.liquidation"]
    assert (row.value, row.origin) == ("20/19", "the portfolio method")
    stated = load(file(tmp_path, text + '[ladder.portfolio]\nliquidation = "1.01"\n'))
    assert stated.ladder.portfolio.liquidation == Fraction(101, 100)
    with pytest.raises(ConfigError, match=r"has a line of its own"):
        load(file(tmp_path, text + '[ladder]\nmargin_call = "1.04"\n'))


def test_rules_of_eligibility_are_a_section(tmp_path: Path) -> None:
    """Every rule can be stated, in a file or by a variable."""
    path = file(tmp_path, '[portfolio_rules]\nminimum_vip_level = 3\nmarkets = ["X"]\non_ineligible = "multi_asset"\n')
    rules = load(path, environment={"LIQMON_PORTFOLIO_RULES__MINIMUM_EQUITY": "1000.5"}).portfolio_rules
    assert (rules.minimum_vip_level, rules.minimum_equity, rules.markets) == (3, Decimal("1000.5"), ("X",))
    assert rules.on_ineligible is OnIneligible.MULTI_ASSET
