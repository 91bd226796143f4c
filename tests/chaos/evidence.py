"""Single events of a chaos run: was the account ever in the state an event tells of, at prices that stood together?"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.chaos.chains import Chains
from tests.chaos.facts import Account, Facts
from tests.chaos.oracle import Oracle
from tests.chaos.verdict import STATE, Verdict

F = Fraction
_TERMS = ("contract", "settle_asset", "contract_size")
_COLLATERAL = ("index_price", "bid_buffer", "ask_buffer", "collateral_ratio")


def judge_evidence(chains: Chains, facts: Facts, portfolio: Mapping[str, Any], verdict: Verdict) -> None:
    """Look at every event that states figures."""
    for where, events in chains.items():
        for event in events:
            if event["event_type"] == "closed" or event["status"] == "unknown":
                continue
            verdict.figures["events worked out again"] += 1
            if (why := _why_not(event, facts, portfolio)) is not None:
                verdict.complain(STATE, f"{where} at {event['sequence']} ({event['raw_status']}): {why}")


def _why_not(event: Mapping[str, Any], facts: Facts, portfolio: Mapping[str, Any]) -> str | None:
    document, origins = event["evidence"]["document"], event["evidence"]["price_origins"]
    if (why := _prices(event, origins, document["prices"], facts)) is not None:
        return why
    for symbol, terms in document["instruments"].items():
        if not any(_same_terms(terms, past) for past in facts.past_terms[symbol]):
            return f"{symbol} never had the terms {terms}"
    for asset, terms in document["assets"].items():
        if not any(_same_amounts(terms, past, _COLLATERAL) for past in facts.past_assets[asset]):
            return f"{asset} never counted as {terms}"
    candidates = [one for one in facts.past[event["account_id"]] if one.version == event["account_version"]]
    if not candidates:
        return f"the account never had version {event['account_version']}"
    found = [_raw(document, facts, portfolio, account, event["scope"]) for account in candidates]
    return None if event["raw_status"] in found else f"worked out again it is {found}"


def _raw(
    document: Mapping[str, Any], facts: Facts, portfolio: Mapping[str, Any], account: Account, scope: str
) -> str | None:
    """Return the status of a scope; of what it does not hold, which the evidence leaves out, any terms will do."""
    others = {symbol: facts.past_terms[symbol][-1] for symbol, _ in account.positions if facts.past_terms[symbol]}
    instruments = {**others, **document["instruments"]}
    oracle = Oracle({**document, "instruments": instruments, "portfolio": portfolio})
    edges = oracle.scope(account, scope)
    return None if edges is None else edges.down


def _prices(
    event: Mapping[str, Any], origins: Mapping[str, Any], prices: Mapping[str, Any], facts: Facts
) -> str | None:
    """Look whether the prices are those of the log, and all in force after one and the same message."""
    cause = event["cause"]
    stands = max([origin["offset"] for origin in origins.values()], default=0)
    if cause["kind"] == "mark_price":
        if stands > cause["offset"]:
            return f"it is told of offset {cause['offset']} with a price of offset {stands}"
        stands = cause["offset"]
    for symbol, origin in origins.items():
        said = facts.at.get((symbol, origin["offset"]))
        if said is None or F(said["mark_price"]) != F(prices[symbol]["mark_price"]):
            return f"the log has no such price of {symbol} at {origin['offset']}"
        if facts.latest(symbol, stands) != origin["offset"]:
            return f"{symbol} had moved on from {origin['offset']} to {facts.latest(symbol, stands)} at {stands}"
    return None


def _same_terms(told: Mapping[str, Any], past: Mapping[str, Any]) -> bool:
    if any(told.get(name, "1") != past.get(name, "1") for name in _TERMS):
        return False
    rows = zip(told["brackets"], past["brackets"], strict=False)
    same = all(F(a["floor"]) == F(b["floor"]) and F(a["rate"]) == F(b["rate"]) for a, b in rows)
    return len(told["brackets"]) == len(past["brackets"]) and same


def _same_amounts(told: Mapping[str, Any], past: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    amounts = [(told.get(name), past.get(name)) for name in names]
    return all((a is None) == (b is None) and (a is None or F(a) == F(b)) for a, b in amounts)
