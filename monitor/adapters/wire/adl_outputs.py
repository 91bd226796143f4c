"""Shapes of the ADL events that are told of a bankruptcy: what their readers may rely on.

They are declared for the schemas in `docs/schemas`; the bodies are built in the core.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from monitor.adapters.wire.outputs import Cause, Digest, EventId, Scope
from monitor.adapters.wire.plan_shapes import Figure
from monitor.adapters.wire.shapes import AccountId, Count, Millis
from monitor.core.accounts import Side


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
    price: PricePlace


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


class AdlCandidate(_OfBankruptcy, kw_only=True):
    """State that nobody can say whether a bankruptcy will be covered, and why; outside the chain."""

    event_type: Literal["adl_candidate"]
    because: Annotated[str, Meta(description="fund_unknown, settling, suspect, desk or missing_asset:<asset>")]
    claim_id: EventId | None
    fund: str | None
    positions: list[ClaimedPosition]
