"""What other shards ask of this one: claims on the funds it keeps, and events about its accounts.

Only reading these requests lives here; what a fund decides is the core's business.
"""

from __future__ import annotations

from monitor.app.account_intake import Apply
from monitor.app.codec import Codec
from monitor.app.ports import Record, TopicPartition
from monitor.app.reading import Fault
from monitor.app.records import RecordMaker
from monitor.app.results import StepResult
from monitor.app.topics import TopicNames
from monitor.core.fund.claims import UNREADABLE, message_of
from monitor.core.inputs import FundRecord, Origin


def requests_to(shard: int, topics: TopicNames) -> tuple[TopicPartition, ...]:
    """Return where other shards ask something of a shard: claims on its funds, events about its accounts."""
    return TopicPartition(topics.fund, shard), TopicPartition(topics.adl, shard)


class AskedIntake:
    """Make results of the requests of other shards; what is none of ours is a dead letter."""

    def __init__(self, codec: Codec, maker: RecordMaker) -> None:
        self._codec = codec
        self._maker = maker

    def of_fund(self, record: Record, apply: Apply, now_ms: int) -> StepResult:
        """Take a claim, or its release."""
        result = StepResult(inputs={TopicPartition(record.topic, record.partition): record.offset + 1})
        try:
            message = message_of(self._codec.decode(record.value or b""))
        except UNREADABLE as error:
            result.set_aside([Fault(record, "bad_value", f"no message of ours: {error!r}")], self._maker)
        else:
            result.outcome = apply([FundRecord(message, Origin(*record[:3]), record.timestamp_ms)], now_ms)
        return result

    def of_account(self, record: Record) -> StepResult:
        """Tell the event that a fund's keeper has made about an account of this shard."""
        result = StepResult(inputs={TopicPartition(record.topic, record.partition): record.offset + 1})
        try:
            event = self._codec.decode(record.value or b"")["event"]
            result.tail.append(self._maker.asked_event(event["account_id"], event))
            result.asked.append(event["event_type"])
        except UNREADABLE as error:
            result.set_aside([Fault(record, "bad_value", f"no request of ours: {error!r}")], self._maker)
        return result
