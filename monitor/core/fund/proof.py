"""The proof of an ADL event: the decision, the prices and the sums computed again from what the event states.

What must agree lives here; the digest, and events of chains, are `verify`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from monitor.core.adl.settings import AdlPopulation, AdlPrice, AdlSettings, AdlTrigger
from monitor.core.amounts import exactly, format_amount
from monitor.core.fund.claims import Claim, ClaimedPosition, claim_id
from monitor.core.fund.decision import FundView, decide
from monitor.core.fund.events import CANDIDATE, SELECTED, TRIGGERED, named_after, selected_id
from monitor.core.fund.evidence import drawdown_of
from monitor.core.fund.selector import price_of

Term = tuple[str, Any, Any]
OF_FUNDS = frozenset({CANDIDATE, TRIGGERED, SELECTED})


def fund_terms(event: Mapping[str, Any]) -> Iterator[Term]:
    """Yield (term, stated, computed) for an event about a claim; what is missing raises KeyError."""
    if event["event_type"] == SELECTED:
        yield from _selected_terms(event)
        return
    facts = {name: event[name] for name in ("account_id", "scope")} | {"sequence": event["bankrupt_sequence"]}
    payer = event["fund"] or event["asset"]
    yield "event_id", event["event_id"], named_after(facts, event["event_type"], payer)
    if event["claim_id"] is None:
        return
    claim = Claim.of(event["evidence"]["claim"])
    number = claim_id(event["account_id"], event["scope"], event["bankrupt_sequence"], event["fund"])
    yield "claim_id", event["claim_id"], number
    yield "evidence.claim.claim_id", claim.claim_id, number
    yield "shortfall", event["shortfall"], format_amount(claim.amount)
    yield "suspect", event["suspect"], claim.bankrupt.suspect
    yield from _decision_terms(event, claim)
    if event["event_type"] == TRIGGERED:
        for index, (position, claimed) in enumerate(zip(event["positions"], claim.positions, strict=True)):
            yield from _position_terms(f"positions[{index}]", event, position, claimed)


def _decision_terms(event: Mapping[str, Any], claim: Claim) -> Iterator[Term]:
    rule, fund = event["evidence"]["rule"], event["evidence"]["fund"]
    settings = AdlSettings(
        trigger=AdlTrigger(rule["trigger"]),
        drawdown=Decimal(rule["drawdown"]),
        window_ms=rule["window_ms"],
        population=AdlPopulation(rule["population"]),
    )
    view = None if fund is None else _view(fund)
    if fund is not None and view is not None:
        yield from _fund_terms(fund, view)
    decision = decide(claim, view, settings)
    yield "event_type", event["event_type"], f"adl_{decision.kind}"
    yield "because", event.get("because", ""), decision.because


@exactly
def _fund_terms(fund: Mapping[str, Any], view: FundView) -> list[Term]:
    listed = sum((Decimal(each["amount"]) for each in fund["open_claims"]), Decimal(0))
    return [
        ("evidence.fund.claimed", fund["claimed"], format_amount(listed + Decimal(fund["other_claims"]["amount"]))),
        ("evidence.fund.left", fund["left"], format_amount(view.left)),
        ("evidence.fund.drawdown", fund["drawdown"], drawdown_of(view)),
    ]


def _view(fund: Mapping[str, Any]) -> FundView:
    return FundView(
        Decimal(fund["figure"]["balance"]),
        Decimal(fund["peak"]),
        Decimal(fund["claimed"]),
        settling=fund["settling"],
        spent={symbol: Decimal(cost) for symbol, cost in fund["spent"].items()},
    )


def _position_terms(
    path: str, event: Mapping[str, Any], position: Mapping[str, Any], claimed: ClaimedPosition
) -> Iterator[Term]:
    for name, value in claimed.body().items():
        yield f"{path}.{name}", position[name], value
    yield f"{path}.price", position["price"], format_amount(price_of(claimed, AdlPrice(event["price_rule"])))
    yield f"{path}.unfilled_quantity", position["unfilled_quantity"], _unfilled(position)
    ranks = [each["rank"] for each in position["counterparties"]]
    yield f"{path}.counterparties", ranks, sorted(set(ranks))
    for each in position["counterparties"]:
        number = selected_id(each, event["claim_id"], position["symbol"], position["side"])
        yield f"{path}.counterparties[{each['rank']}].event_id", each["event_id"], number


@exactly
def _unfilled(position: Mapping[str, Any]) -> str:
    taken = sum((Decimal(each["quantity"]) for each in position["counterparties"]), Decimal(0))
    return format_amount(abs(Decimal(position["quantity"])) - taken)


def _selected_terms(event: Mapping[str, Any]) -> Iterator[Term]:
    serves = event["serves"]
    yield "event_id", event["event_id"], selected_id(event, serves["claim_id"], event["symbol"], serves["side"])
