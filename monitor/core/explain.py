"""Explanation: how an event was computed, step by step, in words and figures a person can follow.

The wording lives here; the computation is the exact one, made again from the event's evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from monitor.core.accounts import Account
from monitor.core.amounts import Number, exactly, format_amount
from monitor.core.document import Document
from monitor.core.fund.proof import OF_FUNDS
from monitor.core.fund.wording import fund_lines
from monitor.core.instruments import Contract, MaintenanceBasis
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.legs import Leg
from monitor.core.margin import Assessment
from monitor.core.plan.rule import line_of
from monitor.core.plan.wording import plan_lines
from monitor.core.portfolio.wording import portfolio_lines
from monitor.core.quality.wording import quality_lines
from monitor.core.rules.wording import rule_lines
from monitor.core.scopes import IN_USD
from monitor.core.verdict import Verdict
from monitor.core.verify import account_of, plan_again, verdict_again


@exactly
def explanation(event: Mapping[str, Any], document: Document | None) -> list[str]:
    """Return the lines that explain an event; `document` is its `evidence.document`, read."""
    return list(_lines(event, document))


def _lines(event: Mapping[str, Any], document: Document | None) -> Iterator[str]:
    if "rule_sequence" in event:
        yield f"{event['account_id']}: {event['event_type']} (rule event {event['rule_sequence']})"
        yield f"  because of {_cause(event['cause'])}"
        yield from rule_lines(event)
        return
    yield f"{event['account_id']} {event['scope']}: {_headline(event)}"
    yield f"  because of {_cause(event['cause'])}"
    if event["event_type"] in OF_FUNDS:
        yield from fund_lines(event)
        return
    if document is None or event["event_type"] == "closed":
        if event["event_type"] == "closed":
            yield "  the scope has ceased to exist: in the account as it stands there is nothing left to margin"
        return
    account, last = account_of(event, document)
    verdict = verdict_again(event, document, account, last)
    ladder = document.ladders.of(verdict.assessment.kind)
    for symbol, origin in event["evidence"]["price_origins"].items():
        yield from quality_lines(symbol, origin)
    for leg in verdict.assessment.legs:
        yield from _leg(leg, account)
    yield from _sums(verdict.assessment, account)
    yield from _decision(verdict, ladder, last)
    plan = plan_again(event, document, account, verdict)
    if plan is not None:
        yield from plan_lines(plan, line_of(document.liquidation, ladder))


def _headline(event: Mapping[str, Any]) -> str:
    if "sequence" not in event:
        return f"{event['event_type']} in episode {event['episode']}" if "episode" in event else event["event_type"]
    return (
        f"{event['previous_status']} → {event['status']} "
        f"(event {event['sequence']}, episode {event['episode']}, {event['direction']})"
    )


def _cause(cause: Mapping[str, Any]) -> str:
    kind = str(cause["kind"]).replace("_", " ")
    symbol = f" of {cause['symbol']}" if "symbol" in cause else ""
    where = f" at {cause['topic']}[{cause['partition']}] offset {cause['offset']}" if "topic" in cause else ""
    return f"the {kind}{symbol}{where}"


def _leg(leg: Leg, account: Account) -> Iterator[str]:
    position, terms = leg.position, leg.instrument
    held = f"{format_amount(position.quantity)} at {_text(position.entry_price)}"
    yield f"  position {position.symbol} {position.side}: {held}"
    if terms is None:
        yield "    its terms are not known"
        return
    if leg.mark_price is None or leg.notional is None:
        yield "    its mark price is not known"
        return
    size, mark = _text(terms.contract_size), _text(leg.mark_price)
    quantity, entry = format_amount(position.quantity), _text(position.entry_price)
    if terms.contract is Contract.LINEAR:
        yield f"    unrealized pnl = {quantity} × {size} × ({mark} − {entry}) = {_text(leg.unrealized_pnl)}"
        yield f"    notional = |{quantity}| × {size} × {mark} = {_text(leg.notional)} {terms.settle_asset}"
    else:
        yield f"    unrealized pnl = {quantity} × {size} × (1/{entry} − 1/{mark}) = {_text(leg.unrealized_pnl)}"
        yield f"    notional = |{quantity}| × {size} ÷ {mark} = {_text(leg.notional)} {terms.settle_asset}"
    tier = terms.tiers[leg.bracket or 0]
    multiplier = account.settings.bracket_multiplier.get(position.symbol, Decimal(1))
    rate = _text(tier.rate) + (f" + {_text(terms.closing_fee_rate)}" if terms.closing_fee_rate else "")
    basis = "notional at entry" if terms.maintenance_basis is MaintenanceBasis.ENTRY else "notional"
    times = f" × {_text(multiplier)}" if multiplier != 1 else ""
    yield (
        f"    maintenance margin = {basis} × ({rate}) − {_text(tier.deduction)}{times} "
        f"= {_text(leg.maintenance_margin)} (bracket {leg.bracket})"
    )


def _sums(assessment: Assessment, account: Account) -> Iterator[str]:
    if assessment.kind in IN_USD:
        for name, amount in account.balances.items():
            yield f"  balance {name}: {format_amount(amount)}"
        for name, terms in assessment.assets.items():
            yield f"  asset {name}: index {_text(terms.index_price)}, haircuts {_haircuts(terms)}"
    else:
        yield f"  wallet balance = {_text(assessment.wallet_balance)}"
    if assessment.portfolio is not None:
        yield from portfolio_lines(assessment.portfolio)
    yield f"  equity = {_text(assessment.equity)}"
    yield f"  maintenance margin = {_text(assessment.maintenance_margin)}"


def _haircuts(terms: Any) -> str:
    named = ("bid_buffer", "ask_buffer", "collateral_ratio")
    given = [f"{name} {_text(getattr(terms, name))}" for name in named if getattr(terms, name) is not None]
    return ", ".join(given) or "none"


def _decision(verdict: Verdict, ladder: Ladder, last: MarginStatus) -> Iterator[str]:
    equity, requirement = verdict.assessment.equity, verdict.assessment.maintenance_margin
    if equity is None or requirement is None or verdict.unknown_because:
        yield f"  unknown: {', '.join(verdict.unknown_because)}"
        return
    sign = "≤" if ladder.inclusive else "<"
    for status, k in ladder.thresholds:
        line = Fraction(requirement) * k
        below = Fraction(equity) < line or (ladder.inclusive and Fraction(equity) == line)
        yield f"  {status}: E {sign} {_text(k)} × MM = {_text(line)}? {'yes' if below else 'no'}"
    if equity <= 0:
        yield f"  bankrupt: E ≤ 0? {'yes' if requirement > 0 else 'a debt without requirement'}"
    for band in verdict.bands:
        yield f"  {band.reason}: tried at {_text(band.low)} and {_text(band.high)}"
    hysteresis = f", last known {last}, left upwards only at E ≥ k × (1 + {_text(ladder.hysteresis)}) × MM"
    yield f"  status {verdict.status} (without memory {verdict.raw_status}{hysteresis})"


def _text(number: Number | None) -> str:
    return "?" if number is None else format_amount(number)
