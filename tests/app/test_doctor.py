"""Tests of what the doctor makes of what was seen: each trouble named, each with something to do, none invented."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from monitor.app.doctor.cluster import judge_servers, judge_topics
from monitor.app.doctor.findings import Finding, Verdict
from monitor.app.doctor.market import MarketSeen, judge_clocks, judge_prices
from monitor.app.doctor.memory import MemorySeen, Population, daemon_bytes, judge_memory
from monitor.app.doctor.rights import Mender, Needs, judge_rights
from monitor.app.doctor.seen import GroupSeen, Member, Operation, Server, TopicSeen
from monitor.app.doctor.shards import BeatsSeen, judge_shards
from monitor.app.ports import LogForbidden, LogUnavailable
from monitor.app.topics import TopicSettings, topic_specs
from monitor.core.freshness import FreshnessSettings

SETTINGS = TopicSettings(prefix="p.", partitions=2)
EVERYTHING = frozenset(Operation)
NOW = 1_700_000_000_000


def fits() -> dict[str, TopicSeen]:
    """Return all topics as they should be, on three brokers."""
    return {
        spec.name: TopicSeen(False, spec.partitions, 3, (), (), 3, EVERYTHING, MappingProxyType({**spec.settings}))
        for spec in topic_specs(SETTINGS)
    }


def said(findings: list[Finding], verdict: Verdict) -> str:
    """Return what findings of one verdict say, and what to do."""
    return "\n".join(f"{one.seen} -> {one.do}" for one in findings if one.verdict is verdict)


def test_good_topics_are_good() -> None:
    """Topics as they should be give one finding, and it is good."""
    assert [one.verdict for one in judge_topics(SETTINGS, fits(), ())] == [Verdict.OK]


@pytest.mark.parametrize(
    ("name", "change", "seen", "do"),
    [
        ("p.liquidations", {"partitions": 3}, "3 partitions instead of 2", "migrate-shards"),
        ("p.liquidations", {"headless": (1,)}, "no broker leads p.liquidations[1]", "start the brokers"),
        ("p.state", {}, "", ""),
    ],
)
def test_a_topic_that_is_wrong_is_named(name: str, change: dict[str, object], seen: str, do: str) -> None:
    """A wrong number of partitions and a partition without leader fail, with what to do; no change, no failure."""
    topics = fits()
    if name in topics:
        topics[name] = replace(topics[name], **change)  # type: ignore[arg-type]
    found = said(list(judge_topics(SETTINGS, topics, ())), Verdict.FAILURE)
    assert seen in found
    assert do in found
    assert bool(found) == bool(seen)


def test_settings_of_topics_come_with_the_command_that_sets_them() -> None:
    """Retention that is too short fails and names the option of kafka-configs.sh; settings nobody may read warn."""
    topics = fits()
    short = {**(topics["p.account-events"].settings or {}), "retention.ms": "1000"}
    topics["p.account-events"] = replace(topics["p.account-events"], settings=short)
    topics["p.assets"] = replace(topics["p.assets"], settings=None)
    found = list(judge_topics(SETTINGS, topics, ()))
    assert "--topic p.account-events --add-config retention.ms=604800000" in said(found, Verdict.FAILURE)
    assert "p.assets" in said(found, Verdict.WARNING)
    assert "p.assets" not in said(found, Verdict.FAILURE)


def test_replicas_out_of_sync_warn_and_too_few_fail() -> None:
    """A replica that is behind is a warning; below min.insync.replicas nothing can be written, which is a failure."""
    topics = fits()
    behind = replace(topics["p.assets"], short=(0,), least_in_sync=2)
    starved = {**(behind.settings or {}), "min.insync.replicas": "2"}
    topics["p.assets"] = behind
    topics["p.instruments"] = replace(behind, least_in_sync=1, settings=starved)
    found = list(judge_topics(SETTINGS, topics, ()))
    assert "p.assets" in said(found, Verdict.WARNING)
    assert "p.instruments" in said(found, Verdict.FAILURE)
    assert "p.assets" not in said(found, Verdict.FAILURE)


def test_topics_that_may_not_be_seen_are_not_called_good() -> None:
    """Where a needed topic is hidden there is a warning, of others none; nothing hidden is said to be as it should."""
    hidden = {name: TopicSeen(is_hidden=True) for name in fits()}
    assert [one.verdict for one in judge_topics(SETTINGS, hidden, ["p.assets"])] == [Verdict.WARNING]
    assert [*judge_topics(SETTINGS, hidden, ())] == []


def test_topics_that_are_missing_are_listed() -> None:
    """Of no topics at all one finding; of some that are missing their names."""
    assert said(list(judge_topics(SETTINGS, {}, ())), Verdict.FAILURE).count("\n") == 0
    topics = fits()
    del topics["p.dead-letters"]
    assert "missing: p.dead-letters" in said(list(judge_topics(SETTINGS, topics, ())), Verdict.FAILURE)


def test_one_server_of_several_that_is_away_is_a_warning() -> None:
    """Where another answers an absent server warns; a refusal, and an address that brokers name in vain, fail."""
    away, refusal = LogUnavailable("b:2: refused"), LogForbidden("c:3: password")
    found = list(judge_servers([Server("a:1", 0.01, None, "4.0"), Server("b:2", 1, away)], [Server("d:4", 1, away)]))
    assert [one.verdict for one in found] == [Verdict.OK, Verdict.WARNING, Verdict.FAILURE]
    assert "advertised.listeners" in found[2].do
    alone = list(judge_servers([Server("b:2", 1, away), Server("c:3", 1, refusal)], []))
    assert [one.verdict for one in alone] == [Verdict.FAILURE, Verdict.FAILURE]
    assert "kafka.sasl_" in alone[1].do


NEEDS = Needs(("in",), ("out",), "group", "group-")
MENDER = Mender("k:9092", "User:m")


def judged(topics: dict[str, TopicSeen], group: GroupSeen, *, is_allowed: bool = True) -> list[Finding]:
    """Judge the rights of one process."""
    return list(judge_rights("run", NEEDS, topics, group, {"group-0": is_allowed}, MENDER))


def test_rights_that_are_all_there_are_good() -> None:
    """A process that may read, write, join and write transactions gives one good finding."""
    topics = {"in": TopicSeen(rights=EVERYTHING), "out": TopicSeen(rights=frozenset({Operation.WRITE}))}
    assert [one.verdict for one in judged(topics, GroupSeen(rights=EVERYTHING))] == [Verdict.OK]


def test_each_right_that_is_refused_has_its_command() -> None:
    """Reading, writing, the group and transactions are refused one by one, each with the options that grant it."""
    topics = {"in": TopicSeen(is_hidden=True), "out": TopicSeen(rights=frozenset({Operation.READ}))}
    found = judged(topics, GroupSeen(is_hidden=True), is_allowed=False)
    assert [one.verdict for one in found] == [Verdict.FAILURE] * 4
    for one, end in zip(
        found,
        (
            "--operation Read --topic in",
            "--operation Write --topic out",
            "--operation Read --group group",
            "--resource-pattern-type prefixed --transactional-id group-",
        ),
        strict=True,
    ):
        assert one.do.startswith("kafka-acls.sh --bootstrap-server k:9092 ")
        assert "--add --allow-principal 'User:m'" in one.do
        assert one.do.endswith(end)


def test_a_broker_that_says_nothing_of_rights_is_not_taken_for_one_that_grants() -> None:
    """Where rights are not said that is a warning, neither a refusal nor a grant."""
    topics = {"in": TopicSeen(), "out": TopicSeen()}
    assert [one.verdict for one in judged(topics, GroupSeen())] == [Verdict.WARNING]


def market(**ages_ms: int) -> MarketSeen:
    """Return contracts A and B with prices of these ages."""
    return MarketSeen(NOW, 60_000, {"A", "B"}, {symbol: NOW - age for symbol, age in ages_ms.items()}, newest_ms=NOW)


@pytest.mark.parametrize(
    ("ages_ms", "verdict", "names"),
    [
        ({"A": 100, "B": 10_000}, Verdict.OK, "B"),
        ({"A": 100, "B": 10_001}, Verdict.WARNING, "B"),
        ({"A": 100, "B": 60_001}, Verdict.FAILURE, "B"),
        ({"B": 100}, Verdict.FAILURE, "A"),
    ],
)
def test_prices_are_judged_by_the_ages_the_daemon_judges_by(
    ages_ms: dict[str, int], verdict: Verdict, names: str
) -> None:
    """At `max_age_ms` a price is good, beyond it a warning, beyond `unknown_after_ms` or absent a failure."""
    [finding] = judge_prices(market(**ages_ms), FreshnessSettings())
    assert finding.verdict is verdict
    assert names in finding.seen


def test_where_prices_do_not_age_silence_only_warns() -> None:
    """With both ages at 0 a contract without a price is a warning."""
    [finding] = judge_prices(market(A=100_000_000), FreshnessSettings(max_age_ms=0, unknown_after_ms=0))
    assert finding.verdict is Verdict.WARNING
    assert "B" in finding.seen
    assert "A" not in finding.seen.split(":")[-1]


def test_event_times_ahead_of_the_log_are_a_failure() -> None:
    """A sender that dates further ahead than `max_ahead_ms` is refused by the daemon, and so a failure here."""
    seen = market(A=0, B=0)
    seen.ahead_ms = {"A": 5_000, "B": 5_001}
    found = list(judge_prices(seen, FreshnessSettings()))
    assert "log than prices.max_ahead_ms: B;" in said(found, Verdict.FAILURE)


@pytest.mark.parametrize(
    ("skew_ms", "verdict"),
    [(-40, Verdict.OK), (2_500, Verdict.OK), (-2_501, Verdict.WARNING), (5_001, Verdict.FAILURE)],
)
def test_clocks_may_be_apart_by_what_the_settings_allow(skew_ms: int, verdict: Verdict) -> None:
    """Half of the least of `max_ahead_ms` and `max_age_ms` is good, all of it a warning, more a failure."""
    seen = replace(market(A=0), skews_ms={"the log": skew_ms})
    [finding] = judge_clocks(seen, FreshnessSettings())
    assert finding.verdict is verdict
    assert ("ahead of" if skew_ms > 0 else "behind") in finding.seen


def test_a_log_from_the_future_is_a_failure_without_listening() -> None:
    """A newest price that was appended later than our now shows a clock that is ahead, also in silence."""
    seen = replace(market(A=0), newest_ms=NOW + 9_000)
    found = list(judge_clocks(seen, FreshnessSettings()))
    assert "9.0 s ahead" in said(found, Verdict.FAILURE)


def test_shards_without_owner_or_without_work_are_failures() -> None:
    """A shard nobody owns and one whose owner is silent are told apart; both at work is good; nobody there warns."""
    both = GroupSeen(state="Stable", members=(Member("c", "h", frozenset({0, 1})),))
    half = GroupSeen(state="Stable", members=(Member("c", "h", frozenset({0})),))
    heard = BeatsSeen(NOW, {0: NOW - 100, 1: NOW - 30_001})
    assert "nobody owns 1 of 2" in said(list(judge_shards("g", half, 2, heard, 30_000)), Verdict.FAILURE)
    assert "without a heartbeat for 30 s: 1" in said(list(judge_shards("g", both, 2, heard, 30_000)), Verdict.FAILURE)
    heard.shards[1] = NOW
    assert [one.verdict for one in judge_shards("g", both, 2, heard, 30_000)] == [Verdict.OK]
    assert [one.verdict for one in judge_shards("g", GroupSeen(), 2, heard, 30_000)] == [Verdict.WARNING]


def test_memory_is_judged_by_what_was_measured() -> None:
    """A million accounts with five million positions need what they were seen to take, and fail where there is less."""
    population = Population(1_000_000, 1_000_000, 5_000_000, is_estimate=False)
    needed = daemon_bytes(population)
    assert 1_700_000_000 < needed < 2_000_000_000
    verdicts = [
        next(iter(judge_memory("run", needed, population, MemorySeen(limit, free)))).verdict
        for limit, free in ((4 * 10**9, 3 * 10**9), (4 * 10**9, 10**9), (10**9, 10**9))
    ]
    assert verdicts == [Verdict.OK, Verdict.WARNING, Verdict.FAILURE]
