"""From an outcome to records: which topic, key, partition and headers everything a shard writes gets.

Only the shape of records lives here; when they are written is the ledger's business, what they say the core's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from monitor.app.changelog import (
    FUND_CLAIM,
    FUND_WINDOW,
    INSTRUMENT,
    OWN_CLAIMS,
    PRICE,
    PROMISES,
    SAMPLES,
    facts_key,
    memory_key,
    rules_key,
)
from monitor.app.codec import Codec
from monitor.app.ports import OutputRecord, Record
from monitor.app.reading import Fault, Held, Note
from monitor.app.topics import TopicNames
from monitor.core.document import instrument_object
from monitor.core.events import Channel
from monitor.core.instruments import Instrument
from monitor.core.outcome import AccountOutcome, FundOutcome, Request, Route
from monitor.core.partitioning import partition_of
from monitor.core.quality.gate import QualityChange
from monitor.core.quality.pegs import PegChange
from monitor.core.quality.stating import quality_object
from monitor.core.quotes import Quote

LARGEST_DEAD_LETTER = 524_288
"""A longer value is cut; header `original-size` then says how long it was."""
LARGEST_DEAD_KEY = 65_536
"""A longer key is cut as well (`original-key-size`): key, value and headers must fit into one record."""


class RecordMaker:
    """Make the records of one shard: all it writes lies in its own partition number, but for requests to others."""

    def __init__(self, shard: int, shards: int, topics: TopicNames, codec: Codec) -> None:
        self._shard = shard
        self._shards = shards
        self._routes = {Route.FUND: topics.fund, Route.ADL: topics.adl}
        self.topics = topics
        self._codec = codec
        self._channels = {
            Channel.MARGIN_CALLS: topics.margin_calls,
            Channel.LIQUIDATIONS: topics.liquidations,
            Channel.ADL_EVENTS: topics.adl_events,
        }

    def account(self, outcome: AccountOutcome) -> list[OutputRecord]:
        """Return all records about one account: events first, then what remembers and shows them."""
        key = outcome.account_id.encode()
        records = [
            self._record(self._channels[event.channel], key, self._codec.encode(event.body)) for event in outcome.events
        ]
        if outcome.facts is not None:
            records.append(self._record(self.topics.state, facts_key(outcome.account_id), outcome.facts))
        if outcome.memory is not None:
            records.append(self._record(self.topics.state, memory_key(outcome.account_id), outcome.memory))
        if outcome.rules is not None:
            records.append(self._record(self.topics.state, rules_key(outcome.account_id), outcome.rules))
        if outcome.claims is not None:
            records.append(self._record(self.topics.state, OWN_CLAIMS + key, outcome.claims or None))
        records += [self.request(request) for request in outcome.requests]
        for scope, body in outcome.statuses.items():
            value = None if body is None else self._codec.encode(body)
            records.append(self._record(self.topics.account_status, f"{outcome.account_id}|{scope}".encode(), value))
        return records

    def samples(self, kept: Mapping[str, bytes]) -> list[list[OutputRecord]]:
        """Return the changelog records of sampled marks, by their place in the ring, each by itself."""
        return [[self._record(self.topics.state, SAMPLES + place.encode(), record)] for place, record in kept.items()]

    def request(self, request: Request) -> OutputRecord:
        """Return what is asked of another shard, in the partition of the fund or account that the key names."""
        key = request.key.encode()
        where = partition_of(key, self._shards)
        return OutputRecord(self._routes[request.route], where, key, self._codec.encode(request.body))

    def funds(self, outcome: FundOutcome, windows: Mapping[str, Mapping[str, Any] | None]) -> list[OutputRecord]:
        """Return what a shard keeps of its funds' books and windows, and what it asks of the accounts' shards."""
        kept: list[tuple[bytes, Mapping[str, Any]]] = [
            (FUND_CLAIM, outcome.claims),
            (FUND_WINDOW, windows),
            (PROMISES, outcome.promises),
        ]
        records = [
            self._record(self.topics.state, kind + name.encode(), None if body is None else self._codec.encode(body))
            for kind, bodies in kept
            for name, body in bodies.items()
        ]
        return records + [self.request(request) for request in outcome.requests]

    def asked_event(self, account_id: str, body: Mapping[str, Any]) -> OutputRecord:
        """Return an event that another shard has asked this one to tell of its account."""
        return self._record(self.topics.adl_events, account_id.encode(), self._codec.encode(body))

    def dead_letter(self, fault: Fault) -> OutputRecord:
        """Return the dead letter of a bad message, with its reason and its origin."""
        source = fault.record
        headers: list[tuple[str, str]] = [
            ("error-code", fault.code),
            ("error-message", fault.why[:1000]),
            ("original-topic", source.topic),
            ("original-partition", str(source.partition)),
            ("original-offset", str(source.offset)),
            ("original-timestamp-ms", str(source.timestamp_ms)),
        ]
        if fault.path:
            headers.append(("error-path", fault.path[:1000]))
        value = source.value
        if value is not None and len(value) > LARGEST_DEAD_LETTER:
            headers += [("truncated", "true"), ("original-size", str(len(value)))]
            value = value[:LARGEST_DEAD_LETTER]
        key = source.key
        if key is not None and len(key) > LARGEST_DEAD_KEY:
            headers += [("truncated", "true"), ("original-key-size", str(len(key)))]
            key = key[:LARGEST_DEAD_KEY]
        if key is None and value is None:
            value = b""  # a record needs a key or a value
        encoded = tuple((name, text.encode("utf-8", "backslashreplace")) for name, text in headers)
        return OutputRecord(self.topics.dead_letters, self._shard, key, value, encoded)

    def held(self, held: Held, now_ms: int) -> OutputRecord:
        """Return the data-quality record of terms that wait for a confirmation."""
        body = {
            "kind": "instrument_held",
            "symbol": held.symbol,
            "why": held.why,
            "origin": held.origin._asdict(),
            "since_ms": now_ms,
            "affects": "the terms in force stand until the new ones come again with confirm: true",
        }
        return self._record(self.topics.data_quality, held.symbol.encode(), self._codec.encode(body))

    def note(self, note: Note, now_ms: int) -> OutputRecord:
        """Return the data-quality record of what is to be told of a message."""
        return self.held(note, now_ms) if isinstance(note, Held) else self.price_quality(note)

    def price_quality(self, change: QualityChange) -> OutputRecord:
        """Return the data-quality record of a price that is doubted for other reasons than before, or good again."""
        quality = change.quality
        if quality.is_believed:
            affects = "the price counts"
        else:
            affects = "the last believed price stands within its band; what could change by it is unknown"
        stated = quality_object(quality)
        prices = {
            name: stated["observed"][name] for name in ("mark_price", "index_price") if name in stated["observed"]
        }
        body = {
            "kind": "price_quality",
            "symbol": change.symbol,
            "verdict": quality.verdict,
            "reasons": list(quality.reasons),
            "believed": quality.is_believed,
            **prices,
            "origin": change.origin._asdict(),
            "since_ms": quality.observed.log_ms,
            "affects": affects,
            "quality": stated,
        }
        return self._record(self.topics.data_quality, change.symbol.encode(), self._codec.encode(body))

    def peg(self, change: PegChange) -> OutputRecord:
        """Return the data-quality record of an asset that has left what it is held against, or is back."""
        affects = "the asset counts at its index"
        if not change.peg.holds:
            affects = "the reference stands in, within its band; what could change by it is unknown"
        body = {
            "kind": "asset_quality",
            "asset": change.asset,
            "verdict": "good" if change.peg.holds else "bad",
            **change.peg.body(),
            "origin": change.origin._asdict(),
            "since_ms": change.timestamp_ms,
            "affects": affects,
        }
        return self._record(self.topics.data_quality, change.asset.encode(), self._codec.encode(body))

    def unjudged(self, topic: str, stretches: Mapping[str, Mapping[str, int]], now_ms: int) -> OutputRecord:
        """Return the data-quality record of price messages that lay too far back to be judged one by one."""
        body = {"kind": "prices_unjudged", "shard": self._shard, "offsets": stretches, "since_ms": now_ms}
        return self._record(self.topics.data_quality, topic.encode(), self._codec.encode(body))

    def lost(self, source: Record, first: int, now_ms: int) -> list[OutputRecord]:
        """Return what says that account messages were gone before they were read: those before offset `first`."""
        why = f"offsets {source.offset} to {first - 1} were no longer in the log"
        body = {"kind": "account_events_lost", "shard": self._shard, "why": why, "since_ms": now_ms}
        quality = self._record(self.topics.data_quality, source.topic.encode(), self._codec.encode(body))
        return [self.dead_letter(Fault(source, "gap", why)), quality]

    def instrument(self, symbol: str, terms: Instrument[Any] | None) -> OutputRecord:
        """Return the changelog record of accepted terms."""
        value = None if terms is None else self._codec.encode(instrument_object(terms) | {"symbol": symbol})
        return self._record(self.topics.state, INSTRUMENT + symbol.encode(), value)

    def price(self, symbol: str, quote: Quote, *, quarantined: bool) -> OutputRecord:
        """Return the changelog record of the price of a quiet market, or of one whose later prices are quarantined."""
        body = {name: str(part) if isinstance(part, Decimal) else part for name, part in quote._asdict().items()}
        if quarantined:
            body["quarantined"] = True
        return self._record(self.topics.state, PRICE + symbol.encode(), self._codec.encode(body))

    def meta(self, body: Mapping[str, Any], key: bytes) -> OutputRecord:
        """Return the changelog's own line."""
        return self._record(self.topics.state, key, self._codec.encode(body))

    def _record(self, topic: str, key: bytes, value: bytes | None) -> OutputRecord:
        return OutputRecord(topic, self._shard, key, value)


def split(groups: Iterable[list[OutputRecord]], most: int) -> list[list[OutputRecord]]:
    """Return groups of records joined into lists of at most `most` records; a group is never torn apart."""
    lists: list[list[OutputRecord]] = [[]]
    for group in groups:
        if lists[-1] and len(lists[-1]) + len(group) > most:
            lists.append([])
        lists[-1].extend(group)
    return lists
