"""Terms in the format of Binance's family: contracts from `exchangeInfo`, brackets from `leverageBracket`, collateral.

Sources: the venues' pages "Exchange Information", "Notional and Leverage Brackets", "Multi-Assets Mode Asset Index".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.adapters.venues.binance_rest import Wallets, check_key, signed
from monitor.adapters.venues.values import amount_at, decoded, rows_of, table, text_at, time_at, truth_at
from monitor.app.venue_feed.ports import ApiKey, Request
from monitor.app.venue_feed.readings import BadFrame
from monitor.app.venue_feed.terms import Terms

_QUOTE = "USD"
_STATUS = {
    "TRADING": "trading",
    "PRE_SETTLE": "pre_settle",
    "PRE_DELIVERING": "pre_settle",
    "SETTLING": "settling",
    "DELIVERING": "settling",
    "CLOSE": "closed",
    "PRE_DELIVERED": "closed",
    "DELIVERED": "closed",
}
_NOT_YET = "PENDING_TRADING"


@dataclass(frozen=True, slots=True)
class BinanceTerms:
    """Read the terms of one venue of the family.

    `index_path`: where index prices of assets are asked for; empty where there are none. `unit`: the asset in which
    contracts' index prices are quoted and which counts 1 then; empty where assets are no collateral of each other.
    `wallets`: the paths for a wallet instead of a key.
    """

    info_path: str
    brackets_path: str
    is_inverse: bool = False
    index_path: str = ""
    unit: str = ""
    wallets: Wallets = field(default_factory=dict)

    def check(self, key: ApiKey) -> None:
        """Raise `ValueError` where a key is none that the venue takes."""
        check_key(key, self.wallets)

    def requests(self, key: ApiKey | None, now_ms: int) -> Sequence[Request]:
        """Return what to ask: contracts, index prices of assets, and brackets where there is a key."""
        found = [Request(self.info_path)]
        if self.index_path:
            found.append(Request(self.index_path))
        if key is not None:
            found.append(signed(self.brackets_path, key, now_ms, self.wallets))
        return found

    def read(self, answers: Sequence[bytes], now_ms: int) -> Terms:
        """Return what the answers say, in the order of the requests. Raises `BadFrame`."""
        rest = list(answers)
        info = table(decoded(rest.pop(0)), "exchangeInfo")
        faults: list[str] = []
        available = _margin_available(info)
        indexes = _indexes(rest.pop(0), available, faults) if self.index_path else {}
        brackets = _brackets(rest.pop(0), faults) if rest else {}
        instruments = self._instruments(info, brackets, faults)
        if self.unit:
            indexes = self._by_contracts(instruments, available, now_ms)
        return Terms(instruments, indexes, available, tuple(faults))

    def _instruments(
        self, info: Mapping[str, Any], brackets: Mapping[str, list[dict[str, str]]], faults: list[str]
    ) -> dict[str, dict[str, Any]]:
        found = {}
        for place, row in enumerate(rows_of(info.get("symbols"), "symbols")):
            try:
                document = self._instrument(table(row))
            except BadFrame as bad:
                faults.append(f"symbols[{place}]: {bad}")
                continue
            if document is not None:
                symbol = document["symbol"]
                found[symbol] = {**document, "brackets": brackets[symbol]} if symbol in brackets else document
        return found

    def _instrument(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return one contract, None for one that is not traded yet."""
        state = row.get("contractStatus" if self.is_inverse else "status")
        if state == _NOT_YET:
            return None
        if state not in _STATUS:
            raise BadFrame(f"status {str(state)[:40]!r} is not known")
        document: dict[str, Any] = {
            "symbol": text_at(row, "symbol"),
            "status": _STATUS[state],
            "contract": "inverse" if self.is_inverse else "linear",
            "settle_asset": text_at(row, "marginAsset"),
            "base_asset": text_at(row, "baseAsset"),
        }
        if self.is_inverse:
            document["contract_size"] = amount_at(row, "contractSize")
        for one in row.get("filters") or ():
            if isinstance(one, dict) and one.get("filterType") == "PRICE_FILTER":
                document["tick_size"] = amount_at(one, "tickSize")
        if row.get("liquidationFee"):
            document["liquidation_fee_rate"] = amount_at(row, "liquidationFee")
        kinds = row.get("underlyingSubType")
        if isinstance(kinds, list) and kinds and isinstance(kinds[0], str) and kinds[0]:
            document["sector"] = kinds[0]
        return document

    def _by_contracts(
        self, instruments: Mapping[str, Any], available: Mapping[str, bool], now_ms: int
    ) -> dict[str, dict[str, Any]]:
        """Return assets whose index is that of their contract, and the unit itself at 1."""
        found: dict[str, dict[str, Any]] = {}
        for asset, counts in available.items():
            contract = f"{asset}{self.unit}"
            index = {"index_price": "1"} if asset == self.unit else {"index_symbol": contract}
            if asset == self.unit or contract in instruments:
                found[asset] = {"asset": asset, **index, "margin_available": counts, "event_time_ms": now_ms}
        return found


def _margin_available(info: Mapping[str, Any]) -> dict[str, bool]:
    rows = [table(row, "assets") for row in info.get("assets") or ()]
    return {text_at(row, "asset"): truth_at(row, "marginAvailable") for row in rows}


def _indexes(answer: bytes, available: Mapping[str, bool], faults: list[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for place, row in enumerate(rows_of(decoded(answer), "assetIndex")):
        try:
            body = table(row)
            asset = text_at(body, "symbol").removesuffix(_QUOTE)
            found[asset] = {
                "asset": asset,
                "index_price": amount_at(body, "index"),
                "bid_buffer": amount_at(body, "bidBuffer"),
                "ask_buffer": amount_at(body, "askBuffer"),
                "margin_available": available.get(asset, False),
                "event_time_ms": time_at(body, "time"),
            }
        except BadFrame as bad:
            faults.append(f"assetIndex[{place}]: {bad}")
    return found


def _brackets(answer: bytes, faults: list[str]) -> dict[str, list[dict[str, str]]]:
    """Return tables by symbol. One that is adjusted for the holder of the key is not the contract's: it is left out."""
    found = {}
    for place, row in enumerate(rows_of(decoded(answer), "leverageBracket")):
        try:
            body = table(row)
            symbol = text_at(body, "symbol")
            if body.get("notionalCoef") not in (None, 1, "1", "1.0", "1.00"):
                faults.append(f"brackets of {symbol} are adjusted for the holder of the key, and not used")
                continue
            found[symbol] = [_bracket(table(one)) for one in rows_of(body.get("brackets"), "brackets")]
        except BadFrame as bad:
            faults.append(f"leverageBracket[{place}]: {bad}")
    return {symbol: sorted(rows, key=lambda one: float(one["floor"])) for symbol, rows in found.items() if rows}


def _bracket(row: Mapping[str, Any]) -> dict[str, str]:
    """Return one bracket; contracts settled in coin state floors in coin, under a name the venue misspells."""
    floor = next((name for name in ("notionalFloor", "qtyFloor", "qtylFloor") if name in row), "notionalFloor")
    return {
        "floor": amount_at(row, floor),
        "rate": amount_at(row, "maintMarginRatio"),
        "deduction": amount_at(row, "cum"),
        "max_leverage": amount_at(row, "initialLeverage"),
    }
