"""Proof of a rule event: its value and the crossing of its level computed again from its evidence.

Reading the evidence is the wire's business; how differences are reported is `verify`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from monitor.core.accounts import Account
from monitor.core.amounts import Number, format_amount
from monitor.core.document import Document
from monitor.core.events import SCHEMA
from monitor.core.ladder import Ladder
from monitor.core.margin import assess
from monitor.core.quality.proof import off_terms, price_terms, word_terms
from monitor.core.rules.correlation import decorrelation, hedge_parts, same_direction, sector_parts, spike
from monitor.core.rules.crossing import crossed, rearm_line
from monitor.core.rules.doubts import assets_in_use
from monitor.core.rules.equity import total_equity
from monitor.core.rules.event import rule_event_id
from monitor.core.rules.exposure import concentrations, exposures
from monitor.core.rules.memory import number_of
from monitor.core.rules.nearest import nearest_distance
from monitor.core.rules.parameters import Rule
from monitor.core.rules.readings import NOTHING, Reading, account_limit, drawdown, funding_limit
from monitor.core.scopes import kind_of

Terms = Iterator[tuple[str, Any, Any]]


def rule_terms(event: Mapping[str, Any], document: Document) -> Terms:
    """Yield (name, stated, computed) of every term of a rule event. Needs the exact context."""
    rule, account_id = Rule(event["event_type"]), event["account_id"]
    (only,) = document.accounts
    account = only.account
    yield "schema", event["schema"], SCHEMA
    yield "account_id", account_id, account.account_id
    yield "event_id", event["event_id"], rule_event_id(account_id, rule, event["rule_sequence"])
    remembered = event["evidence"]["remembered"]
    level = _level(event, rule, account, document)
    yield "level", event["level"], event["level"] if event["level"] in remembered["levels"] else "none of the levels"
    yield "rearm_threshold", event["rearm_threshold"], format_amount(rearm_line(rule, level))
    reading = reading_again(event, rule, account, document)
    for name, value in (*reading.names.items(), *reading.figures.items()):
        yield name, event[name], value
    if reading.measure is None:
        yield "value", event["value"], "not known"
        return
    yield "value", event["value"], reading.measure.text()
    strict = rule is Rule.FUNDING_LIMIT and not _ladder(event, account, document).inclusive
    fired = crossed(rule, reading.measure, [level], frozenset(), strict=strict).fired
    yield "level", event["level"], event["level"] if fired else "not reached"
    yield "labels", event.get("labels"), account.settings.raw.get("labels")
    yield from _price_terms(event, account, document)


def _price_terms(event: Mapping[str, Any], account: Account, document: Document) -> Terms:
    """Yield what was found of the prices, and that nothing was measured by one that is not believed."""
    evidence, market = event["evidence"], document.market
    yield from price_terms(evidence)
    if "scope" in event:
        legs = assess(account, event["scope"], market).legs
        yield from word_terms("degraded", event["degraded"], evidence, {leg.position.symbol for leg in legs})
    else:
        yield from word_terms("degraded", event["degraded"], evidence, {symbol for symbol, _ in account.positions})
        yield from off_terms(evidence, assets_in_use(account, market))
    yield "degraded", [word for word in event["degraded"] if word.startswith("quarantined_")], []


def reading_again(event: Mapping[str, Any], rule: Rule, account: Account, document: Document) -> Reading:
    """Return the reading that the evidence of an event gives."""
    market, remembered = document.market, event["evidence"]["remembered"]
    if rule is Rule.DRAWDOWN_STOP:
        reference = account.settings.raw.get("reference_equity")
        base = number_of(remembered["high"]) if reference is None else Decimal(str(reference))
        return drawdown(total_equity(account, market), base)
    if rule is Rule.ACCOUNT_LIMIT:
        return account_limit(account, event["scope"], market)
    if rule is Rule.FUNDING_LIMIT:
        return funding_limit(account, event["scope"], market)
    if rule is Rule.CONCENTRATION_LIMIT:
        found = concentrations(account, market) or ()
        return next((reading for reading in found if reading.target == event["sector"]), NOTHING)
    if rule is Rule.DISTANCE_LIMIT:
        return nearest_distance(account, market, document.ladders) or NOTHING
    return _correlation_again(event, rule, account, document)


def _correlation_again(event: Mapping[str, Any], rule: Rule, account: Account, document: Document) -> Reading:
    remembered = event["evidence"]["remembered"]
    returns = {symbol: [Decimal(step) for step in steps] for symbol, steps in remembered["returns"].items()}
    found = exposures(account, document.market) or []
    if rule is Rule.CORRELATION_SPIKE:
        parts = sector_parts(found)
        pair = next((one for one in same_direction(parts) if list(one) == event["sectors"]), None)
        return NOTHING if pair is None else spike(pair, parts, returns, remembered["steps"])
    sides = hedge_parts(found, Decimal(remembered["hedge_share"]))
    return NOTHING if sides is None else decorrelation(sides, returns, remembered["steps"])


def _ladder(event: Mapping[str, Any], account: Account, document: Document) -> Ladder:
    return document.ladders.of(kind_of(account, event["scope"]))


def _level(event: Mapping[str, Any], rule: Rule, account: Account, document: Document) -> Number:
    """Return the level of an event: of the rule on funding the line of the ladder, which may not end in decimals."""
    if rule is Rule.FUNDING_LIMIT:
        line = _ladder(event, account, document).liquidation
        return line if format_amount(line) == event["level"] else Decimal(event["level"])
    return Decimal(event["level"])
