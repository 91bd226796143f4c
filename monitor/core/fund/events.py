"""ADL events: what is told of a bankruptcy its fund may not, or does not, cover; outside every chain.

The bodies, their ids and their evidence live here; who decides is the desk, who writes them the shard of the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.core.amounts import format_amount
from monitor.core.events import SCHEMA, Channel, Event, digest_of
from monitor.core.fund.claims import BankruptScope, Claim, ClaimedPosition
from monitor.core.fund.shortfall import Share
from monitor.core.ladder import MarginStatus
from monitor.core.told import named_event_id

CANDIDATE = "adl_candidate"
TRIGGERED = "adl_triggered"
SELECTED = "adl_selected"


def named_after(bankrupt: Mapping[str, Any], event_type: str, payer: str) -> str:
    """Return the id of an event about a bankruptcy and who was to pay: the same whoever makes it."""
    name = f"{event_type}:{payer}"
    return named_event_id(bankrupt["account_id"], bankrupt["scope"], name, bankrupt["sequence"])


def orphan_candidate(bankrupt: BankruptScope, share: Share) -> Event:
    """Return the `adl_candidate` of a share that no fund is known for: the bankrupt shard tells it by itself."""
    body = _body(bankrupt, CANDIDATE, share.asset, share.positions) | {
        "because": share.because,
        "claim_id": None,
        "fund": None,
        "asset": share.asset,
        "shortfall": format_amount(share.amount),
        "decided_at_ms": bankrupt.decided_at_ms,
        "evidence": {},
    }
    return event_of(body)


def claim_candidate(claim: Claim, because: str, evidence: Mapping[str, Any], decided_at_ms: int) -> dict[str, Any]:
    """Return the body of the `adl_candidate` that a fund's keeper has the bankrupt shard tell."""
    body = claim_body(claim, CANDIDATE) | {
        "because": because,
        "decided_at_ms": decided_at_ms,
        "evidence": {"claim": claim.body(), **evidence},
    }
    return finished(body)


def claim_body(claim: Claim, event_type: str) -> dict[str, Any]:
    """Return what every event about a claim begins with."""
    return _body(claim.bankrupt, event_type, claim.fund, claim.positions) | {
        "claim_id": claim.claim_id,
        "fund": claim.fund,
        "asset": claim.figure.asset,
        "shortfall": format_amount(claim.amount),
    }


def finished(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with its digest."""
    return body | {"digest": digest_of(body)}


def event_of(body: dict[str, Any]) -> Event:
    """Return a body as an event to be told at once."""
    return Event(Channel.ADL_EVENTS, MarginStatus.BANKRUPT.rank, finished(body))


def _body(bankrupt: BankruptScope, event_type: str, payer: str, positions: Sequence[ClaimedPosition]) -> dict[str, Any]:
    facts = {"account_id": bankrupt.account_id, "scope": bankrupt.scope, "sequence": bankrupt.sequence}
    return {
        "schema": SCHEMA,
        "event_id": named_after(facts, event_type, payer),
        "event_type": event_type,
        "account_id": bankrupt.account_id,
        "scope": bankrupt.scope,
        "episode": bankrupt.episode,
        "bankrupt_event_id": bankrupt.event_id,
        "bankrupt_sequence": bankrupt.sequence,
        "suspect": bankrupt.suspect,
        "positions": [position.body() for position in positions],
        "cause": dict(bankrupt.cause),
        "account_version": bankrupt.account_version,
    }
