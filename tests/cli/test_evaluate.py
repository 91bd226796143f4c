"""Tests of `liqmon evaluate` as a user would run it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from monitor.adapters.wire.outputs import Report
from monitor.adapters.wire.schemas import schemas
from monitor.cli.exits import Exit
from monitor.cli.margin_table import percent, print_table, rounded
from tests.cli.conftest import Run

BRACKETS = [{"floor": "0", "rate": "0.004", "max_leverage": "125"}, {"floor": "50000", "rate": "0.005"}]
LINEAR = {"contract": "linear", "settle_asset": "USDT", "base_asset": "BTC", "brackets": BRACKETS}
DOCUMENT: dict[str, Any] = {
    "instruments": {"BTCUSDT": LINEAR, "ETHUSDT": LINEAR},
    "assets": {"USDT": {"index_price": "1"}},
    "prices": {"BTCUSDT": {"mark_price": "61000"}, "ETHUSDT": {"mark_price": "3195"}},
    "accounts": [
        {
            "account_id": "alice",
            "balances": {"USDT": "2500"},
            "positions": [
                {"symbol": "BTCUSDT", "quantity": "0.5", "entry_price": "65000", "leverage": "20"},
                {
                    "symbol": "ETHUSDT",
                    "quantity": "-2",
                    "entry_price": "3000",
                    "margin_type": "isolated",
                    "isolated_wallet": "400",
                },
            ],
        },
        {"account_id": "bob", "margin_mode": "multi_asset", "balances": {"USDT": "1", "NONE": "1"}},
    ],
}
THRESHOLD: dict[str, Any] = {
    "instruments": {"A": {"contract": "linear", "settle_asset": "USDT", "brackets": [{"floor": "0", "rate": "0.01"}]}},
    "prices": {"A": {"mark_price": "100"}},
    "accounts": [
        {
            "account_id": "a",
            "balances": {"USDT": "1.5"},
            "positions": [{"symbol": "A", "quantity": "1", "entry_price": "100"}],
        }
    ],
}
"""Equity 1.5, requirement 1: exactly on the default threshold of watch."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of the sample document."""
    path = tmp_path / "document.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def scopes(out: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the scopes of a printed report by account and name."""
    report = json.loads(out)
    return {(a["account_id"], scope["scope"]): scope for a in report["accounts"] for scope in a["scopes"]}


def status_of(liqmon: Run, tmp_path: Path, document: dict[str, Any], *options: str) -> str:
    """Return the status that a document with one account in one scope gets."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document))
    ran = liqmon("evaluate", str(path), *options)
    assert ran.code == Exit.GOOD, ran.err
    [scope] = scopes(ran.out).values()
    return str(scope["status"])


def test_the_report_is_json_by_default(liqmon: Run, file: Path) -> None:
    """Each scope of each account is reported, in the order of the contract, with exact figures."""
    ran = liqmon("evaluate", str(file))
    assert (ran.code, ran.err) == (Exit.GOOD, "")
    found = scopes(ran.out)
    assert list(found) == [("alice", "cross:USDT"), ("alice", "isolated:ETHUSDT:both"), ("bob", "cross:USD")]
    cross = found["alice", "cross:USDT"]
    assert (cross["equity"], cross["maintenance_margin"], cross["status"]) == ("500", "122", "healthy")
    [position] = cross["positions"]
    assert position["bracket"] == 0
    equity_there = Decimal(2500) + Decimal("0.5") * (Decimal(position["liquidation_price"]) - 65000)
    requirement_there = Decimal("0.002") * Decimal(position["liquidation_price"])
    assert abs(equity_there - requirement_there) < Decimal("1e-20")
    assert found["bob", "cross:USD"]["unknown_because"] == ["missing_asset:NONE"]


def test_the_report_keeps_its_schema(liqmon: Run, file: Path) -> None:
    """A report is what docs/schemas/report.json promises, and every field of it is declared."""
    out = liqmon("evaluate", str(file)).out
    validator = Draft202012Validator(json.loads(schemas()["report.json"]))
    assert list(validator.iter_errors(json.loads(out))) == []
    declared = msgspec.to_builtins(msgspec.json.decode(out, type=Report))
    assert declared == json.loads(out)


def test_standard_input_is_a_file(liqmon: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads the document from standard input and gives the same report."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    assert liqmon("evaluate", "-").out == liqmon("evaluate", str(file)).out


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (b"", "$: there is no value"),
        (b"{", "$: "),
        (b"[]", "$: must be object, not array"),
        (b'{"accounts": 1}', "$.accounts: must be array, not a whole number"),
        (b'{"accounts": [], "extra": 1}', "$.extra: is no field"),
        (b'{"accounts": [{"account_id": "a", "balances": {"U": 1.5}}]}', "$.accounts[0].balances.U: must be a decimal"),
        (b'{"accounts": [], "prices": {"A:B": {"mark_price": "0"}}}', '$.prices["A:B"].mark_price: must be above 0'),
        (b'{"accounts": [], "profile": "nowhere"}', "$.profile: there is no profile 'nowhere'"),
        (b'{"accounts": [], "profile": "../generic"}', "$.profile: there is no profile"),
        (b'{"accounts": [], "ladder": {"liquidation": "1.2"}}', "$.ladder.liquidation: "),
    ],
)
def test_a_bad_document_is_exit_2(liqmon: Run, tmp_path: Path, document: bytes, complaint: str) -> None:
    """A bad document ends with exit 2; standard error names the file, the place inside it, what and why."""
    path = tmp_path / "bad.json"
    path.write_bytes(document)
    ran = liqmon("evaluate", str(path))
    assert (ran.code, ran.out) == (Exit.BAD_INPUT, "")
    assert f"{path}: {complaint}" in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_cannot_be_read_is_exit_2(liqmon: Run, tmp_path: Path) -> None:
    """A missing file and a folder are bad input, named."""
    for path in (tmp_path / "missing", tmp_path):
        ran = liqmon("evaluate", str(path))
        assert ran.code == Exit.BAD_INPUT
        assert str(path) in ran.err


def test_usage_errors_are_exit_2(liqmon: Run) -> None:
    """No file, an unknown format, and standard input for two things at once are usage errors."""
    for arguments in ((), ("x", "--format", "xml"), ("-", "--config", "-")):
        assert liqmon("evaluate", *arguments).code == Exit.BAD_INPUT


def test_a_profile_lies_under_the_document(liqmon: Run, tmp_path: Path) -> None:
    """The document's ladder outranks its profile's, which outranks the configuration altogether."""
    config = tmp_path / "monitor.toml"
    config.write_text("[ladder]\ninclusive = true\n")
    options = ("--config", str(config))
    assert status_of(liqmon, tmp_path, THRESHOLD) == "healthy"
    assert status_of(liqmon, tmp_path, THRESHOLD, *options) == "watch"
    assert status_of(liqmon, tmp_path, THRESHOLD | {"profile": "generic"}, *options) == "healthy"
    assert status_of(liqmon, tmp_path, THRESHOLD | {"ladder": {"inclusive": False}}, *options) == "healthy"
    assert status_of(liqmon, tmp_path, THRESHOLD | {"profile": "aster", "ladder": {"inclusive": True}}) == "watch"


def test_memory_comes_from_the_document(liqmon: Run, tmp_path: Path) -> None:
    """Hysteresis applies where `previous_status` gives a memory, and only there."""
    [account] = THRESHOLD["accounts"]
    held = THRESHOLD | {"accounts": [account | {"previous_status": {"cross:USDT": "watch"}}]}
    assert status_of(liqmon, tmp_path, held) == "watch"
    assert status_of(liqmon, tmp_path, held | {"ladder": {"hysteresis": "0"}}) == "healthy"
    other = THRESHOLD | {"accounts": [account | {"previous_status": {"isolated:A:both": "watch"}}]}
    assert status_of(liqmon, tmp_path, other) == "healthy"


def test_kinds_of_scope_have_their_own_ladder(liqmon: Run, tmp_path: Path) -> None:
    """An override for cross scopes holds for cross scopes alone."""
    assert status_of(liqmon, tmp_path, THRESHOLD | {"ladder": {"cross": {"watch": "2"}}}) == "watch"
    assert status_of(liqmon, tmp_path, THRESHOLD | {"ladder": {"isolated": {"watch": "2"}}}) == "healthy"


def test_a_document_without_accounts_has_an_empty_report(liqmon: Run, tmp_path: Path) -> None:
    """No account is no error; a person is told."""
    path = tmp_path / "none.json"
    path.write_text('{"accounts": []}')
    assert json.loads(liqmon("evaluate", str(path)).out) == {"accounts": []}
    assert "no account" in liqmon("evaluate", str(path), "--format", "table").out


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_the_table_fits_the_terminal(liqmon: Run, file: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """The table shows what matters at any width, and no line is longer than the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    ran = liqmon("evaluate", str(file), "--format", "table")
    assert ran.code == Exit.GOOD
    assert max(len(line) for line in ran.out.splitlines()) <= width
    flat = " ".join(ran.out.split())
    for shown in ("account alice", "healthy", "409.84 %", "BTCUSDT", "60,240.96", "-1.24 %", "missing_asset:NONE"):
        assert shown in flat


def printed(**terminal: Any) -> str:
    """Return what a terminal is sent for a report with one scope in each of two statuses."""
    scope = dict.fromkeys(
        ("equity", "maintenance_margin", "margin_ratio", "initial_margin", "available_margin", "deposit_to_clear")
    )
    out = io.StringIO()
    rows = [
        scope | {"scope": f"cross:{status}", "status": status, "positions": []} for status in ("bankrupt", "healthy")
    ]
    report = {"accounts": [{"account_id": "[red]a[/red]", "scopes": rows}, {"account_id": "b", "scopes": []}]}
    print_table(report, Console(file=out, width=90, markup=False, **terminal))
    return out.getvalue()


def test_statuses_are_coloured_on_a_terminal() -> None:
    """A terminal gets colours by status; an id that looks like markup is only text."""
    coloured = printed(force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured
    assert "[red]a[/red]" in printed()
    assert "no scope" in printed()


def test_no_color_is_honoured(file: Path) -> None:
    """With NO_COLOR, and on a pipe, the table carries no colour."""
    command = [sys.executable, "-m", "monitor.cli.main", "evaluate", str(file), "--format", "table"]
    ran = subprocess.run(command, capture_output=True, check=True, env={"NO_COLOR": "1", "FORCE_COLOR": "1"}, text=True)
    assert "\x1b[3" not in ran.stdout
    plain = subprocess.run(command, capture_output=True, check=True, env={}, text=True)
    assert "\x1b" not in plain.stdout


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (None, "–"),
        ("0", "0"),
        ("1234567.891", "1,234,567.89"),
        ("-1000", "-1,000"),
        ("0.000000123456789", "0.00000012345679"),
        ("100", "100"),
        ("999.9999999999", "1,000"),
        ("1" + "0" * 30, "1" + ",000" * 10),
    ],
)
def test_figures_are_rounded_for_people(figure: str | None, shown: str) -> None:
    """A table shows eight significant digits, or two decimals where that is more, and no exponent."""
    assert rounded(figure) == shown


def test_ratios_are_shown_in_per_cent() -> None:
    """Ratios and distances are per cent with two decimals."""
    assert [percent(ratio) for ratio in (None, "1.1", "-0.01234", "12345.678")] == [
        "–",
        "110.00 %",
        "-1.23 %",
        "1,234,567.80 %",
    ]
