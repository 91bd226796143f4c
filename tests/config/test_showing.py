"""Tests of what is shown of a configuration, and of the files that ship with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.config import Settings, effective, load, to_toml
from monitor.config.loading import KEYS, TABLES
from monitor.config.places import profile_names, shipped_folder

EXAMPLE = shipped_folder() / "monitor.toml"


def test_what_is_shown_loads_to_the_same_settings(tmp_path: Path) -> None:
    """The output of `config show` is a configuration: loading it gives the settings it was made from."""
    overrides = {
        "ladder": {"convention": "risk", "watch": "none", "isolated": {"liquidation": "0.97"}},
        "usd_assets": ["USD", "USDC"],
        "http": {"token_file": "/run/token", "port": 0},
        "venue.profile": "aster",
    }
    settings = load(overrides=overrides)
    path = tmp_path / "shown.toml"
    path.write_text(to_toml(effective(settings)))
    assert load(path) == settings


def test_a_table_amid_its_section_is_shown_so_that_it_loads(tmp_path: Path) -> None:
    """Limits by sector stand between other keys of `[rules]`; what is shown states that section once."""
    source, shown = tmp_path / "source.toml", tmp_path / "shown.toml"
    source.write_text('[rules]\naccount_limit = 0.8\ndrawdown_stops = [0.1]\n[rules.sector_limits]\nL1 = "0.6"\n')
    settings = load(source)
    shown.write_text(to_toml(effective(settings)))
    assert shown.read_text().count("[rules]") == 1
    again = load(shown).rules
    assert again == settings.rules
    assert again.sector_limits == {"L1": "0.6"}


def test_origins_are_shown_for_what_is_not_a_default() -> None:
    """A key that was given names its source; one that was not says it is the default."""
    rows = {row.path: row for row in effective(load(environment={"LIQMON_HTTP__PORT": "9"}))}
    assert (rows["http.port"].value, rows["http.port"].origin) == (9, "LIQMON_HTTP__PORT")
    assert rows["http.host"].origin == "default"


@pytest.mark.parametrize("profile", profile_names())
def test_every_shipped_profile_loads(profile: str) -> None:
    """Each profile in the package can be used as it is."""
    assert load(overrides={"venue.profile": profile}).venue.profile == profile


def test_the_example_configuration_changes_nothing() -> None:
    """As shipped, the example is the defaults: everything in it is commented out."""
    assert load(EXAMPLE) == Settings()


def test_the_example_configuration_names_every_key(tmp_path: Path) -> None:
    """With its keys uncommented the example is good and states every default; what has none is marked."""
    text = EXAMPLE.read_text()
    optional = set(re.findall(r"(?m)^#\? (\w+) = ", text))
    path = tmp_path / "all.toml"
    path.write_text(re.sub(r"(?m)^# (\w+ = )", r"\1", text))
    settings = load(path)
    assert settings == Settings()
    stated = {row.path for row in effective(settings) if row.origin == str(path)}
    of_kinds = {path for path in KEYS if path.startswith("ladder.") and path.count(".") == 2}
    silent = set(KEYS) - set(TABLES) - of_kinds - stated - {"ladder.convention"}
    assert {path.rpartition(".")[2] for path in silent} == optional - {"metadata_max_age_ms"}


def test_the_examples_of_optional_keys_are_good(tmp_path: Path) -> None:
    """Uncommented as well, the keys without a default are accepted as they are written."""
    path = tmp_path / "all.toml"
    path.write_text(re.sub(r"(?m)^#\? (\w+ = )", r"\1", EXAMPLE.read_text()))
    assert load(path).kafka.bootstrap_servers == "kafka-1:9092,kafka-2:9092"
