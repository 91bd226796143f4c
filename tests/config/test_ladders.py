"""Tests of the ladder's keys: conventions, statuses that do not exist, kinds of scope, order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from monitor.config import ConfigError, Settings, load
from monitor.core.ladder import Ladder, MarginStatus


def loaded(folder: Path, text: str, **environment: str) -> Settings:
    """Load a file with this ladder."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return load(path, environment=environment)


def test_the_built_in_keys_state_the_built_in_ladder() -> None:
    """The defaults of the keys and the defaults of the ladder are the same ladder."""
    ladders = load().ladder
    assert ladders.cross == ladders.isolated == ladders.portfolio == Ladder.build()


def test_the_risk_convention_takes_the_inverses(tmp_path: Path) -> None:
    """Thresholds written as requirement ÷ equity give the same ladder as their inverses, exactly."""
    risk = '[ladder]\nconvention = "risk"\nwatch = "2/3"\nwarning = "0.8"\nmargin_call = "10/11"\n'
    ladder = loaded(tmp_path, risk + 'critical = "1.1"\ntakeover = "1.5"').ladder.cross
    assert ladder == Ladder.build()


def test_a_convention_does_not_change_the_meaning_of_numbers_from_below(tmp_path: Path) -> None:
    """A file in the risk convention changes one threshold; those of the profile keep their meaning."""
    ladder = loaded(tmp_path, '[ladder]\nconvention = "risk"\nliquidation = "0.95"').ladder.cross
    assert ladder.liquidation == Fraction(20, 19)
    assert ladder.threshold(MarginStatus.WATCH) == Fraction(3, 2)


def test_a_convention_holds_for_the_sources_that_outrank_it(tmp_path: Path) -> None:
    """A variable over a file in the risk convention is in the risk convention too."""
    text = '[ladder]\nconvention = "risk"\n'
    ladder = loaded(tmp_path, text, LIQMON_LADDER__WARNING="0.75").ladder.cross
    assert ladder.threshold(MarginStatus.WARNING) == Fraction(4, 3)


@pytest.mark.parametrize("nothing", ['"none"', '"null"', '""', "false"])
def test_a_status_can_be_left_out(tmp_path: Path, nothing: str) -> None:
    """TOML has no null: "none", "null", an empty text and false all say that a status does not exist."""
    ladder = loaded(tmp_path, f"[ladder]\nwatch = {nothing}").ladder.cross
    assert ladder.threshold(MarginStatus.WATCH) is None


def test_a_kind_of_scope_can_have_its_own_ladder(tmp_path: Path) -> None:
    """What `[ladder.isolated]` says holds for isolated scopes only; the rest is inherited."""
    ladders = loaded(tmp_path, '[ladder]\nwatch = "2"\n[ladder.isolated]\nwarning = "1.3"\ninclusive = true').ladder
    isolated = ladders.isolated
    assert isolated.threshold(MarginStatus.WATCH) == 2
    assert isolated.threshold(MarginStatus.WARNING) == Fraction("1.3")
    assert isolated.inclusive
    assert not ladders.cross.inclusive
    assert ladders.portfolio == ladders.cross


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[ladder]\nwatch = "1.25"', "ladder.watch"),
        ('[ladder]\nwarning = "1.6"', "ladder.warning"),
        ('[ladder]\nhysteresis = "0.1"', "ladder.hysteresis"),
        ('[ladder.cross]\nliquidation = "1.2"', "ladder.cross.liquidation"),
    ],
)
def test_a_ladder_out_of_order_is_refused(tmp_path: Path, text: str, path: str) -> None:
    """Thresholds must fall strictly and the hysteresis may not reach the next one; the complaint names a key."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    [complaint] = caught.value.complaints
    assert complaint.path.rpartition(".")[0] == path.rpartition(".")[0]
    assert complaint.source
