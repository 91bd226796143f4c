"""Bodies: what a target reads of a message, in the shape it knows.

Sources: Standard Webhooks (`type`, `timestamp`, `data`); Slack's incoming webhooks (`text`, in which &, < and > are
written as entities); Alertmanager's API v2 (a list of alerts, told apart by their labels, so what changes in the life
of an incident stands in annotations).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.app.webhooks.messages import Message
from monitor.app.webhooks.targets import Format
from monitor.core.ladder import BY_RANK

_MOST_NAMED = 20
"""Accounts a digest names; the ranges lead to all of them."""

_ALERT_MS = 86_400_000
"""An incident of which nothing more is told is over by then: without an end Alertmanager would choose minutes."""


def body_of(message: Message, form: Format) -> bytes:
    """Return the body that tells a message. The same message gives the same bytes at every attempt."""
    return json.dumps(_SHAPES[form](message), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def incident_of(event: Mapping[str, Any]) -> str:
    """Return the name of what an event is part of: one for each account, scope and cause, however often it flaps."""
    kind = str(event.get("event_type", ""))
    cause = "margin" if event.get("sequence") is not None else "adl" if kind.startswith("adl_") else kind
    return f"{event.get('account_id')}|{event.get('scope') or ''}|{cause}"


def _generic(message: Message) -> dict[str, Any]:
    if not message.is_digest:
        event = json.loads(message.shown)
        data = {"incident": incident_of(event), "severity": _severity(message), "event": event}
        return {"type": "liqmon.event", "timestamp": _time(message.last_ms), "data": data | _where(message)}
    data = {
        "events": message.events,
        "kinds": dict(sorted(message.kinds.items())),
        "severity": _severity(message),
        "first": _time(message.first_ms),
        "last": _time(message.last_ms),
        "accounts": len(message.accounts),
        "named_accounts": sorted(message.accounts)[:_MOST_NAMED],
        "worst": json.loads(message.shown),
    }
    return {"type": "liqmon.digest", "timestamp": _time(message.last_ms), "data": data | _where(message)}


def _slack(message: Message) -> dict[str, Any]:
    event = json.loads(message.shown)
    if not message.is_digest:
        return {"text": _slack_text(f"{_severity(message).upper()} {_sentence(event)}")}
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(message.kinds.items()))
    ranges = "; ".join(f"{one.topic}[{one.partition}] {one.first} to {one.last}" for one in message.ranges)
    named = ", ".join(sorted(message.accounts)[:_MOST_NAMED])
    more = f" and {len(message.accounts) - _MOST_NAMED} more" if len(message.accounts) > _MOST_NAMED else ""
    between = f"from {_time(message.first_ms)} to {_time(message.last_ms)}"
    lines = (
        f"{_severity(message).upper()} {message.events} events ({kinds}) {between}",
        f"accounts: {named}{more}",
        f"worst: {_sentence(event)}",
        f"in the log: {ranges}",
    )
    return {"text": _slack_text("\n".join(lines))}


def _alertmanager(message: Message) -> list[dict[str, Any]]:
    event = json.loads(message.shown)
    told = {"severity": _severity(message), "events": str(message.events)}
    told["ranges"] = "; ".join(f"{one.topic}[{one.partition}] {one.first} to {one.last}" for one in message.ranges)
    if message.is_digest:
        labels = {"alertname": "LiqmonDigest", "kinds": ",".join(sorted(message.kinds))}
        told["summary"] = f"{message.events} events of {len(message.accounts)} accounts; worst: {_sentence(event)}"
        return [{"labels": labels, "annotations": told, "startsAt": _time(message.first_ms)}]
    account, scope, cause = incident_of(event).rsplit("|", 2)
    labels = {"alertname": "Liqmon", "account_id": account, "scope": scope, "cause": cause}
    told["summary"] = _sentence(event)
    is_over = event.get("status") == BY_RANK[0] or event.get("event_type") == "closed"
    ends_ms = message.last_ms if is_over else message.last_ms + _ALERT_MS
    return [
        {"labels": labels, "annotations": told, "startsAt": _time(message.first_ms), "endsAt": _time(ends_ms)},
    ]


_FIGURES = {"margin_ratio": "ratio", "equity": "equity", "maintenance_margin": "requirement"}

_SHAPES: Mapping[Format, Callable[[Message], object]] = {
    Format.JSON: _generic,
    Format.SLACK: _slack,
    Format.ALERTMANAGER: _alertmanager,
}


def _where(message: Message) -> dict[str, Any]:
    return {"ranges": [one._asdict() for one in message.ranges]}


def _severity(message: Message) -> str:
    return BY_RANK[message.rank].value


def _sentence(event: Mapping[str, Any]) -> str:
    scope = f" ({event['scope']})" if event.get("scope") else ""
    change = f": {event.get('previous_status')} -> {event['status']}" if event.get("status") else ""
    figures = [f", {word} {_short(event[key])}" for key, word in _FIGURES.items() if event.get(key) is not None]
    return f"{event.get('event_type')} {event.get('account_id')}{scope}{change}{''.join(figures)}"


def _short(number: object) -> str:
    """Return a figure as a person reads it: four digits behind the point; the event has them all."""
    try:
        return f"{Decimal(str(number)):.4f}".rstrip("0").rstrip(".")
    except InvalidOperation:
        return str(number)


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
