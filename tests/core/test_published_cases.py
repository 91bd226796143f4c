"""Figures that venues have published, where the shared folder with them lies beside the repository.

The cases and their conversion into account documents are read from there by path; nothing of them is copied. What
cannot be stated as an account document is listed here with the reason.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from monitor.adapters.wire.document import decode_document
from monitor.core.bankruptcy import bankruptcy_prices
from monitor.core.document import Document
from monitor.core.instruments import chain_deductions
from monitor.core.ladder import MarginStatus
from monitor.core.limits import Limits
from monitor.core.margin import assess
from monitor.core.report import scope_report, status_of
from tests.core.building import account, instrument, market, position
from tests.house.source import ROOT

SHARED = ROOT.parent / "shared"
CASES, CONVERTER = SHARED / "cases", SHARED / "acceptance" / "cases.py"
PRESENT = CONVERTER.exists() and CASES.exists()
WITHOUT = "the shared folder with the published cases is not beside the repository"
pytestmark = pytest.mark.skipif(not PRESENT, reason=WITHOUT)

BREACH = (MarginStatus.LIQUIDATION, MarginStatus.CRITICAL, MarginStatus.TAKEOVER, MarginStatus.BANKRUPT)
MANGO = "weights spot orders and perp lots at the worst fill and scales deposits: another model of collateral"
FILLABLE = "the price a liquidation order is placed at: tried with the plans"
NO_DOCUMENT = {
    "BITGET-CROSS-37359": "the venue freezes the requirement at the mark; ours moves with the price",
    "KUCOIN-ISO-LONG": "states neither entry price nor rate, only sums rounded to a tick",
    "BN-MULTI-EXCH": "the amount of an automatic exchange: tried with the plans",
    "BN-PM-INPUT": "the source shows inputs only, no margin figure",
    "OKX-PM-MR7": "a portfolio requirement scaled by size: no method of ours",
    "HL-PM-HEALTH": "a portfolio method",
    "HL-TIERS": "a table, tested below",
    "DYDX-ADL-1": "equity of exactly 0 is bankrupt here and not yet deleveraged there",
    "DYDX-NC-1": "equity of a position without margin figures, tested below",
    "DYDX-NC-3": "counts funding that is not yet settled",
    "VEGA-ISO-SEQ": "adds a slippage to the risk factor and marks the wallet to market at each step",
    "HL-LIQ-ETH-BACKSTOP": "a ledger entry, tested below",
    "HL-LIQ-WIF": "a ledger entry, tested below",
    "HL-LIQ-CRCL-FILL": "a fill: its profit is realised",
    "BN-FORCEORDER": "the frame of an order: no margin figure",
    "HL-1010-CASCADE": "counts of a day's events",
    **{f"DYDX-FP-{number:02}": FILLABLE for number in (1, 3, 5, 7, 9)},
    **{f"MANGO-{number:02}": MANGO for number in (0, 2, 4, 10, 12)},
}


def converter() -> ModuleType:
    """Import the converter from where it lies, leaving nothing behind there."""
    spec = importlib.util.spec_from_file_location("published_cases_of_the_shared_folder", CONVERTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    return module


def converted() -> list[tuple[str, dict[str, Any], list[Any]]]:
    """Return case, document and what to check; the converter leaves closing its files to the interpreter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return list(converter().all_cases())


CONVERTED = converted() if PRESENT else []


def read(document: dict[str, Any]) -> Document:
    """Return the document as the wire reads it."""
    return decode_document(json.dumps(document).encode(), Limits())


def report(document: Document, scope: str) -> dict[str, Any]:
    """Return the report of a scope of the only account."""
    return scope_report(document.accounts[0].account, scope, document.market, document.ladders.cross, None)


@pytest.mark.parametrize(("document", "checks"), [case[1:] for case in CONVERTED], ids=[case[0] for case in CONVERTED])
def test_published_figures(document: dict[str, Any], checks: list[Any]) -> None:
    """Every published figure of a case comes out to the precision it was published with."""
    read_document = read(document)
    for _, scope, symbol, field, want, tolerance in checks:
        found = report(read_document, scope)
        if field in ("liquidatable", "bankrupt"):
            assert (found["status"] in (BREACH if field == "liquidatable" else BREACH[-1:])) is want
            continue
        source = found if symbol is None else next(each for each in found["positions"] if each["symbol"] == symbol)
        if want is None:
            assert source[field] is None
        else:
            assert abs(Fraction(source[field]) - Fraction(want)) <= Fraction(tolerance) * abs(Fraction(want))


def published(name: str) -> Iterator[dict[str, Any]]:
    """Yield the cases of a file."""
    yield from json.loads((CASES / name).read_text())["cases"]


def by_id(name: str, case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs and expected figures of a case."""
    found = next(each for each in published(name) if each["id"] == case)
    return found["inputs"], found["expected"]


def test_every_case_is_tried_or_has_a_reason() -> None:
    """No published case is passed over in silence: what is new and not listed here shows as a skip."""
    files = sorted(path.name for path in Path(CASES).glob("0[1-4]_*.json"))
    known = {each["id"] for name in files for each in published(name)}
    silent = known - {case for case, _, _ in CONVERTED} - set(NO_DOCUMENT)
    if silent:
        pytest.skip(f"not tried, no reason given: {', '.join(sorted(silent))}")


def test_published_tables_are_chained() -> None:
    """Every deduction of every published Binance table is the one the chain gives."""
    for table in published("05_binance_leverage_tiers.json"):
        rows = [(Decimal(row[0]), Decimal(row[2]), None, Decimal(row[4])) for row in table["rows"]]
        assert [tier.deduction for tier in chain_deductions(rows)] == [Decimal(row[3]) for row in table["rows"]]


def test_deductions_of_hyperliquid() -> None:
    """Half the initial rate at the maximum leverage, chained, gives the published deductions."""
    tables, expected = by_id("02_account_margin.json", "HL-TIERS")
    for coin, name in (("BTC", "btc_deduction_tier1"), ("ETH", "eth_deduction_tier1")):
        rows = [(Fraction(floor), 1 / (2 * Fraction(leverage))) for floor, leverage in tables[coin]]
        (_, first), (floor, second) = rows
        assert abs(floor * (second - first) - Fraction(expected[name])) < Fraction("0.005")


def test_net_collateral_of_dydx() -> None:
    """A quote balance and one position are worth their sum."""
    inputs, expected = by_id("03_engine_tables.json", "DYDX-NC-1")
    quantity, price = inputs["positions"][0][1], inputs["BTC"]
    wallet = Decimal(inputs["usdc"]) + Decimal(quantity) * Decimal(price)
    held = account(position(quantity, price), balances={"USDC": str(wallet)})
    found = assess(held, "cross:USDC", market(instrument(settle="USDC"), marks={"X": price}))
    assert found.equity == Decimal(expected["net_collateral"])


@pytest.mark.parametrize("case", ["HL-LIQ-ETH-BACKSTOP", "HL-LIQ-WIF"])
def test_recorded_liquidations_of_hyperliquid(case: str) -> None:
    """What the ledger says was liquidated by the backstop is a takeover here, at the recorded requirement and mark."""
    inputs, expected = by_id("04_events.json", case)
    mark = expected["mark_price"]
    rate = f"{Decimal(1) / (2 * Decimal(inputs['max_leverage_assumed'])):f}"
    held = account(position(inputs["size"], mark), balances={"USDC": inputs["account_value"]})
    prices = market(instrument(brackets=(("0", rate),), settle="USDC"), marks={"X": mark})
    found = assess(held, "cross:USDC", prices)
    assert found.maintenance_margin is not None
    assert abs(Decimal(str(found.maintenance_margin)) - Decimal(expected["maintenance_margin"])) < Decimal("1e-6")
    assert status_of(found, read({"instruments": {}, "prices": {}, "accounts": []}).ladders.cross, None) is (
        MarginStatus.TAKEOVER
    )
    if "fill_px" in inputs:
        price = bankruptcy_prices(found)[0]
        assert price is not None
        assert abs(Fraction(price) - Fraction(inputs["fill_px"])) < Fraction("0.05")
