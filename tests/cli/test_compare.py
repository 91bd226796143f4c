"""Tests of `liqmon compare` as a user would run it, and of the worked examples in the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.exits import Exit
from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ("docs/examples/glossary-rates.json", "docs/examples/first-brackets.json")
METHODS = ["isolated", "cross", "scenario", "span", "tims", "hyperliquid"]


def rows(out: str, account: str) -> dict[str, dict[str, Any]]:
    """Return the rows of one account by method."""
    found = next(one for one in json.loads(out)["accounts"] if one["account_id"] == account)
    return {row["method"]: row for row in found["methods"]}


def test_every_method_with_parameters_is_compared(liqmon: Run) -> None:
    """A hedge at the glossary's rates: 300,000 by brackets, 11,000 by scenarios, and what that saves."""
    ran = liqmon("compare", str(ROOT / EXAMPLES[0]))
    assert ran.code == Exit.GOOD
    found = rows(ran.out, "long and short 10 BTC")
    assert list(found) == METHODS
    assert found["cross"]["maintenance_margin"] == "300000"
    assert found["scenario"]["maintenance_margin"] == "11000"
    assert found["scenario"]["saving_against_isolated"].startswith("0.9633333333333333333333333333")
    assert found["scenario"]["margin_ratio"].startswith("36.3636363636363636363636")


def test_one_account_can_be_chosen(liqmon: Run) -> None:
    """`--account` names one of the document; one that is not there is bad input."""
    ran = liqmon("compare", str(ROOT / EXAMPLES[0]), "--account", "long 10 BTC")
    assert [one["account_id"] for one in json.loads(ran.out)["accounts"]] == ["long 10 BTC"]
    gone = liqmon("compare", str(ROOT / EXAMPLES[0]), "--account", "nobody")
    assert gone.code == Exit.BAD_INPUT
    assert "holds no account nobody" in gone.err


def test_without_a_book_it_says_what_it_needs(liqmon: Run) -> None:
    """Neither FILE nor account, or a live account without a broker: usage, in words."""
    assert "FILE or --account is needed" in liqmon("compare").err
    ran = liqmon("compare", "--account", "a")
    assert ran.code == Exit.BAD_INPUT
    assert "kafka.bootstrap_servers" in ran.err


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_readme_shows_what_the_command_prints(liqmon: Run, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the README are those of the command, line by line."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    ran = liqmon("compare", str(ROOT / example), "--format", "table")
    readme = (ROOT / "README.md").read_text()
    missing = [line for line in ran.out.splitlines() if line.strip() and line.rstrip() not in readme]
    assert missing == []


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_amount_is_cut(liqmon: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Whatever the terminal, every amount stands there whole, and no line is longer than it is wide."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    out = liqmon("compare", str(ROOT / EXAMPLES[1]), "--format", "table").out
    assert max(len(line) for line in out.splitlines()) <= width
    for amount in ("176,077.78", "220,097.23", "-4301.9 %"):
        assert amount in out
    assert "…" not in out


def test_what_is_unknown_is_said_whole(liqmon: Run, tmp_path: Path) -> None:
    """A price that is missing is named below the table, not cut into one of its columns."""
    document = json.loads((ROOT / EXAMPLES[1]).read_text())
    del document["prices"]["BTCUSDT"]
    path = tmp_path / "book.json"
    path.write_text(json.dumps(document))
    out = liqmon("compare", str(path), "--format", "table", "--account", "long 10 BTC").out
    assert "scenario unknown: missing_price:BTCUSDT" in out
