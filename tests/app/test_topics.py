"""The topics are those of the contract, and what differs in a log is said in words that name it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from monitor.adapters.embedded import EmbeddedLog
from monitor.app.ports import TopicSpec, TopicState
from monitor.app.topics import (
    TopicNames,
    TopicSettings,
    check_topics,
    create_topics,
    differences,
    topic_specs,
    warnings,
)

SETTINGS = TopicSettings(prefix="v1.", partitions=6)


def _found(settings: TopicSettings = SETTINGS) -> dict[str, TopicState]:
    return {
        spec.name: TopicState(spec.partitions, spec.replication_factor, spec.settings) for spec in topic_specs(settings)
    }


def _spec(name: str) -> TopicSpec:
    return next(spec for spec in topic_specs(SETTINGS) if spec.name == f"v1.{name}")


def test_every_name_has_a_topic_and_a_prefix() -> None:
    """There is one topic for each configured name, each with the prefix before it."""
    names = SETTINGS.names()
    assert {spec.name for spec in topic_specs(SETTINGS)} == {getattr(names, f.name) for f in fields(TopicNames)}
    assert all(getattr(names, f.name).startswith("v1.") for f in fields(TopicNames))


def test_settings_the_promises_rest_on() -> None:
    """Account events are never compacted, prices are stamped by the log, outputs hold more than inputs can send."""
    assert _spec("account-events").settings["cleanup.policy"] == "delete"
    assert _spec("mark-prices").settings["message.timestamp.type"] == "LogAppendTime"
    assert _spec("mark-prices").settings["retention.ms"] == "3600000"
    assert _spec("liqmon-state").settings["cleanup.policy"] == _spec("account-status").settings["cleanup.policy"]
    largest_input = int(_spec("account-events").settings["max.message.bytes"])
    for name in ("dead-letters", "liqmon-state", "liquidations", "account-status"):
        assert int(_spec(name).settings["max.message.bytes"]) > largest_input


def test_partitions_follow_the_shards() -> None:
    """Whatever belongs to a shard has as many partitions as there are shards, what all or one sender reads has one."""
    counts = {spec.name.removeprefix("v1."): spec.partitions for spec in topic_specs(SETTINGS)}
    assert {name for name, count in counts.items() if count == 1} == {
        "mark-prices",
        "instruments",
        "assets",
        "insurance-funds",
        "liqmon-webhooks",
        "webhooks-parked",
    }
    assert {count for count in counts.values() if count != 1} == {6}


def test_three_replicas_need_two_in_sync() -> None:
    """With three brokers or more a record must be on two before it counts; with fewer that would stop the topic."""
    assert all(spec.settings["min.insync.replicas"] == "2" for spec in topic_specs(TopicSettings(replication_factor=3)))
    assert not any("min.insync.replicas" in spec.settings for spec in topic_specs(TopicSettings()))


@pytest.mark.parametrize(
    "wrong", [{"partitions": 0}, {"replication_factor": 0}, {"state": "account-events"}, {"mark_prices": ""}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    """No partitions, no replicas, no name or the same name twice is an error."""
    with pytest.raises(ValueError, match=r"."):
        TopicSettings(**wrong)


def test_what_fits_does_not_differ() -> None:
    """Topics as specified, and those that keep more or have other counts where these are free, do not differ."""
    found = _found()
    assert differences(SETTINGS, found) == []
    prices = found["v1.mark-prices"]
    more = {**prices.settings, "retention.ms": "-1", "segment.ms": "60000", "max.message.bytes": "9999999"}
    assert differences(SETTINGS, {**found, "v1.mark-prices": replace(prices, partitions=4, settings=more)}) == []


@pytest.mark.parametrize(
    ("topic", "change", "said"),
    [
        ("account-events", {"cleanup.policy": "compact"}, "cleanup.policy is compact instead of delete"),
        ("account-events", {"cleanup.policy": "compact,delete"}, "cleanup.policy"),
        ("mark-prices", {"message.timestamp.type": "CreateTime"}, "message.timestamp.type"),
        ("liquidations", {"retention.ms": "5"}, "retention.ms is 5"),
        ("liqmon-state", {"min.cleanable.dirty.ratio": "0.5"}, "min.cleanable.dirty.ratio"),
        ("dead-letters", {"max.message.bytes": "1000"}, "max.message.bytes"),
    ],
)
def test_settings_that_differ_are_named(topic: str, change: dict[str, str], said: str) -> None:
    """A setting that breaks a promise is reported with topic, name and both values."""
    found = _found()
    state = found[f"v1.{topic}"]
    found[f"v1.{topic}"] = replace(state, settings={**state.settings, **change})
    (difference,) = differences(SETTINGS, found)
    assert difference.startswith(f"v1.{topic}: ")
    assert said in difference


def test_counts_that_differ_are_named() -> None:
    """A topic of a shard with another number of partitions, or one that is missing, is reported."""
    found = _found()
    found["v1.liqmon-state"] = replace(found["v1.liqmon-state"], partitions=5)
    del found["v1.assets"]
    assert differences(SETTINGS, found) == [
        "v1.assets: does not exist",
        "v1.liqmon-state: has 5 partitions instead of 6",
    ]


def test_single_replicas_are_warned_of() -> None:
    """One replica is no difference but worth a warning."""
    (warning,) = warnings(SETTINGS, _found())
    assert "v1.liqmon-state" in warning
    assert warnings(SETTINGS, _found(replace(SETTINGS, replication_factor=3))) == []


async def test_creating_is_idempotent() -> None:
    """Creating twice changes nothing the second time, and a topic that is missing is added."""
    log = EmbeddedLog(lambda: 0)
    admin = await log.admin()
    assert await create_topics(admin, SETTINGS) == []
    log.delete_topic("v1.assets")
    assert await check_topics(admin, SETTINGS) == ["v1.assets: does not exist"]
    assert await create_topics(admin, SETTINGS) == []
    assert await check_topics(admin, SETTINGS) == []


async def test_nothing_is_created_beside_a_wrong_count() -> None:
    """When account events exist with another number of partitions nothing is created, and that is said."""
    log = EmbeddedLog(lambda: 0)
    log.create(TopicSpec("v1.account-events", 4, 1, {"cleanup.policy": "delete"}))
    admin = await log.admin()
    assert await create_topics(admin, SETTINGS) == ["v1.account-events: has 4 partitions instead of 6"]
    assert await admin.describe([spec.name for spec in topic_specs(SETTINGS)]) != _found()
    assert list(await admin.describe(["v1.assets"])) == []
