"""Events: what is said when the told status of a scope changes, and on which topic.

The body of an event and its digest live here; when one is due is decided by the engine, how it is encoded by the codec.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from monitor.core.accounts import EMPTY, Account
from monitor.core.amounts import format_amount
from monitor.core.inputs import Cause, CauseKind
from monitor.core.ladder import Ladder, MarginStatus, worse_of
from monitor.core.plan.plan import PLANNED
from monitor.core.ratios import margin_ratio, risk_ratio
from monitor.core.told import Told, event_id, named_event_id
from monitor.core.transfers import deposit_to_clear
from monitor.core.verdict import Verdict

SCHEMA = 1


class Channel(StrEnum):
    """Name the three topics that carry events."""

    MARGIN_CALLS = "margin_calls"
    LIQUIDATIONS = "liquidations"
    ADL_EVENTS = "adl_events"


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one event ready to be encoded; `severity` is the rank that orders a storm, the worst first."""

    channel: Channel
    severity: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """Say why and when a step decides."""

    cause: Cause
    decided_at_ms: int


Moves = Mapping[str, Decimal]
"""The relative move of each symbol a price message has moved."""


def because(moment: Moment, account: Account, moves: Moves | None) -> Moment:
    """Return the moment with the symbol that moved most, of those the account holds where it holds any."""
    if not moves:
        return moment
    held = [symbol for symbol in {symbol for symbol, _ in account.positions} if symbol in moves]
    symbol = max(sorted(held or moves), key=lambda name: moves[name])
    return Moment(Cause(CauseKind.MARK_PRICE, moment.cause.origin, symbol), moment.decided_at_ms)


def channel_of(status: MarginStatus) -> Channel:
    """Return the topic of events whose worse end is `status`."""
    if status is MarginStatus.BANKRUPT:
        return Channel.ADL_EVENTS
    return Channel.LIQUIDATIONS if status.rank >= MarginStatus.LIQUIDATION.rank else Channel.MARGIN_CALLS


def change_event(
    account: Account,
    verdict: Verdict,
    before: Told,
    after: Told,
    ladder: Ladder,
    moment: Moment,
    price_time_ms: int | None,
    evidence: Mapping[str, Any],
    plan: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] = EMPTY,
) -> Event:
    """Return the event of a scope that goes from what was told `before` to what is told `after`.

    `more` is what else is known of the scope and follows from the evidence.
    """
    scope = verdict.assessment.scope
    event_type = "recovered" if after.status is MarginStatus.HEALTHY else str(after.status)
    body = _head(account, scope, event_type, before, after)
    body |= {
        "raw_status": verdict.raw_status,
        "direction": direction(before, after),
        "degraded": list(verdict.degraded),
        "suspect": account.suspect,
        **figures(verdict, ladder),
        "threshold": threshold(before, after, ladder),
        **more,
    }
    if plan is not None:
        body["plan"] = plan
    if verdict.status is MarginStatus.BANKRUPT and not verdict.assessment.legs:
        body["debt"] = True
    if verdict.unknown_because:
        body["unknown_because"] = list(verdict.unknown_because)
    return _finished(body, account, before, after, moment, price_time_ms, evidence)


def closed_event(
    account: Account, scope: str, before: Told, after: Told, ladder: Ladder, moment: Moment, evidence: Mapping[str, Any]
) -> Event:
    """Return the event of a scope that was not healthy and has ceased to exist."""
    body = _head(account, scope, "closed", before, after)
    body |= {
        "raw_status": after.status,
        "direction": direction(before, after),
        "degraded": [],
        "suspect": account.suspect,
        **dict.fromkeys(_FIGURES),
        "threshold": threshold(before, after, ladder),
    }
    return _finished(body, account, before, after, moment, None, evidence)


_FIGURES = ("equity", "maintenance_margin", "margin_ratio", "risk_ratio", "deposit_to_clear")


def figures(verdict: Verdict, ladder: Ladder) -> dict[str, str | None]:
    """Return the figures an event states; all null in an `unknown` one."""
    equity, requirement = verdict.assessment.equity, verdict.assessment.maintenance_margin
    if verdict.status is MarginStatus.UNKNOWN or equity is None or requirement is None:
        return dict.fromkeys(_FIGURES)
    return {
        "equity": format_amount(equity),
        "maintenance_margin": format_amount(requirement),
        "margin_ratio": margin_ratio(equity, requirement),
        "risk_ratio": risk_ratio(equity, requirement),
        "deposit_to_clear": format_amount(deposit_to_clear(equity, requirement, ladder)),
    }


def direction(before: Told, after: Told) -> str:
    """Return `better` when the new status is healthy or milder than the last known one, else `worse`."""
    if after.status is MarginStatus.HEALTHY:
        return "better"
    if after.status is MarginStatus.UNKNOWN:
        return "worse"
    return "better" if after.status.rank < before.last_status.rank else "worse"


def deserves_plan(before: Told, after: Told, *, suspect: bool) -> bool:
    """Return whether an event carries a plan: it is about a liquidation that got worse, and the facts are not suspect.

    The first event after an unknown status counts as worse where the new status is no better than the last known one.
    """
    return after.status in PLANNED and direction(before, after) == "worse" and not suspect


def threshold(before: Told, after: Told, ladder: Ladder) -> str | None:
    """Return the line that was crossed: the new status's when worse, the left one's when better, 0 for bankrupt."""
    if after.status is MarginStatus.UNKNOWN:
        return None
    crossed = after.status if direction(before, after) == "worse" else before.last_status
    if crossed is MarginStatus.BANKRUPT:
        return "0"
    k: Fraction | None = ladder.threshold(crossed)
    return None if k is None else format_amount(k)


def digest_of(body: Mapping[str, Any]) -> str:
    """Return sha256 of the canonical JSON (sorted keys, no spaces, UTF-8) of an event without its `digest`."""
    plain = {key: value for key, value in body.items() if key != "digest"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _head(account: Account, scope: str, event_type: str, before: Told, after: Told) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "event_id": event_id(account.account_id, scope, after.sequence),
        "sequence": after.sequence,
        "event_type": event_type,
        "account_id": account.account_id,
        "scope": scope,
        "episode": after.episode,
        "previous_status": before.status,
        "status": after.status,
    }


def _finished(
    body: dict[str, Any],
    account: Account,
    before: Told,
    after: Told,
    moment: Moment,
    price_time_ms: int | None,
    evidence: Mapping[str, Any],
) -> Event:
    if MarginStatus.UNKNOWN in (before.status, after.status):
        body["last_status"] = before.last_status
    labels = account.settings.raw.get("labels")
    if labels is not None:
        body["labels"] = labels
    body |= {
        "cause": moment.cause.body(),
        "price_time_ms": price_time_ms,
        "decided_at_ms": moment.decided_at_ms,
        "account_version": account.version,
        "evidence": evidence,
    }
    body["digest"] = digest_of(body)
    known_after = before.last_status if after.status is MarginStatus.UNKNOWN else after.status
    worse = worse_of(before.last_status, known_after)
    return Event(channel_of(worse), worse.rank, body)


def adl_watch_event(
    account: Account,
    scope: str,
    after: Told,
    positions: Sequence[Mapping[str, Any]],
    counterparties: list[dict[str, Any]],
    moment: Moment,
) -> Event:
    """Return the indicative `adl_watch` of an episode: outside the chain, one for each episode.

    `positions` state what would be taken over and at which bankruptcy price, `counterparties` whom a deleveraging would
    reach first, as far as the queue was known.
    """
    body = {
        "schema": SCHEMA,
        "event_id": named_event_id(account.account_id, scope, "adl_watch", after.episode),
        "event_type": "adl_watch",
        "account_id": account.account_id,
        "scope": scope,
        "episode": after.episode,
        "status": after.status,
        "suspect": account.suspect,
        "positions": positions,
        "counterparties": counterparties,
        "cause": moment.cause.body(),
        "decided_at_ms": moment.decided_at_ms,
        "account_version": account.version,
    }
    body["digest"] = digest_of(body)
    return Event(Channel.ADL_EVENTS, after.status.rank, body)
