"""Facts of an account as a venue tells them, in the monitor's own words: whole snapshots, changes, and signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Key = tuple[str, ...]
"""Names one fact: `("balance", asset)` or `("position", symbol, side)`."""


class Position(NamedTuple):
    """Hold one position; quantity "0" for one that is closed. `wallet` is that of an isolated one."""

    symbol: str
    side: str
    quantity: str
    entry_price: str
    is_isolated: bool = False
    wallet: str | None = None

    @property
    def key(self) -> Key:
        """What names it."""
        return "position", self.symbol, self.side

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left of it."""
        return not self.quantity.strip("-0.")

    def native(self, leverage: str | None) -> dict[str, Any]:
        """Return it as an account event has it."""
        if self.is_closed:
            return {"symbol": self.symbol, "side": self.side, "quantity": "0"}
        body = {
            "symbol": self.symbol,
            "side": self.side,
            "quantity": self.quantity,
            "entry_price": self.entry_price,
            "margin_type": "isolated" if self.is_isolated else "cross",
        }
        if self.is_isolated and self.wallet is not None:
            body["isolated_wallet"] = self.wallet
        return body if leverage is None else {**body, "leverage": leverage}


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Hold what changed together: absolute facts, at `at_ms` by the venue, told at `event_time_ms`.

    `balances` are cross wallets. `leverage` is by symbol. `mode_changed`: only a snapshot tells what all holds now.
    `transferred`: what came into the account or left it, by asset; it is in `balances` already.
    """

    at_ms: int
    event_time_ms: int
    balances: Mapping[str, str] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    leverage: Mapping[str, str] = field(default_factory=dict)
    mode_changed: bool = False
    transferred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Hold everything about an account. `times` says when a fact last changed, `asked_ms` when the venue was asked.

    `is_one_piece`: the venue has told all of it at one moment; otherwise it was put together from several answers.
    """

    event_time_ms: int
    asked_ms: int
    balances: Mapping[str, str]
    positions: tuple[Position, ...]
    margin_mode: Literal["single_asset", "multi_asset"] = "single_asset"
    position_mode: Literal["one_way", "hedge"] = "one_way"
    leverage: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[Key, int] = field(default_factory=dict)
    is_one_piece: bool = False


class AccountSignal(NamedTuple):
    """Hold what a venue says of an account beside its facts: guidance, which may come after the fact."""

    kind: Literal["margin_call", "liquidation", "deleveraging"]
    about: str


class StreamOver(NamedTuple):
    """Stand for the venue's word that a private stream tells no more: a new one has to be opened."""


AccountReading = AccountChange | AccountSnapshot | AccountSignal | StreamOver
