"""Wording: how a rule event came about, for `liqmon explain`.

The proof is in `proof`; only words live here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.core.rules.crossing import FALLING
from monitor.core.rules.parameters import Rule

_FORMULAS: Mapping[Rule, str] = {
    Rule.DRAWDOWN_STOP: "(high − total equity) ÷ high, in USD, net transfers taken out",
    Rule.ACCOUNT_LIMIT: "initial margin ÷ equity of the scope",
    Rule.CONCENTRATION_LIMIT: "gross notional of the sector ÷ gross notional of the account, in USD",
    Rule.DISTANCE_LIMIT: "|liquidation price ÷ mark − 1| of the position nearest to it",
    Rule.FUNDING_LIMIT: "equity after the funding due ÷ maintenance margin",
    Rule.CORRELATION_SPIKE: "correlation of the returns of two sectors held in the same direction",
    Rule.HEDGE_DECORRELATION: "correlation of the returns of the long and the short side",
}
_PLAIN = frozenset({"level", "value", "rearm_threshold"})
_ASIDE = frozenset({
    "schema", "event_id", "event_type", "rule_sequence", "account_id", "suspect", "degraded", "labels", "cause",
    "decided_at_ms", "account_version", "evidence", "digest",
})  # fmt: skip


def rule_lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that explain a rule event: what it was measured on, from what, and against which level."""
    rule = Rule(event["event_type"])
    for name, value in event.items():
        if name not in _PLAIN and name not in _ASIDE:
            yield f"  {name.replace('_', ' ')}: {value}"
    value = "beyond every level" if event["value"] is None else event["value"]
    yield f"  value = {_FORMULAS[rule]} = {value}"
    way, back = ("fell to", "rises to") if rule in FALLING else ("rose to", "falls to")
    yield f"  it {way} the level {event['level']}, which is armed again when it {back} {event['rearm_threshold']}"
