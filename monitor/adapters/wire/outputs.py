"""Shapes of the outputs: what events, statuses, dead letters and reports promise their readers.

They are declared for the schemas in `docs/schemas` and for the tests that hold real outputs against them; the bodies
themselves are built in the core. Fields may be added, so that a reader must let pass what it does not know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from monitor.adapters.wire.document_shapes import Told
from monitor.adapters.wire.faults import Code
from monitor.adapters.wire.plan_shapes import Figure, Plan
from monitor.adapters.wire.portfolio_outputs import PortfolioReport
from monitor.adapters.wire.shapes import AccountId, Count, Millis, Quantile
from monitor.core.accounts import MarginMode, Side
from monitor.core.ladder import MarginStatus
from monitor.core.rules.parameters import Rule

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="sha256 of the canonical JSON without `digest`")]
Number = Annotated[str, Meta(pattern=r"^-?[0-9]+$", description="a whole number as text")]
EventId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
Ineligible = Annotated[list[str], Meta(description="why a portfolio account is margined as multi_asset")]
Scope = Annotated[str, Meta(description="cross:<asset>, cross:USD, portfolio or isolated:<symbol>:<side>")]


class PositionReport(Struct, kw_only=True):
    """State the figures of one position, in its settle asset."""

    symbol: str
    side: Side
    quantity: Figure
    entry_price: Figure
    mark_price: Figure | None
    notional: Figure | None
    unrealized_pnl: Figure | None
    initial_margin: Figure | None
    maintenance_margin: Figure | None
    bracket: Count | None
    liquidation_price: Figure | None
    distance: Figure | None
    bankruptcy_price: Figure | None
    max_position_quantity: Figure | None
    liquidation_price_mark_only: Figure | UnsetType | None = UNSET
    recovery: bool | UnsetType = UNSET
    adl_quantile: Quantile | UnsetType | None = UNSET


class ScopeReport(Struct, kw_only=True):
    """State the figures of one scope, in the asset it is named after (USD for `cross:USD` and `portfolio`)."""

    scope: Scope
    margin_mode: MarginMode
    equity: Figure | None
    wallet_balance: Figure | None
    unrealized_pnl: Figure | None
    initial_margin: Figure | None
    maintenance_margin: Figure | None
    available_margin: Figure | None
    margin_ratio: Figure | None
    risk_ratio: Figure | None
    status: MarginStatus
    degraded: list[str]
    unknown_because: list[str]
    deposit_to_clear: Figure | None
    max_transfer_out: Figure | None
    margin_utilization: Figure | None
    positions: list[PositionReport]
    funding_due: Figure | UnsetType = UNSET
    equity_after_funding: Figure | UnsetType = UNSET
    next_funding_time_ms: Millis | UnsetType = UNSET
    portfolio: PortfolioReport | UnsetType | None = UNSET
    ineligible: Ineligible | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET


class AccountReport(Struct, kw_only=True):
    """State every scope of one account."""

    account_id: AccountId
    scopes: list[ScopeReport]


class Report(Struct, kw_only=True):
    """State what `liqmon evaluate` found for each account of a document."""

    accounts: list[AccountReport]


class AccountStatus(ScopeReport, kw_only=True):
    """State how a scope stands now: the value of an `account-status` record (null when the scope is gone)."""

    account_id: AccountId
    sequence: Count
    episode: Count
    raw_status: MarginStatus
    suspect: bool
    account_version: Count
    event_time_ms: Millis


class Cause(Struct, kw_only=True):
    """State which message, or what else, made a verdict change."""

    kind: Literal["mark_price", "account_event", "instrument", "asset", "clock", "start"]
    symbol: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    partition: Count | UnsetType = UNSET
    offset: Count | UnsetType = UNSET


class Event(Struct, kw_only=True):
    """State one change of the told status of a scope: a link of its chain, numbered by `sequence`."""

    schema: Literal[1]
    event_id: EventId
    sequence: Annotated[int, Meta(ge=1)]
    event_type: Literal[
        "watch",
        "warning",
        "margin_call",
        "liquidation",
        "critical",
        "takeover",
        "bankrupt",
        "unknown",
        "recovered",
        "closed",
    ]
    account_id: AccountId
    scope: Scope
    episode: Count
    previous_status: MarginStatus
    status: MarginStatus
    raw_status: MarginStatus
    direction: Literal["better", "worse"]
    degraded: list[str]
    suspect: bool
    equity: Figure | None
    maintenance_margin: Figure | None
    margin_ratio: Figure | None
    risk_ratio: Figure | None
    threshold: str | None
    deposit_to_clear: Figure | None
    cause: Cause
    price_time_ms: Millis | None
    decided_at_ms: Millis
    account_version: Count
    evidence: dict[str, Any]
    digest: Digest
    plan: Plan | UnsetType = UNSET
    last_status: Told | UnsetType = UNSET
    unknown_because: list[str] | UnsetType = UNSET
    debt: Literal[True] | UnsetType = UNSET
    labels: dict[str, str] | list[str] | UnsetType = UNSET
    funding_due: Figure | UnsetType = UNSET
    equity_after_funding: Figure | UnsetType = UNSET
    next_funding_time_ms: Millis | UnsetType = UNSET


class RuleEvent(Struct, kw_only=True):
    """State that a level of an account's own rule was crossed; outside the chains, numbered by `rule_sequence`.

    `scope`, `sector`, `sectors`, `symbol`, `long` and `short` name what was measured.
    """

    schema: Literal[1]
    event_id: EventId
    event_type: Rule
    rule_sequence: Annotated[int, Meta(ge=1)]
    account_id: AccountId
    level: Figure
    value: Figure | None
    rearm_threshold: Figure
    suspect: bool
    degraded: list[str]
    cause: Cause
    decided_at_ms: Millis
    account_version: Count
    evidence: dict[str, Any]
    digest: Digest
    scope: Scope | UnsetType = UNSET
    labels: dict[str, str] | list[str] | UnsetType = UNSET
    equity: Figure | UnsetType = UNSET
    initial_margin: Figure | UnsetType = UNSET
    sector: str | UnsetType = UNSET
    sectors: Annotated[list[str], Meta(min_length=2, max_length=2)] | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    long: list[str] | UnsetType = UNSET
    short: list[str] | UnsetType = UNSET
    sector_notional: Figure | UnsetType = UNSET
    gross_notional: Figure | UnsetType = UNSET
    liquidation_price: Figure | UnsetType = UNSET
    mark_price: Figure | UnsetType = UNSET
    samples: Count | UnsetType = UNSET
    maintenance_margin: Figure | UnsetType = UNSET
    funding_due: Figure | UnsetType = UNSET
    equity_after_funding: Figure | UnsetType = UNSET
    next_funding_time_ms: Millis | UnsetType = UNSET
    total_equity: Figure | UnsetType = UNSET
    fallen_from: Figure | UnsetType = UNSET


class TakeoverPosition(Struct, kw_only=True):
    """State a position that would be taken over, and at which price."""

    symbol: str
    side: Side
    quantity: Figure
    entry_price: Figure
    mark_price: Figure | None
    bankruptcy_price: Figure | None


class Reached(Struct, kw_only=True):
    """State a holder that ADL reaches: what its leg on `side` loses, unsigned, and its place in the queue, from 1."""

    account_id: AccountId
    scope: Scope
    side: Side
    quantity: Figure
    rank: Annotated[int, Meta(ge=1)]
    score: Figure
    breaks_hedge: bool
    equity_at_risk: Figure | None


class Counterparty(Reached, kw_only=True):
    """State one of the first holders ADL would reach, and of which symbol."""

    symbol: str


class AdlWatch(Struct, kw_only=True):
    """State that an episode has come close to ADL; outside the chain, one for each episode."""

    schema: Literal[1]
    event_id: EventId
    event_type: Literal["adl_watch"]
    account_id: AccountId
    scope: Scope
    episode: Count
    status: MarginStatus
    suspect: bool
    positions: list[TakeoverPosition]
    counterparties: list[Counterparty]
    cause: Cause
    decided_at_ms: Millis
    account_version: Count
    digest: Digest


class DeadLetterHeaders(Struct, kw_only=True, rename="kebab"):
    """State the headers of a dead letter, UTF-8 text each; its key and value are those of the bad message."""

    error_code: Code
    error_message: str
    original_topic: str
    original_partition: Number
    original_offset: Number
    original_timestamp_ms: Number
    error_path: str | UnsetType = UNSET
    truncated: Literal["true"] | UnsetType = UNSET
    original_size: Number | UnsetType = UNSET
