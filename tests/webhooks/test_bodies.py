"""What targets read, held against what their documents ask for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from jsonschema import Draft202012Validator

from monitor.app.webhooks.bodies import body_of, incident_of
from monitor.app.webhooks.messages import Message, joined, message_of, to_text
from monitor.app.webhooks.targets import Format
from tests.webhooks.sender import event

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def digest() -> Message:
    """Return a digest of three events of two topics."""
    parts = [event(4, "a<1>", "warning", topic="m"), event(9, "b", "liquidation"), event(6, "c", "warning", topic="m")]
    first, *others = (message_of(one, "desk", 0) for one in parts)
    for other in others:
        first = joined(first, other)
    return first


def test_a_generic_body_has_type_timestamp_and_data() -> None:
    """The three fields of Standard Webhooks; the event is whole, and names its place and its incident."""
    body = json.loads(body_of(message_of(event(4, "a"), "desk", 0), Format.JSON))
    assert body["type"] == "liqmon.event"
    assert body["timestamp"] == "1970-01-01T00:00:01.004Z"
    assert body["data"]["event"]["account_id"] == "a"
    assert body["data"]["ranges"] == [{"topic": "l", "partition": 0, "first": 4, "last": 4, "events": 1}]
    assert body["data"]["severity"] == "liquidation"


def test_a_digest_names_its_range_and_its_worst() -> None:
    """How many, of which kinds, between which offsets, the worst whole."""
    data = json.loads(body_of(digest(), Format.JSON))["data"]
    assert (data["events"], data["kinds"]) == (3, {"liquidation": 1, "warning": 2})
    assert data["ranges"] == [
        {"topic": "l", "partition": 0, "first": 9, "last": 9, "events": 1},
        {"topic": "m", "partition": 0, "first": 4, "last": 6, "events": 2},
    ]
    assert (data["worst"]["account_id"], data["severity"]) == ("b", "liquidation")


def test_json_bodies_keep_their_schema() -> None:
    """What is posted, alone or in a digest, is what the published schema says, and holds nothing it does not name."""
    schema = json.loads((SCHEMAS / "webhook.json").read_text())
    for message in (message_of(event(4, "a"), "desk", 0), digest()):
        body = json.loads(body_of(message, Format.JSON))
        Draft202012Validator(schema).validate(body)
        named = [shape["properties"] for shape in schema["$defs"].values() if "properties" in shape]
        assert any(body["data"].keys() == shape.keys() for shape in named)
    parked = json.loads((SCHEMAS / "webhook-parked.json").read_text())
    told = {"schema": 1, "target": "desk", "reason": "failed", "message": json.loads(to_text(digest()))}
    Draft202012Validator(parked).validate(told)
    assert told["message"].keys() == parked["$defs"]["ParkedMessage"]["properties"].keys()


def test_slack_is_not_given_markup_by_an_account() -> None:
    """What comes from outside cannot mention anybody or make a link."""
    text = json.loads(body_of(digest(), Format.SLACK))["text"]
    assert "<" not in text
    assert "a&lt;1&gt;" in text
    assert "m[0] 4 to 6" in text


def test_people_are_told_the_figures() -> None:
    """What a person reads holds ratio, equity and requirement, shortened; the unknown has none."""
    one = event(4, "a", "liquidation")
    known = {"margin_ratio": "0.98765432101234567890", "equity": "2000.50", "maintenance_margin": "-0"}
    for figures, said in ((known, ", ratio 0.9877, equity 2000.5, requirement -0"), ({"margin_ratio": None}, "")):
        body = json.dumps(json.loads(one.body) | {"previous_status": "watch"} | figures).encode()
        text = json.loads(body_of(message_of(one._replace(body=body), "desk", 0), Format.SLACK))["text"]
        assert text == f"LIQUIDATION liquidation a (x): watch -&gt; liquidation{said}"


def test_alertmanager_sees_one_alert_through_an_incident() -> None:
    """Labels stay the same from the first warning to the recovery, which ends it; a severity is no label."""
    alerts = [
        json.loads(body_of(message_of(event(number, "a", kind), "desk", 0), Format.ALERTMANAGER))[0]
        for number, kind in enumerate(("warning", "liquidation", "healthy"))
    ]
    assert len({json.dumps(alert["labels"], sort_keys=True) for alert in alerts}) == 1
    assert all(isinstance(value, str) for alert in alerts for value in alert["labels"].values())
    assert [alert["endsAt"] for alert in alerts] == [
        "1970-01-02T00:00:01.000Z",
        "1970-01-02T00:00:01.001Z",
        "1970-01-01T00:00:01.002Z",
    ]


def test_incidents_differ_by_account_scope_and_cause() -> None:
    """One incident for each; a rule and ADL are causes of their own."""
    margin = {"event_type": "warning", "account_id": "a", "scope": "x", "sequence": 3}
    names = [
        incident_of(margin),
        incident_of(margin | {"account_id": "b"}),
        incident_of(margin | {"scope": "y"}),
        incident_of({"event_type": "adl_selected", "account_id": "a", "scope": "x"}),
        incident_of({"event_type": "max_leverage", "account_id": "a", "scope": "x"}),
    ]
    assert len(set(names)) == 5
    assert incident_of(margin | {"event_type": "liquidation", "sequence": 4}) == names[0]


def test_the_unknown_hides_no_liquidation() -> None:
    """Of a digest the liquidation is shown, not the verdict that is unknown."""
    unknown, worse = (message_of(event(n, "a", kind), "desk", 0) for n, kind in enumerate(("unknown", "liquidation")))
    for first, later in ((unknown, worse), (worse, unknown)):
        assert joined(replace(first), later).rank == 4
