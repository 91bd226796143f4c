"""Claims on an insurance fund, and their release: what a bankrupt scope's shard tells the shard that keeps the fund.

The messages and their plain form live here; how a shortfall is shared out is in `shortfall`, what a fund decides in
`decision`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol

from monitor.core.accounts import Side
from monitor.core.amounts import format_amount, format_known
from monitor.core.told import named_event_id


@dataclass(frozen=True, slots=True)
class PriceMark:
    """Point at the price a position was judged at."""

    partition: int
    offset: int
    event_time_ms: int

    def body(self) -> dict[str, int]:
        """Return the plain form."""
        return {"partition": self.partition, "offset": self.offset, "event_time_ms": self.event_time_ms}


class Stated(Protocol):
    """What has a plain form: a position of a bankrupt scope, as it is claimed for."""

    def body(self) -> dict[str, Any]:
        """Return the plain form."""


@dataclass(frozen=True, slots=True)
class ClaimedPosition:
    """Hold a position of a bankrupt scope; `amount` is its share of the claim, in the fund's asset."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    previous_mark: Decimal | None
    bankruptcy_price: Decimal | None
    amount: Decimal
    price: PriceMark

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "symbol": self.symbol,
            "side": str(self.side),
            "quantity": format_amount(self.quantity),
            "entry_price": format_amount(self.entry_price),
            "mark_price": format_amount(self.mark_price),
            "previous_mark": format_known(self.previous_mark),
            "bankruptcy_price": format_known(self.bankruptcy_price),
            "amount": format_amount(self.amount),
            "price_origin": self.price.body(),
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ClaimedPosition:
        """Return what a plain form states."""
        return cls(
            body["symbol"],
            Side(body["side"]),
            Decimal(body["quantity"]),
            Decimal(body["entry_price"]),
            Decimal(body["mark_price"]),
            _amount(body["previous_mark"]),
            _amount(body["bankruptcy_price"]),
            Decimal(body["amount"]),
            PriceMark(**body["price_origin"]),
        )


@dataclass(frozen=True, slots=True)
class FundFigure:
    """Hold what a fund held when it was looked at, and where its message stands in `insurance-funds`."""

    fund: str
    asset: str
    balance: Decimal
    event_time_ms: int
    partition: int
    offset: int

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "fund": self.fund,
            "asset": self.asset,
            "balance": format_amount(self.balance),
            "event_time_ms": self.event_time_ms,
            "partition": self.partition,
            "offset": self.offset,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> FundFigure:
        """Return what a plain form states."""
        return cls(**{**body, "balance": Decimal(body["balance"])})


@dataclass(frozen=True, slots=True)
class BankruptScope:
    """Name the bankruptcy a claim is about; `event_id` is that of the `bankrupt` event it stands with."""

    account_id: str
    scope: str
    sequence: int
    episode: int
    event_id: str
    account_version: int
    suspect: bool
    equity: str
    cause: Mapping[str, Any]
    decided_at_ms: int

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "account_id": self.account_id,
            "scope": self.scope,
            "sequence": self.sequence,
            "episode": self.episode,
            "event_id": self.event_id,
            "account_version": self.account_version,
            "suspect": self.suspect,
            "equity": self.equity,
            "cause": self.cause,
            "decided_at_ms": self.decided_at_ms,
        }


def claim_form(
    number: str, amount: Decimal, bankrupt: BankruptScope, figure: FundFigure, positions: Sequence[Stated]
) -> dict[str, Any]:
    """Return the plain form of a claim, as it stands on the fund topic and in evidence."""
    return {
        "kind": "claim",
        "claim_id": number,
        "fund": figure.fund,
        "asset": figure.asset,
        "amount": format_amount(amount),
        "bankrupt": bankrupt.body(),
        "figure": figure.body(),
        "positions": [position.body() for position in positions],
    }


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold one claim: what a bankrupt scope lacks, of one fund, in that fund's asset."""

    claim_id: str
    amount: Decimal
    bankrupt: BankruptScope
    figure: FundFigure
    positions: tuple[ClaimedPosition, ...]

    @property
    def fund(self) -> str:
        """The fund that is to pay."""
        return self.figure.fund

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return claim_form(self.claim_id, self.amount, self.bankrupt, self.figure, self.positions)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Claim:
        """Return what a plain form states."""
        return cls(
            body["claim_id"],
            Decimal(body["amount"]),
            BankruptScope(**body["bankrupt"]),
            FundFigure.of(body["figure"]),
            tuple(ClaimedPosition.of(position) for position in body["positions"]),
        )


@dataclass(frozen=True, slots=True)
class Release:
    """Tell that a claim's scope is bankrupt no more.

    `event_time_ms` is that of the account event that closed it; None where the account has not changed since the claim:
    prices alone have cured it, and the fund has nothing to pay.
    """

    claim_id: str
    fund: str
    event_time_ms: int | None

    def body(self) -> dict[str, Any]:
        """Return the plain form."""
        return {"kind": "release", **asdict(self)}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Release:
        """Return what a plain form states."""
        return cls(body["claim_id"], body["fund"], body["event_time_ms"])


UNREADABLE = (ValueError, KeyError, TypeError, ArithmeticError)
"""What reading a message that is none of ours may raise."""


def message_of(body: Mapping[str, Any]) -> Claim | Release:
    """Return the message a plain form states. Raises one of `UNREADABLE` for any other."""
    return Release.of(body) if body["kind"] == "release" else Claim.of(body)


def claim_id(account_id: str, scope: str, sequence: int, fund: str) -> str:
    """Return the id of a claim: the same for the same bankruptcy and fund, whoever writes it."""
    return named_event_id(account_id, scope, f"claim:{fund}", sequence)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
