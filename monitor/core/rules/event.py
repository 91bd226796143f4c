"""Rule events: what is said when a level of an account's rule is crossed. They stand outside the chains of scopes.

The body lives here; when one is due is decided in `watch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.core.accounts import Account
from monitor.core.amounts import Number, format_amount
from monitor.core.events import SCHEMA, Channel, Event, Moment, digest_of
from monitor.core.ladder import MarginStatus
from monitor.core.rules.crossing import rearm_line
from monitor.core.rules.parameters import Rule
from monitor.core.rules.readings import Reading
from monitor.core.told import named_event_id

_SEVERITY = MarginStatus.WATCH.rank
"""Where rule events stand in a storm: behind everything a venue does."""


def rule_event_id(account_id: str, rule: str, sequence: int) -> str:
    """Return the id of a rule event: the first 32 hex digits of sha256 over account, no scope, rule and number."""
    return named_event_id(account_id, "", rule, sequence)


def rule_event(
    account: Account,
    rule: Rule,
    reading: Reading,
    level: Number,
    sequence: int,
    degraded: Sequence[str],
    moment: Moment,
    evidence: Mapping[str, Any],
) -> Event:
    """Return the event of a level that a reading has crossed."""
    assert reading.measure is not None, "only a known value crosses a level"
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "event_id": rule_event_id(account.account_id, rule, sequence),
        "event_type": str(rule),
        "rule_sequence": sequence,
        "account_id": account.account_id,
        **reading.names,
        "level": format_amount(level),
        "value": reading.measure.text(),
        "rearm_threshold": format_amount(rearm_line(rule, level)),
        **reading.figures,
        "suspect": account.suspect,
        "degraded": list(degraded),
    }
    labels = account.settings.raw.get("labels")
    if labels is not None:
        body["labels"] = labels
    body |= {
        "cause": moment.cause.body(),
        "decided_at_ms": moment.decided_at_ms,
        "account_version": account.version,
        "evidence": evidence,
    }
    body["digest"] = digest_of(body)
    return Event(Channel.MARGIN_CALLS, _SEVERITY, body)
