"""ADL events: what is told of a bankruptcy its fund may not, or does not, cover; outside every chain.

The bodies, their ids and their evidence live here; who decides is the desk, who writes them the shard of the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.core.adl.counterparties import chosen_body
from monitor.core.adl.settings import AdlSettings
from monitor.core.amounts import format_amount
from monitor.core.events import SCHEMA, Channel, Event, digest_of
from monitor.core.fund.claims import BankruptScope, Claim, Stated
from monitor.core.fund.entries import Entry
from monitor.core.fund.selector import Found
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


def triggered(
    entry: Entry, found: Sequence[Found], adl: AdlSettings, now_ms: int, *, covers: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the body of the `adl_triggered` of a claim, and of the `adl_selected` of everybody chosen for it."""
    claim = entry.claim
    body = claim_body(claim, TRIGGERED)
    selected = [_selected(claim, body["event_id"], each, chosen, now_ms) for each in found for chosen in _chosen(each)]
    body |= {
        "positions": [_deleveraged(claim, each) for each in found],
        "price_rule": str(adl.price),
        "ranking": str(adl.ranking),
        "queue_covers_prices": covers,
        "decided_at_ms": entry.since_ms,
        "selected_at_ms": now_ms,
        "evidence": {"claim": claim.body(), **entry.evidence},
    }
    return finished(body), [finished(one) for one in selected]


def _deleveraged(claim: Claim, found: Found) -> dict[str, Any]:
    ids = {"counterparties": [one | {"event_id": _selected_id(claim, found, one)} for one in _chosen(found)]}
    unfilled = format_amount(found.selection.unfilled_quantity)
    return found.position.body() | {"price": format_amount(found.price)} | ids | {"unfilled_quantity": unfilled}


def _selected(claim: Claim, triggered_id: str, found: Found, chosen: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "event_id": _selected_id(claim, found, chosen),
        "event_type": SELECTED,
        **chosen,
        "symbol": found.position.symbol,
        "price": format_amount(found.price),
        "serves": {
            "account_id": claim.bankrupt.account_id,
            "scope": claim.bankrupt.scope,
            "side": str(found.position.side),
            "claim_id": claim.claim_id,
            "event_id": triggered_id,
            "bankrupt_event_id": claim.bankrupt.event_id,
        },
        "cause": dict(claim.bankrupt.cause),
        "decided_at_ms": now_ms,
    }


def _chosen(found: Found) -> list[dict[str, Any]]:
    return [chosen_body(chosen) for chosen in found.selection.chosen]


def _selected_id(claim: Claim, found: Found, chosen: Mapping[str, Any]) -> str:
    return selected_id(chosen, claim.claim_id, found.position.symbol, str(found.position.side))


def selected_id(chosen: Mapping[str, Any], claim_number: str, symbol: str, side: str) -> str:
    """Return the id of the event that tells a counterparty what it loses to a bankrupt position."""
    name = f"{SELECTED}:{claim_number}:{symbol}:{side}:{chosen['side']}"
    return named_event_id(chosen["account_id"], chosen["scope"], name, chosen["rank"])


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


def _body(bankrupt: BankruptScope, event_type: str, payer: str, positions: Sequence[Stated]) -> dict[str, Any]:
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
