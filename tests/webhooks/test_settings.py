"""What may stand under [webhooks], what is complained about, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.app.webhooks.quiet import QuietHours
from monitor.app.webhooks.settings import why_no_url
from monitor.app.webhooks.targets import Format
from monitor.config import ConfigError, Settings, effective, load, to_toml

GOOD = """
[webhooks.targets.desk]
url = "https://desk.example/in"
secret_file = "/run/secrets/desk"
accounts = ["a1"]
quiet_hours = "22:30-06:00"
min_severity = "warning"
escalate_to = "duty"
escalate_ms = 5000
[webhooks.targets.duty]
url_file = "/run/secrets/slack"
format = "slack"
only_escalations = true
"""


def loaded(tmp_path: Path, text: str) -> Settings:
    """Return what a file gives."""
    path = tmp_path / "monitor.toml"
    path.write_text(text)
    return load(path)


def test_a_target_is_what_its_table_says(tmp_path: Path) -> None:
    """Keys become the target; what is only escalated to asks for nothing by itself."""
    targets = loaded(tmp_path, GOOD).webhooks.targets
    desk = targets["desk"].target("desk", targets["desk"].url)
    assert (desk.url, desk.format, desk.escalate_to, desk.escalate_ms) == (
        "https://desk.example/in",
        Format.JSON,
        "duty",
        5_000,
    )
    assert (desk.wanted.accounts, desk.wanted.symbols, desk.wanted.min_rank) == (frozenset({"a1"}), None, 2)
    assert desk.quiet == QuietHours(22 * 60 + 30, 6 * 60)
    assert not desk.allow_private
    duty = targets["duty"].target("duty", "https://hooks.slack.example/T/B/X")
    assert duty.wanted.accounts == frozenset()
    assert "hooks.slack.example" not in repr(duty)


def test_what_is_shown_can_be_loaded_again(tmp_path: Path) -> None:
    """`config show` names files, not what is in them, and loads to the same settings."""
    settings = loaded(tmp_path, GOOD)
    shown = to_toml(effective(settings))
    assert 'url_file = "/run/secrets/slack"' in shown
    assert loaded(tmp_path, shown).webhooks == settings.webhooks


@pytest.mark.parametrize(
    ("wrong", "place", "why"),
    [
        ('url = "https://x"', "desk.secret_file", "is required"),
        ('secret_file = "s"', "desk.url", "url_file is required"),
        ('url = "https://x"\nurl_file = "u"\nsecret_file = "s"', "desk.url", "only one of them"),
        ('url = "http://x"\nsecret_file = "s"', "desk.url", "allow_private"),
        ('url = "ftp://x"\nsecret_file = "s"', "desk.url", "https://"),
        ('url = "https://me:pass@x"\nsecret_file = "s"', "desk.url", "user or a password"),
        ('url = "https://x/T/B"\nformat = "slack"', "desk.url", "is a secret"),
        ('url = "https://x"\nsecret_file = "s"\nsecret = "whsec_x"', "desk.secret", "unknown key"),
        ('url = "https://x"\nsecret_file = "s"\nmin_severity = "awful"', "desk.min_severity", "one of"),
        ('url = "https://x"\nsecret_file = "s"\nmin_severity = "unknown"', "desk.min_severity", "one of"),
        ('url = "https://x"\nsecret_file = "s"\nquiet_hours = "22-6"', "desk.quiet_hours", "22:00-06:00"),
        ('url = "https://x"\nsecret_file = "s"\nquiet_hours = "06:00-06:00"', "desk.quiet_hours", "another minute"),
        ('url = "https://x"\nsecret_file = "s"\nmax_attempts = 0', "desk.max_attempts", "from 1"),
        ('url = "https://x"\nsecret_file = "s"\nmax_attempts = true', "desk.max_attempts", "whole number"),
        ('url = "https://x"\nsecret_file = "s"\nbackoff_ms = 9\nmax_backoff_ms = 8', "desk.max_backoff_ms", "at least"),
        ('url = "https://x"\nsecret_file = "s"\nescalate_to = "nobody"', "desk.escalate_to", "no target"),
        ('url = "https://x"\nsecret_file = "s"\nescalate_to = "desk"', "desk.escalate_to", "another one"),
        ('url = "https://x"\nsecret_file = "s"\naccounts = "a"', "desk.accounts", "list of texts"),
        (
            'url = "https://x"\nsecret_file = "s"\nonly_escalations = true\naccounts = ["a"]',
            "only_escalations",
            "leaves",
        ),
    ],
)
def test_what_contradicts_itself_is_named(tmp_path: Path, wrong: str, place: str, why: str) -> None:
    """Each complaint names target and key, and says what is wrong, never what a secret is."""
    with pytest.raises(ConfigError) as told:
        loaded(tmp_path, f"[webhooks.targets.desk]\n{wrong}\n")
    assert [one for one in told.value.complaints if place in one.path and why in one.reason], told.value
    assert "pass" not in str(told.value).replace("password", "")
    assert "whsec" not in str(told.value)


def test_names_are_plain(tmp_path: Path) -> None:
    """A name stands in metrics, keys and logs: letters, digits, dashes."""
    for name in ('"a|b"', '"a b"', '"a.b"', '"ü"'):
        with pytest.raises(ConfigError, match="letters, digits"):
            loaded(tmp_path, f"[webhooks.targets.{name}]\nurl = 'https://x'\n")


@pytest.mark.parametrize("url", ["https://", "https://x:99999", "https://x y", "https://[", "//x", "x", "file:///etc"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Whatever nothing can be sent to is refused before anything is."""
    assert why_no_url(url, allow_private=True) is not None
