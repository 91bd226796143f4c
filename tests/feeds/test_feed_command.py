"""Tests of `liqmon feed` as a command: what it refuses before it connects, its settings, and lines without a broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from monitor.cli.main import main
from monitor.config import load
from monitor.config.complaints import ConfigError
from monitor.config.showing import effective, to_toml
from tests.feeds.played_rest import KEY, SECRET, PlayedRest, symbol
from tests.feeds.played_venue import Caller, PlayedVenue, mark
from tests.feeds.test_accounts import LISTEN_KEY, rows
from tests.feeds.test_terms import usdm


def refused(text: str, venue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `liqmon feed` says of a configuration it cannot use."""
    config = tmp_path / "feed.toml"
    config.write_text(text)
    assert main(["feed", venue, "--config", str(config)]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_followed_is_refused_with_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Symbols, keys and addresses that are missing or wrong are bad input, named before anything is connected to."""
    absent = tmp_path / "absent"
    assert "feed.symbols" in refused("", "binance-coinm", tmp_path, capsys)
    assert f"{absent}: No such file" in refused(
        f'[feed]\nkey_file = "{absent}"\nsecret_file = "{absent}"', "aster", tmp_path, capsys
    )
    for given, venue, words in (
        ('address = "0x1"', "aster", "feed.accounts.a: key_file and secret_file are needed"),
        ('address = "0x1"', "hyperliquid", "feed.accounts.a: address must be 0x"),
        ('key_file = "k"', "aster", "feed.accounts.a: key_file and secret_file go together"),
    ):
        text = f'[feed]\nsymbols = ["BTC"]\n[feed.accounts.a]\n{given}'
        assert words in refused(text, venue, tmp_path, capsys)


def test_a_file_that_holds_no_key_is_named_and_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands in a file that is no key is not printed: it may be one, spoiled."""
    spoiled = tmp_path / "key"
    spoiled.write_text("half of a key\nand more")
    said = refused(f'[feed]\nkey_file = "{spoiled}"\nsecret_file = "{spoiled}"', "aster", tmp_path, capsys)
    assert f"{spoiled}: holds no key" in said
    assert "half" not in said


def test_accounts_are_settings_like_others(tmp_path: Path) -> None:
    """What is shown of the accounts, ids with dots included, loads to the same settings; other keys are errors."""
    config = tmp_path / "monitor.toml"
    config.write_text(
        '[feed.accounts."desk.one"]\nkey_file = "/k"\nsecret_file = "/s"\n[feed.accounts.b]\naddress = "0x1"\n'
    )
    settings = load(config)
    assert settings.feed.access_by_account() == {
        "desk.one": {"key_file": "/k", "secret_file": "/s"},
        "b": {"address": "0x1"},
    }
    shown = tmp_path / "shown.toml"
    shown.write_text(to_toml(effective(settings)))
    assert load(shown).feed == settings.feed
    for wrong in ('[feed.accounts.a]\nsecret = "x"', "[feed.accounts.a]\nkey_file = 5", '[feed]\nkey_file = "/k"'):
        config.write_text(wrong)
        with pytest.raises(ConfigError, match="feed"):
            load(config)


async def test_without_a_broker_messages_are_printed_as_the_daemon_reads_them(tmp_path: Path) -> None:
    """Each line names topic, key and value; SIGTERM ends the feed with 0."""

    async def script(caller: Caller) -> None:
        await caller.greet()
        await caller.repeat(lambda: [mark("BTCUSDT", "61000.1"), mark("ETHUSDT", "2")])

    async with PlayedVenue([script]).open() as venue:
        config = tmp_path / "feed.toml"
        config.write_text(
            '[topics]\nprefix = "x."\n'
            f'[feed]\nhttp_port = 0\nwebsocket_url = "{venue.address}"\nterms_interval_ms = 0\n'
        )
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor.cli.main", "feed", "aster", "--config", str(config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            assert program.stdout is not None
            async with asyncio.timeout(20):
                line = json.loads(await program.stdout.readline())
                program.send_signal(signal.SIGTERM)
                await program.stdout.read()
                assert await program.wait() == 0
        finally:
            if program.returncode is None:
                program.kill()
    assert (line["topic"], line["key"]) == ("mark-prices", "!markPrice@arr@1s")
    assert [price["mark_price"] for price in line["value"]] == ["61000.1", "2"]


async def test_no_secret_is_logged_at_any_level(tmp_path: Path) -> None:
    """With every library's log at its most talkative, neither keys nor signatures nor the stream's address get out."""
    key, secret, config = tmp_path / "key", tmp_path / "secret", tmp_path / "feed.toml"
    key.write_text(KEY)
    secret.write_text(SECRET)
    keys = f'key_file = "{key}"\nsecret_file = "{secret}"\n'

    async def script(caller: Caller) -> None:
        if caller.path == "/ws":
            await caller.greet()
        await caller.connection.wait_closed()

    with PlayedRest({**rows("900", "100"), **usdm(symbol("BTCUSDT"))}).open() as played:
        async with PlayedVenue([script]).open() as venue:
            config.write_text(
                f'[log]\nlevel = "debug"\n[feed]\nhttp_port = 0\nwebsocket_url = "{venue.address}"\n'
                f'rest_url = "{played.address}"\n{keys}[feed.accounts.a]\n{keys}'
            )
            program = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "monitor.cli.main", "feed", "binance-usdm", "--config", str(config)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
            try:
                assert program.stdout is not None
                async with asyncio.timeout(20):
                    while json.loads(await program.stdout.readline())["topic"] != "account-events":
                        pass
                    program.send_signal(signal.SIGTERM)
                    _, said = await program.communicate()
            finally:
                if program.returncode is None:
                    program.kill()
    assert b"account a: told whole" in said
    for text in (KEY, SECRET, LISTEN_KEY, "signature="):
        assert text.encode() not in said
    assert any(one.is_signed() for one in played.asked)
