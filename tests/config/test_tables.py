"""Tests of the tables of a venue in the configuration: default brackets and haircuts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from monitor.config import ConfigError, effective, load, term_defaults, to_toml
from monitor.core.brackets import StatedTier
from monitor.core.instruments import Haircut, MarginTier
from monitor.core.quality.pegs import Reference
from monitor.core.quality.settings import Source

D = Decimal

TABLES = """
[brackets]
BTCUSDT = [
  { floor = 0, rate = 0.004, max_leverage = "125" },
  { floor = "50000", rate = "0.005", deduction = "50" },
]
"xyz:A.B" = [{ floor = "0", rate = "0.1" }]

[haircuts]
USDT = { collateral_ratio = "0.9999" }
USDC = { bid_buffer = "0.001", ask_buffer = "0.002", collateral_ratio = "none" }
"""


def written(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return path


def test_tables_arrive_exactly(tmp_path: Path) -> None:
    """Numbers are read from their digits, and what is in force has its deductions chained."""
    settings = load(written(tmp_path, TABLES))
    first = StatedTier(D(0), D("0.004"), None, D(125))
    assert settings.brackets["BTCUSDT"] == (first, StatedTier(D(50000), D("0.005"), D(50)))
    assert settings.haircuts == {"USDT": Haircut(None, None, D("0.9999")), "USDC": Haircut(D("0.001"), D("0.002"))}
    defaults = term_defaults(settings)
    assert defaults.brackets["xyz:A.B"] == (MarginTier(D(0), D("0.1"), D(0)),)
    assert defaults.brackets["BTCUSDT"][1] == MarginTier(D(50000), D("0.005"), D(50))
    assert defaults.haircuts == settings.haircuts


def test_the_file_outranks_the_profile_by_symbol(tmp_path: Path) -> None:
    """A table in the file replaces the profile's for that symbol; the profile's others stand."""
    (tmp_path / "venues").mkdir()
    row = '[{ floor = "0", rate = "0.5" }]'
    (tmp_path / "venues" / "mine.toml").write_text(f"[brackets]\nBTCUSDT = {row}\nA = {row}")
    settings = load(written(tmp_path, f'venue.profile = "mine"\n{TABLES}'))
    assert settings.brackets["A"] == (StatedTier(D(0), D("0.5")),)
    assert len(settings.brackets["BTCUSDT"]) == 2
    assert settings.origins["brackets.A"] == "profile mine"


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("[brackets]\nA = 3", "brackets.A", "must be a list of brackets"),
        ("[brackets]\nA = []", "brackets.A", "at least one"),
        ("[brackets]\nA = [3]", "brackets.A[0]", "must be a table"),
        ('[brackets]\nA = [{ floor = "0" }]', "brackets.A[0].rate", "is required"),
        ('[brackets]\nA = [{ floor = "0", rate = "0.1", cap = 1 }]', "brackets.A[0].cap", "unknown key"),
        ('[brackets]\nA = [{ floor = "0", rate = true }]', "brackets.A[0].rate", "must be a decimal"),
        ('[brackets]\nA = [{ floor = "0", rate = "1e-3" }]', "brackets.A[0].rate", "is not a plain decimal"),
        ('[brackets]\nA = [{ floor = "1", rate = "0.1" }]', "brackets.A[0].floor", "must be 0"),
        ('[brackets.A]\nfloor = "0"', "brackets.A.floor", "must be a list of brackets"),
        (f"[brackets]\nA = [{'{ floor = 0, rate = 1 },' * 17}]", "brackets.A", "17 brackets are more than 16"),
        ('[brackets]\n"A|B" = []', "brackets.A|B", "its name must not hold a |"),
        ("[haircuts]\nA = 3", "haircuts.A", "unknown key"),
        ('[haircuts.A]\nratio = "1"', "haircuts.A.ratio", "unknown key"),
        ('[haircuts.A]\nbid_buffer = "1.1"', "haircuts.A.bid_buffer", "must be at most 1"),
        ('[haircuts.A]\nask_buffer = "-1"', "haircuts.A.ask_buffer", "must be at least 0"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path: Path, text: str, path: str, reason: str) -> None:
    """Every error names the key's path down to the bracket, and where it was given."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    (complaint,) = caught.value.complaints
    assert (complaint.path, complaint.source) == (path, str(tmp_path / "monitor.toml"))
    assert reason in complaint.reason


def test_an_asset_has_one_haircut(tmp_path: Path) -> None:
    """A bid buffer and a collateral ratio are two names of one haircut: an asset with both is refused."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, '[haircuts.A]\nbid_buffer = "0.1"\ncollateral_ratio = "0.9"'))
    assert [complaint.path for complaint in caught.value.complaints] == ["haircuts.A.collateral_ratio"]
    assert load(written(tmp_path, '[haircuts.A]\nask_buffer = "0.1"\ncollateral_ratio = "0.9"')).haircuts


def test_variables_cannot_name_symbols() -> None:
    """Names of variables have no case: a table from there is refused rather than kept under another name."""
    with pytest.raises(ConfigError, match="stands in files only"):
        load(environment={"LIQMON_HAIRCUTS__USDT__COLLATERAL_RATIO": "0.9"})


def test_what_is_shown_loads_to_the_same_tables(tmp_path: Path) -> None:
    """`config show` prints the tables so that they load again, whatever a symbol looks like."""
    settings = load(written(tmp_path, TABLES))
    rows = effective(settings)
    assert {row.path: row.origin for row in rows}["haircuts.USDT.collateral_ratio"] == str(tmp_path / "monitor.toml")
    assert load(written(tmp_path, to_toml(rows))) == settings


REFERENCES = """
[references]
USDE = { rate = "1" }
WBETH = { rate = 1.08, symbol = "ETHUSDT", limit = "0.1" }
"""


def test_references_arrive_exactly_and_are_shown_again(tmp_path: Path) -> None:
    """What an asset is held against is read from its digits, has a limit where none is stated, and is shown so."""
    settings = load(written(tmp_path, REFERENCES))
    assert settings.references == {"USDE": Reference(D(1)), "WBETH": Reference(D("1.08"), "ETHUSDT", D("0.1"))}
    assert load(written(tmp_path, to_toml(effective(settings)))).references == settings.references


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('USDE = { symbol = "X" }', "references.USDE.rate"),
        ('USDE = { rate = "0" }', "references.USDE.rate"),
        ('USDE = { rate = "1", of = "2" }', "references.USDE.of"),
        ('USDE = { rate = "1", symbol = 3 }', "references.USDE.symbol"),
    ],
)
def test_wrong_references_are_named(text: str, path: str, tmp_path: Path) -> None:
    """Every fault names its place."""
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, f"[references]\n{text}\n"))
    assert path in str(caught.value)


def test_lists_of_the_gate_name_reasons_once(tmp_path: Path) -> None:
    """A list that names what is no reason, or a reason with two actions, is an error that says so."""
    for text in ('refuse = ["jmp"]', 'refuse = ["jump"]', 'display = ["time_back"]'):
        with pytest.raises(ConfigError, match="names"):
            load(written(tmp_path, f"[quality]\n{text}\n"))


def test_sources_arrive_exactly_and_are_shown_again(tmp_path: Path) -> None:
    """A source weighs 1 where nothing is said, and what is in force is shown so that it loads again."""
    text = '[sources]\nBTCUSDT = [{ symbol = "BTCUSDT@one", weight = "2" }, { symbol = "BTCUSDT@two" }]\n'
    settings = load(written(tmp_path, text))
    assert settings.sources == {"BTCUSDT": (Source("BTCUSDT@one", D(2)), Source("BTCUSDT@two", D(1)))}
    assert load(written(tmp_path, to_toml(effective(settings)))).sources == settings.sources


@pytest.mark.parametrize("given", ["[]", '[{ weight = "1" }]', '[{ symbol = "X" }]', '[{ symbol = "Y", weight = 0 }]'])
def test_wrong_sources_are_named(given: str, tmp_path: Path) -> None:
    """No source at all, one without a name, the symbol itself, and one that weighs nothing are errors."""
    with pytest.raises(ConfigError, match=r"sources\.X"):
        load(written(tmp_path, f"[sources]\nX = {given}\n"))
