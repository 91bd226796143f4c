"""Observing: what the application tells about its own work, as a port; and the observer that listens to nobody.

What becomes of it (metrics) is an adapter's business. No verb takes an account id: figures are about the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from monitor.app.ports import TopicPartition
from monitor.core.fund.figures import FundFigures

ShardState = Literal["waiting", "fencing", "restoring", "catching_up", "steady", "recovering"]
"""The stages of a shard on this instance."""

Stage = Literal["decode", "apply", "judge", "encode", "rank"]
"""Where processor time goes: messages decoded, account messages applied and their accounts judged, everything else
judged, records made, holders ranked for the ADL queue. What is left of the process is the client of the log and the
event loop."""


class Observer(Protocol):
    """Take note of work as it is done; every verb returns at once and never raises."""

    def price_message(self, applied: int) -> None:
        """Note that a price message was judged and that `applied` of its prices counted (the others were late)."""

    def judged(self, scopes: int) -> None:
        """Note that so many scopes were re-margined."""

    def account_events(self, count: int) -> None:
        """Note that so many account events took effect."""

    def duplicate(self, topic: str) -> None:
        """Note that a message was no news: a version, or a price, that is not newer."""

    def event(self, event_type: str) -> None:
        """Note that an event was told and committed."""

    def dead_letter(self, topic: str, reason: str) -> None:
        """Note that a bad message, or element of one, of `topic` was set aside."""

    def transaction(self, seconds: float, records: int) -> None:
        """Note a committed transaction."""

    def kernel(self, seconds: float) -> None:
        """Note how long the engine worked on a step."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """Note processor time of one thread that went into a stage of the work."""

    def step(self, seconds: float) -> None:
        """Note how long a step took, from the records at hand to the commit."""

    def position(self, where: TopicPartition, offset: int, end: int, timestamp_ms: int | None) -> None:
        """Note that an input is read up to `offset` of `end`; `timestamp_ms` is the log's, of the last record."""

    def scopes(
        self, shard: int, by_status: Mapping[str, int], unknown: Mapping[str, int], degraded: Mapping[str, int]
    ) -> None:
        """Note a shard's scopes by told status, and its unknown and degraded ones by reason.

        A reason is counted by the word before its first colon: `missing_asset:BTC` as `missing_asset`.
        """

    def shard(self, shard: int, state: ShardState | None) -> None:
        """Note the stage a shard has reached; None: it is not ours any more."""

    def standby(self, shard: int, lag: int | None) -> None:
        """Note how many records the warm copy of a shard is behind its changelog; None: there is none any more."""

    def takeover(self) -> None:
        """Note that a shard was taken over: fenced, restored and caught up."""

    def state_damaged(self, shard: int) -> None:
        """Note that a shard's changelog does not have the hash its last writer stated; the shard is not judged."""

    def image_read(self, shard: int, source: str, seconds: float) -> None:
        """Note from where a shard's image was had (snapshot, changelog, standby), and how long that took."""

    def snapshot_written(self, shard: int, size: int, seconds: float, created_ms: int) -> None:
        """Note a snapshot of `size` bytes that shows a shard as it was at `created_ms`."""

    def snapshot_failed(self, shard: int) -> None:
        """Note that a snapshot could not be written; the last one stays."""

    def snapshot_ignored(self, shard: int, reason: str) -> None:
        """Note that a snapshot was not used, by one of a closed set of reasons."""

    def held_instruments(self, count: int) -> None:
        """Note how many instruments wait for their confirmation."""

    def unjudged(self, price_messages: int) -> None:
        """Note missed price messages that lie too far back to be judged one by one."""

    def doubted_prices(self, reason: str, count: int) -> None:
        """Note that so many prices of a message were doubted for a reason."""

    def quarantined(self, symbols: int) -> None:
        """Note of how many symbols the last price read is quarantined."""

    def loop_lag(self, seconds: float) -> None:
        """Note how late the event loop was for a timer."""

    def tasks(self, running: int) -> None:
        """Note how many tasks the event loop has."""

    def audited(self, scopes: int, seconds: float) -> None:
        """Note that so many scopes were compared with the exact path, and how long that took."""

    def audit_fault(self, column: str) -> None:
        """Note a figure of the store that was not what the facts give, by the name of its column."""

    def audit_passed(self, shard: int) -> None:
        """Note that a shard has been looked over whole."""

    def funds(self, shard: int, figures: Sequence[FundFigures]) -> None:
        """Note the figures of the insurance funds that a shard keeps."""

    def fund_decisions(self, kind: str, count: int) -> None:
        """Note what became of claims on insurance funds: covered, triggered, or candidate_ and why."""

    def log_fault(self, kind: str) -> None:
        """Note, by the name of the fault, that the log did not do what was asked."""

    def alarm(self, watchdog: str, subject: str) -> None:
        """Note that a shard or an input has used up the budget of a watchdog."""

    def alarm_over(self, watchdog: str, subject: str) -> None:
        """Note that this is over."""

    def heartbeat_age(self, shard: int, seconds: float) -> None:
        """Note for how long no heartbeat of a shard has come, whoever owns it."""


class SilentObserver:
    """Take note of nothing."""

    def price_message(self, applied: int) -> None:
        """Ignore it."""

    def judged(self, scopes: int) -> None:
        """Ignore it."""

    def account_events(self, count: int) -> None:
        """Ignore it."""

    def duplicate(self, topic: str) -> None:
        """Ignore it."""

    def event(self, event_type: str) -> None:
        """Ignore it."""

    def dead_letter(self, topic: str, reason: str) -> None:
        """Ignore it."""

    def transaction(self, seconds: float, records: int) -> None:
        """Ignore it."""

    def kernel(self, seconds: float) -> None:
        """Ignore it."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """Ignore it."""

    def step(self, seconds: float) -> None:
        """Ignore it."""

    def position(self, where: TopicPartition, offset: int, end: int, timestamp_ms: int | None) -> None:
        """Ignore it."""

    def scopes(
        self, shard: int, by_status: Mapping[str, int], unknown: Mapping[str, int], degraded: Mapping[str, int]
    ) -> None:
        """Ignore it."""

    def shard(self, shard: int, state: ShardState | None) -> None:
        """Ignore it."""

    def standby(self, shard: int, lag: int | None) -> None:
        """Ignore it."""

    def takeover(self) -> None:
        """Ignore it."""

    def state_damaged(self, shard: int) -> None:
        """Ignore it."""

    def image_read(self, shard: int, source: str, seconds: float) -> None:
        """Ignore it."""

    def snapshot_written(self, shard: int, size: int, seconds: float, created_ms: int) -> None:
        """Ignore it."""

    def snapshot_failed(self, shard: int) -> None:
        """Ignore it."""

    def snapshot_ignored(self, shard: int, reason: str) -> None:
        """Ignore it."""

    def held_instruments(self, count: int) -> None:
        """Ignore it."""

    def unjudged(self, price_messages: int) -> None:
        """Ignore it."""

    def doubted_prices(self, reason: str, count: int) -> None:
        """Ignore it."""

    def quarantined(self, symbols: int) -> None:
        """Ignore it."""

    def loop_lag(self, seconds: float) -> None:
        """Ignore it."""

    def tasks(self, running: int) -> None:
        """Ignore it."""

    def audited(self, scopes: int, seconds: float) -> None:
        """Ignore it."""

    def audit_fault(self, column: str) -> None:
        """Ignore it."""

    def audit_passed(self, shard: int) -> None:
        """Ignore it."""

    def funds(self, shard: int, figures: Sequence[FundFigures]) -> None:
        """Ignore it."""

    def fund_decisions(self, kind: str, count: int) -> None:
        """Ignore it."""

    def log_fault(self, kind: str) -> None:
        """Ignore it."""

    def alarm(self, watchdog: str, subject: str) -> None:
        """Ignore it."""

    def alarm_over(self, watchdog: str, subject: str) -> None:
        """Ignore it."""

    def heartbeat_age(self, shard: int, seconds: float) -> None:
        """Ignore it."""
