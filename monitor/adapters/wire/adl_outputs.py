"""Shapes of the ADL events that are told of a bankruptcy: what their readers may rely on.

They are declared for the schemas in `docs/schemas`; the bodies are built in the core.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from monitor.adapters.wire.outputs import Cause, Digest, EventId, Reached, Scope
from monitor.adapters.wire.plan_shapes import Figure
from monitor.adapters.wire.shapes import AccountId, Count, Millis
from monitor.core.accounts import Side
from monitor.core.adl.settings import AdlPrice, AdlRanking


class PricePlace(Struct, kw_only=True):
    """Point at the price a position was judged at, in `mark-prices`."""

    partition: Count
    offset: Count
    event_time_ms: Millis


class ClaimedPosition(Struct, kw_only=True):
    """State a position of a bankrupt scope; `amount` is its share of the shortfall, in the fund's asset."""

    symbol: str
    side: Side
    quantity: Figure
    entry_price: Figure
    mark_price: Figure
    previous_mark: Figure | None
    bankruptcy_price: Figure | None
    amount: Figure
    price_origin: PricePlace


class _OfBankruptcy(Struct, kw_only=True):
    """State whose bankruptcy an event is about, and what is lacking."""

    schema: Literal[1]
    event_id: EventId
    account_id: AccountId
    scope: Scope
    episode: Count
    bankrupt_event_id: EventId
    bankrupt_sequence: Count
    suspect: bool
    cause: Cause
    account_version: Count
    asset: Annotated[str, Meta(description="the asset of `shortfall`: the fund's, or the positions' without one")]
    shortfall: Figure
    decided_at_ms: Millis
    evidence: dict[str, Any]
    digest: Digest


class Counterparty(Reached, kw_only=True):
    """State who takes over how much of a position, and the event that tells it so."""

    event_id: EventId


class DeleveragedPosition(ClaimedPosition, kw_only=True):
    """State at which price a position changes hands and who takes it over; all quantities sum to its own."""

    price: Figure
    counterparties: list[Counterparty]
    unfilled_quantity: Figure


class AdlTriggered(_OfBankruptcy, kw_only=True):
    """State that a fund does not cover a bankruptcy, and who would be deleveraged for it; outside the chain."""

    event_type: Literal["adl_triggered"]
    claim_id: EventId
    fund: str
    positions: list[DeleveragedPosition]
    price_rule: AdlPrice
    ranking: AdlRanking
    queue_covers_prices: Annotated[
        bool, Meta(description="whether the queue had caught up with the prices of the bankruptcy when it was asked")
    ]
    selected_at_ms: Millis


class ServedBankruptcy(Struct, kw_only=True):
    """Name the bankrupt position somebody is selected for; `event_id` is that of the `adl_triggered`."""

    account_id: AccountId
    scope: Scope
    side: Side
    claim_id: EventId
    event_id: EventId
    bankrupt_event_id: EventId


class AdlSelected(Struct, kw_only=True):
    """State that an account would lose part of a position to deleveraging; outside the chain."""

    schema: Literal[1]
    event_id: EventId
    event_type: Literal["adl_selected"]
    account_id: AccountId
    scope: Scope
    symbol: str
    side: Side
    quantity: Figure
    price: Figure
    rank: Annotated[int, Meta(ge=1)]
    score: Figure
    breaks_hedge: bool
    equity_at_risk: Figure | None
    serves: ServedBankruptcy
    cause: Cause
    decided_at_ms: Millis
    digest: Digest


class AdlCandidate(_OfBankruptcy, kw_only=True):
    """State that nobody can say whether a bankruptcy will be covered, and why; outside the chain."""

    event_type: Literal["adl_candidate"]
    because: Annotated[str, Meta(description="fund_unknown, settling, suspect, desk or missing_asset:<asset>")]
    claim_id: EventId | None
    fund: str | None
    positions: list[ClaimedPosition]
