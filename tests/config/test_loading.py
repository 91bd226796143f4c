"""Tests of where settings come from, which source outranks which, and what is said about wrong ones."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from monitor.config import ConfigError, Settings, load
from monitor.core.ladder import MarginStatus


def written(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "monitor.toml"
    path.write_text(text)
    return path


def complaints(**given: Any) -> dict[str, str]:
    """Load what cannot be loaded and return reason by path."""
    with pytest.raises(ConfigError) as caught:
        load(**given)
    return {complaint.path: complaint.reason for complaint in caught.value.complaints}


def test_without_any_source_the_defaults_hold() -> None:
    """The generic profile states the built-in defaults: without any source they are in force."""
    settings = load()
    assert settings == Settings()
    assert settings.http.port == 8700
    assert settings.prices.stale_band == Decimal("0.5")
    assert settings.usd_assets == ("USD",)
    assert settings.ladder.cross.threshold(MarginStatus.CRITICAL) == Fraction(10, 11)


def test_each_source_outranks_the_one_below(tmp_path: Path) -> None:
    """Flags outrank the environment, it outranks the file, and the file outranks the profile."""
    path = written(tmp_path, '[http]\nport = 1\nhost = "file"\n[status]\nmin_change = "0.5"\n[ladder]\nwatch = "1.6"')
    environment = {"LIQMON_HTTP__PORT": "2", "LIQMON_HTTP__HOST": "environment", "HOME": "/"}
    settings = load(path, environment=environment, overrides={"http": {"port": 3}})
    assert (settings.http.port, settings.http.host) == (3, "environment")
    assert settings.status.min_change == Decimal("0.5")
    assert settings.ladder.cross.threshold(MarginStatus.WATCH) == Fraction("1.6")
    assert settings.origins["http.port"] == "flags"
    assert settings.origins["http.host"] == "LIQMON_HTTP__HOST"
    assert settings.origins["status.min_change"] == str(path)
    assert settings.origins["ladder.warning"] == "profile generic"


def test_every_error_is_named_at_once(tmp_path: Path) -> None:
    """All errors of all sources come together, each with path, source and reason."""
    path = written(tmp_path, '[http]\nport = "80"\nprot = 1\n[status]\nmin_change = true\n[nonsense]\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environment={"LIQMON_PRICES__MAX_AGE_MS": "soon", "LIQMON_HTTP__HOST": ""})
    said = {complaint.path: complaint for complaint in caught.value.complaints}
    assert said.keys() == {
        "http.port",
        "http.prot",
        "status.min_change",
        "nonsense",
        "prices.max_age_ms",
        "http.host",
    }
    assert "did you mean http.port?" in said["http.prot"].reason
    assert said["http.port"].source == str(path)
    assert said["prices.max_age_ms"].source == "LIQMON_PRICES__MAX_AGE_MS"
    assert str(caught.value).count("\n") == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[http", "is not TOML"),
        ("http = 3", "is a table of keys"),
        ("[http]\nport = 70000", "must be at most 65535"),
        ("[http]\nport = true", "must be a whole number, not true"),
        ("[http]\nport = 1.5", "must be a whole number, not the number 1.5"),
        ('usd_assets = "USD"', "must be a list of texts"),
        ("[prices]\nstale_band = 1", "must be below 1"),
        ("[rules]\ndrawdown_stops = 0.1", "must be a list of decimals"),
        ("[rules]\ndrawdown_stops = [0.1, true]", "must be a decimal"),
        ("[rules]\ndrawdown_stops = [0.1, -0.2]", "must be above 0, not -0.2"),
        ("[prices]\nstale_band = nan", "is no number to calculate with"),
        ('[ladder]\nwatch = "1/0"', "divides by 0"),
        ('[ladder]\nwatch = "-1"', "must be above 0"),
        ('[ladder]\nliquidation = "none"', "not a plain decimal"),
        ('[ladder]\nconvention = "other"', "must be one of health, risk"),
        ('[log]\nlevel = "loud"', "must be one of debug, info, warning, error"),
        ('[venue]\nprofile = "nowhere"', "there is no profile 'nowhere'; known: aster, binance-coinm"),
        ('[venue]\nprofile = "../venues/generic"', "there is no profile"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    """A value of the wrong type or outside its bounds is refused with a reason that says which it should be."""
    said = complaints(path=written(tmp_path, text))
    assert any(reason in one for one in said.values()), said


def test_a_file_that_cannot_be_read_is_a_complaint_about_the_file(tmp_path: Path) -> None:
    """A missing file, and one that is not UTF-8, are complaints without a path inside."""
    assert complaints(path=tmp_path / "absent.toml").keys() == {""}
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    assert "not UTF-8" in complaints(path=tmp_path / "latin.toml")[""]


def test_a_list_of_levels_takes_what_a_level_takes(tmp_path: Path) -> None:
    """Levels in a list are text or bare numbers, as single ones are, and between commas in a variable."""
    path = written(tmp_path, '[rules]\ndrawdown_stops = [0.1, "0.2"]\ncorrelation_spike = [1]')
    assert load(path).rules.drawdown_stops == (Decimal("0.1"), Decimal("0.2"))
    assert load(path).rules.correlation_spike == (Decimal(1),)
    told = load(path, environment={"LIQMON_RULES__DRAWDOWN_STOPS": "0.3, 0.4"})
    assert told.rules.drawdown_stops == (Decimal("0.3"), Decimal("0.4"))


def test_a_number_written_bare_stays_exact(tmp_path: Path) -> None:
    """A TOML number is read from its digits: 0.05 is a twentieth, not the nearest double."""
    settings = load(written(tmp_path, "[ladder]\nhysteresis = 0.05\ntakeover = 0.1\n[prices]\nstale_band = 0.3"))
    assert settings.ladder.cross.hysteresis == Fraction(1, 20)
    assert settings.prices.stale_band == Decimal("0.3")


def test_every_type_can_come_from_the_environment() -> None:
    """Text from a variable becomes what the key is: number, truth, list, choice, nothing."""
    settings = load(
        environment={
            "LIQMON_LADDER__INCLUSIVE": "true",
            "LIQMON_LADDER__WATCH": "",
            "LIQMON_USD_ASSETS": "USD, USDX",
            "LIQMON_LOG__FORMAT": "json",
            "LIQMON_HTTP__TOKEN_FILE": "~/token",
            "LIQMON_STATUS__PUBLISH_INTERVAL_MS": "500",
            "LIQMON_REQUIRE_KAFKA": "1",
        }
    )
    assert settings.ladder.cross.inclusive
    assert settings.ladder.cross.threshold(MarginStatus.WATCH) is None
    assert settings.usd_assets == ("USD", "USDX")
    assert settings.log.format == "json"
    assert settings.http.token_file == Path.home() / "token"
    assert settings.status.publish_interval_ms == 500


def test_unknown_variables_with_a_section_are_errors() -> None:
    """A variable that names a section and a key must name a known one."""
    assert complaints(environment={"LIQMON_HTTP__PORTS": "1"}).keys() == {"http.ports"}


def test_a_profile_beside_the_file_is_found_before_the_shipped_one(tmp_path: Path) -> None:
    """A venue of one's own needs no change of the package: `venues/` beside the file is looked into first."""
    (tmp_path / "venues").mkdir()
    (tmp_path / "venues" / "mine.toml").write_text('[ladder]\nwatch = "2"\n[assets]\nmax_age_ms = 10000')
    settings = load(written(tmp_path, '[venue]\nprofile = "mine"'))
    assert settings.ladder.isolated.threshold(MarginStatus.WATCH) == 2
    assert settings.prices.assets_max_age_ms == 10_000


def test_a_profile_may_not_set_what_an_operator_decides(tmp_path: Path) -> None:
    """A profile that names an address is refused."""
    (tmp_path / "venues").mkdir()
    (tmp_path / "venues" / "mine.toml").write_text("[http]\nport = 1")
    said = complaints(path=written(tmp_path, '[venue]\nprofile = "mine"'))
    assert said == {"http.port": "is not for a venue profile to say"}


def test_overrides_may_carry_values_of_their_own_type() -> None:
    """A document's ladder can be laid over a profile as it was parsed: null, truths and integers included."""
    ladder = {"watch": None, "inclusive": True, "hysteresis": 0}
    settings = load(overrides={"venue": {"profile": "aster"}, "ladder": ladder}, overrides_name="document")
    assert settings.ladder.portfolio.threshold(MarginStatus.WATCH) is None
    assert settings.ladder.portfolio.hysteresis == 0
    assert settings.origins["ladder.inclusive"] == "document"
    assert settings.instruments.liquidation_fee_rate == Decimal("0.01")


def test_the_client_table_is_passed_on_and_merged(tmp_path: Path) -> None:
    """Keys below `kafka.client` are free: the file's and the environment's come together, numbers as numbers."""
    path = written(tmp_path, '[kafka.client]\nclient_id = "7"\nmetadata_max_age_ms = 10000\nratio = 0.5')
    settings = load(path, environment={"LIQMON_KAFKA__CLIENT__RETRY_BACKOFF_MS": "50"})
    expected = {"client_id": "7", "metadata_max_age_ms": 10_000, "ratio": 0.5, "retry_backoff_ms": 50}
    assert dict(settings.kafka.client) == expected


def test_what_a_section_says_of_its_values_together_names_the_key() -> None:
    """A client key that is decided elsewhere, and every other problem of the section, is a complaint with its path."""
    said = complaints(overrides={"kafka": {"client": {"isolation_level": "read_uncommitted"}, "group_id": ""}})
    assert said.keys() == {"kafka.client.isolation_level", "kafka.group_id"}
    assert "may not be set" in said["kafka.client.isolation_level"]
