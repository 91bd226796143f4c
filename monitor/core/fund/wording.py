"""ADL events in words: what a fund was asked for, what it had left, and who takes over which position at which price.

The wording lives here; whether the figures are right is `proof`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.core.fund.events import SELECTED, TRIGGERED

_REASONS = {
    "fund_unknown": "no insurance fund is known for it",
    "settling": "a closed claim is still settling: the fund's balance may or may not show it",
    "suspect": "the account is suspect: nobody is deleveraged for what it says",
    "desk": "only a desk's accounts are seen: nobody can be said to be deleveraged",
}


def fund_lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that explain an event about a claim, after its headline and cause."""
    if event["event_type"] == SELECTED:
        yield from _selected(event)
        return
    yield f"  lacking {event['shortfall']} {event['asset']}, asked of {_payer(event)}"
    fund = event["evidence"].get("fund")
    if fund is not None:
        yield (
            f"  the fund holds {fund['figure']['balance']}, stands for {fund['claimed']}, so {fund['left']} are left; "
            f"its peak was {fund['peak']}"
        )
        yield f"  refused by the rule {event['evidence']['rule']['trigger']}"
    if "because" in event:
        yield f"  only a candidate: {_REASONS.get(event['because'], event['because'])}"
    for position in event["positions"] if event["event_type"] == TRIGGERED else ():
        yield f"  {position['quantity']} {position['symbol']} ({position['side']}) change hands at {position['price']}"
        for each in position["counterparties"]:
            yield f"    {each['rank']}. {each['account_id']} loses {each['quantity']} (score {each['score']})"
        yield f"    unfilled: {position['unfilled_quantity']}"


def _payer(event: Mapping[str, Any]) -> str:
    return "nobody" if event["fund"] is None else f"fund {event['fund']}"


def _selected(event: Mapping[str, Any]) -> Iterator[str]:
    serves = event["serves"]
    yield f"  loses {event['quantity']} {event['symbol']} ({event['side']}) at {event['price']}, rank {event['rank']}"
    yield f"  for the bankruptcy of {serves['account_id']} {serves['scope']} (claim {serves['claim_id']})"
    if event["breaks_hedge"]:
        yield f"  that part hedges another position: {event['equity_at_risk']} USD stand uncovered"
