"""Verification: an event computed again from its own evidence, term by term, by the exact implementation.

What must agree and in which order it is compared lives here; reading the evidence is the wire's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.core.accounts import Account
from monitor.core.amounts import exactly
from monitor.core.document import Document
from monitor.core.events import SCHEMA, deserves_plan, digest_of, direction, figures, threshold
from monitor.core.fund.proof import OF_FUNDS, fund_terms
from monitor.core.funding import FUNDING_FIGURES, funding_figures
from monitor.core.ladder import MarginStatus
from monitor.core.margin import assess
from monitor.core.plan.body import plan_body
from monitor.core.plan.plan import plan_of
from monitor.core.quality.proof import band_terms, price_terms, word_terms
from monitor.core.rules.proof import rule_terms
from monitor.core.scopes import kind_of, scope_names
from monitor.core.told import Told, event_id, named_event_id
from monitor.core.verdict import Band, Verdict, decide

_ABSENT = "(absent)"


class Difference(NamedTuple):
    """Name one term of an event that does not follow from its evidence."""

    term: str
    stated: Any
    computed: Any


class BadEvidence(ValueError):
    """Evidence that cannot be evaluated: it is not what an event carries."""


@exactly
def first_difference(event: Mapping[str, Any], document: Document | None) -> Difference | None:
    """Return the first term of an event that its evidence does not give, None when all agree.

    `document` is the event's `evidence.document`, read; None for an event that has none. Raises `BadEvidence`.
    """
    try:
        for term, stated, computed in _terms(event, document):
            if stated != computed:
                return Difference(term, stated, computed)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise BadEvidence(f"the event is not complete: {type(error).__name__} {error}") from error
    return None


def _terms(event: Mapping[str, Any], document: Document | None) -> Iterator[tuple[str, Any, Any]]:
    if "rule_sequence" in event:
        if document is None:
            raise BadEvidence("evidence.document is missing")
        yield from rule_terms(event, document)
    elif event["event_type"] in OF_FUNDS:
        yield from fund_terms(event)
    elif "sequence" not in event:
        name, number = event["event_type"], event["episode"]
        yield "event_id", event["event_id"], named_event_id(event["account_id"], event["scope"], name, number)
    elif document is None:
        raise BadEvidence("evidence.document is missing")
    else:
        yield from _chain_terms(event, document)
    yield "digest", event["digest"], digest_of(event)


def _chain_terms(event: Mapping[str, Any], document: Document) -> Iterator[tuple[str, Any, Any]]:
    scope, account_id = event["scope"], event["account_id"]
    before, after = _memory(event)
    yield "schema", event["schema"], SCHEMA
    yield "event_id", event["event_id"], event_id(account_id, scope, event["sequence"])
    account, last = account_of(event, document)
    ends_unknown = "last_status" in event and after.status is not MarginStatus.UNKNOWN
    yield "last_status", event.get("last_status", last), str(last)
    yield "previous_status", event["previous_status"], "unknown" if ends_unknown else str(last)
    if event["event_type"] == "closed":
        yield from _closed_terms(event, document, account)
    else:
        yield from _verdict_terms(event, document, account, last)
    ladder = document.ladders.of(kind_of(account, scope))
    yield "direction", event["direction"], direction(before, after)
    yield "threshold", event["threshold"], threshold(before, after, ladder)


def _memory(event: Mapping[str, Any]) -> tuple[Told, Told]:
    """Return what was told before and after an event, as the event itself states it."""
    previous, status = MarginStatus(event["previous_status"]), MarginStatus(event["status"])
    last = MarginStatus(event.get("last_status", previous))
    known = last if status is MarginStatus.UNKNOWN else status
    return Told(previous, last, event["sequence"] - 1), Told(status, known, event["sequence"])


def account_of(event: Mapping[str, Any], document: Document) -> tuple[Account, MarginStatus]:
    """Return the account of the evidence and the last known status it states for the scope."""
    if not document.accounts:
        return Account(event["account_id"], deleted=True), MarginStatus(event["evidence"]["last_status"])
    (only,) = document.accounts
    if only.account.account_id != event["account_id"]:
        raise BadEvidence(f"evidence is about {only.account.account_id}")
    account = replace(only.account, complete="incomplete" not in event["evidence"])
    return account, only.previous_status.get(event["scope"], MarginStatus.HEALTHY)


def _closed_terms(event: Mapping[str, Any], document: Document, account: Account) -> Iterator[tuple[str, Any, Any]]:
    yield "status", event["status"], str(MarginStatus.HEALTHY)
    exists = event["scope"] in scope_names(account, document.market)
    yield "evidence.document.accounts", f"{event['scope']} exists" if exists else "", ""
    yield "raw_status", event["raw_status"], str(MarginStatus.HEALTHY)
    yield "degraded", event["degraded"], []
    for name in ("equity", "maintenance_margin", "margin_ratio", "risk_ratio", "deposit_to_clear", "price_time_ms"):
        yield name, event[name], None


def _verdict_terms(
    event: Mapping[str, Any], document: Document, account: Account, last: MarginStatus
) -> Iterator[tuple[str, Any, Any]]:
    verdict = verdict_again(event, document, account, last)
    ladder = document.ladders.of(verdict.assessment.kind)
    for name, value in figures(verdict, ladder).items():
        yield name, event[name], value
    known = verdict.status is not MarginStatus.UNKNOWN
    funding = funding_figures(account, verdict.assessment, document.market) if known else {}
    for name in FUNDING_FIGURES:
        yield name, event.get(name), funding.get(name)
    yield "raw_status", event["raw_status"], str(verdict.raw_status)
    yield "status", event["status"], str(verdict.status)
    yield "unknown_because", event.get("unknown_because", []), list(verdict.unknown_because)
    yield "degraded", event["degraded"], event["evidence"].get("degraded", [])
    yield from _quality_terms(event, verdict)
    healthy = verdict.status is MarginStatus.HEALTHY
    yield "event_type", event["event_type"], "recovered" if healthy else str(verdict.status)
    yield from _plan_terms(event, document, account, verdict)
    yield "price_time_ms", event["price_time_ms"], _oldest_price_ms(event, verdict)
    debt = verdict.status is MarginStatus.BANKRUPT and not verdict.assessment.legs
    yield "debt", event.get("debt", False), debt
    yield "labels", event.get("labels"), account.settings.raw.get("labels")


def _quality_terms(event: Mapping[str, Any], verdict: Verdict) -> Iterator[tuple[str, Any, Any]]:
    """Yield how each price was found to count, or not to; a quarantined one must have been judged as such."""
    evidence = event["evidence"]
    yield from price_terms(evidence)
    if verdict.assessment.unknown_because:
        return
    yield from band_terms(evidence)
    used = {leg.position.symbol for leg in verdict.assessment.legs}
    yield from word_terms("degraded", event["degraded"], evidence, used)
    tried = [band.name for band in verdict.bands if band.doubt == "quarantined_price"]
    quarantined = [symbol for symbol, origin in evidence["price_origins"].items() if "quarantined" in origin]
    yield "evidence.bands", sorted(tried), sorted(quarantined)
    off = {name for name, peg in evidence.get("asset_quality", {}).items() if not peg["believed"]}
    needed = {band.name for band in verdict.bands if band.is_asset}
    yield "evidence.bands", sorted(needed & off), sorted(off & set(verdict.assessment.assets))


def plan_again(
    event: Mapping[str, Any], document: Document, account: Account, verdict: Verdict
) -> dict[str, Any] | None:
    """Return the plan that the evidence of an event gives, None where the event should have none."""
    if not deserves_plan(*_memory(event), suspect=event["suspect"]):
        return None
    ladder = document.ladders.of(verdict.assessment.kind)
    plan = plan_of(account, verdict.assessment, document.market, ladder, document.liquidation)
    return None if plan is None else plan_body(plan)


def _plan_terms(
    event: Mapping[str, Any], document: Document, account: Account, verdict: Verdict
) -> Iterator[tuple[str, Any, Any]]:
    yield from _each("plan", event.get("plan"), plan_again(event, document, account, verdict))


def _each(term: str, stated: Any, computed: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the terms inside two values, down to what can differ."""
    if isinstance(stated, dict) and isinstance(computed, dict):
        for name in dict.fromkeys((*computed, *stated)):
            yield from _each(f"{term}.{name}", stated.get(name, _ABSENT), computed.get(name, _ABSENT))
    elif isinstance(stated, list) and isinstance(computed, list) and len(stated) == len(computed):
        for number, (one, other) in enumerate(zip(stated, computed, strict=True)):
            yield from _each(f"{term}[{number}]", one, other)
    else:
        yield term, stated, computed


def _oldest_price_ms(event: Mapping[str, Any], verdict: Verdict) -> int | None:
    origins = event["evidence"]["price_origins"]
    symbols = {leg.position.symbol for leg in verdict.assessment.legs}
    return min((origins[symbol]["event_time_ms"] for symbol in symbols if symbol in origins), default=None)


def verdict_again(event: Mapping[str, Any], document: Document, account: Account, last: MarginStatus) -> Verdict:
    """Return the verdict that the evidence of an event gives."""
    evidence = event["evidence"]
    assessment = assess(account, event["scope"], document.market)
    if assessment.unknown_because:
        return Verdict(assessment, MarginStatus.UNKNOWN, MarginStatus.UNKNOWN, assessment.unknown_because)
    bands = tuple(_band(item) for item in evidence.get("bands", ()))
    degraded = tuple(evidence.get("degraded", ()))
    return decide(account, assessment, document.market, document.ladders, last, degraded, bands)


def _band(item: Mapping[str, Any]) -> Band:
    is_asset = "asset" in item
    name = item["asset" if is_asset else "symbol"]
    doubt = item.get("doubt", "stale_asset" if is_asset else "stale_price")
    return Band(name, is_asset, Decimal(item["low"]), Decimal(item["high"]), doubt)
