"""Intake: from records of three topics to events in the order of their chains; reading the log is the sender's.

A chain is known from its last event taken in on. One that is not yet known begins with the lowest sequence in sight,
once every event topic of its partition is read up to where it ended, open transactions included, after an event of it
was seen. For what can be read belongs to a transaction that is written whole, and its writer wrote one after the other:
the predecessors lie before these ends, or were taken in by whoever was here before us. The same is true of everything
before it in its topic, and of the predecessors themselves. A predecessor that should come and does not is given up at
the same moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.app.gateway.ordering import Item, Ordering
from monitor.app.gateway.places import Places
from monitor.app.gateway.standings import UNTOLD
from monitor.app.gateway.views import EventView, Unreadable, ViewCodec
from monitor.app.ports import LogReader, Record, TopicPartition
from monitor.app.webhooks.messages import Event
from monitor.app.webhooks.observing import WebhookObserver

MOST_CHAINS = 500_000
"""Chains remembered; one that is forgotten is begun anew, which costs its next event a moment and nothing else."""

Chain = tuple[str, str]


class Chains:
    """Remember how far the chains were told, the latest of them."""

    def __init__(self, most: int = MOST_CHAINS) -> None:
        self._told: OrderedDict[Chain, int] = OrderedDict()
        self._most = most

    def told(self, account_id: str, scope: str) -> tuple[int, int]:
        """Return the sequence of the last event let through, -1 for none; statuses are not read here."""
        return self._told.get((account_id, scope), UNTOLD), UNTOLD

    def reached(self, chain: Chain, sequence: int) -> None:
        """Note that a chain was told up to a sequence; 1 begins a life of its scope anew."""
        told = self._told.get(chain, UNTOLD)
        self._told[chain] = sequence if sequence == 1 else max(told, sequence)
        self._told.move_to_end(chain)
        if len(self._told) > self._most:
            self._told.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Wait:
    """Hold where the topics of a partition ended after these offsets, the last of each place, were seen to wait."""

    ends: Mapping[TopicPartition, int]
    last: Mapping[int, int]


class Intake:
    """Put records in order; `guards` tells whether some target is shown events without what they tell of others."""

    def __init__(self, places: Places, codec: ViewCodec, observer: WebhookObserver, *, guards: bool) -> None:
        self._places = places
        self._codec = codec
        self._observer = observer
        self._guards = guards
        self._chains = Chains()
        self._ordering = Ordering(places, self._chains)
        self._waits: dict[int, _Wait] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for its predecessor."""
        return self._ordering.waiting > 0

    def feed(self, record: Record) -> Iterator[Event]:
        """Take a record and yield the events that may be told now."""
        try:
            view = self._codec.event(record)
        except Unreadable:
            self._observer.unreadable(record.topic)
            return
        index = self._places.index(record.topic, record.partition)
        yield from self._let_through(self._ordering.feed(Item(index, record.offset, record.timestamp_ms, view)))

    async def settle(self, reader: LogReader) -> list[Event]:
        """Return the events whose predecessors cannot come any more. Raises `LogUnavailable`."""
        blocked = self._ordering.blocked()
        for partition in self._waits.keys() - blocked:
            del self._waits[partition]
        found: list[Event] = []
        for partition in blocked:
            wait = self._waits.get(partition)
            if wait is None:
                last = {
                    item.index: item.offset for item in self._ordering.held(partition)
                }  # before asking for the ends
                ends = await reader.written_offsets(self._topics_of(partition))
                self._waits[partition] = _Wait(ends, last)
            elif all(reader.position(where) >= end for where, end in wait.ends.items()):
                del self._waits[partition]
                found += self._begin(partition, wait.last)
        self._observer.held(self._ordering.waiting)
        return found

    def passed(self, reader: LogReader) -> Iterator[tuple[TopicPartition, int]]:
        """Yield how far each place is read of which nothing waits: what lies between is nobody's event."""
        for where in self._places.event_places():
            if self._ordering.is_idle(self._places.index(*where)):
                yield where, reader.position(where)

    def _begin(self, partition: int, last: Mapping[int, int]) -> list[Event]:
        """Let through what waited when the ends were asked for: all that comes before it is in sight."""
        held = list(self._ordering.held(partition))
        lowest: dict[Chain, int] = {}
        for item in _in_sight(held, last):
            if (chain := _chain_of(item)) is not None:
                assert item.view.sequence is not None, "what is in a chain has a place there"
                lowest[chain] = min(lowest.get(chain, item.view.sequence), item.view.sequence)
        for chain, sequence in lowest.items():
            told, _ = self._chains.told(*chain)
            if told == UNTOLD:
                self._chains.reached(chain, sequence - 1)
            elif told < sequence - 1:
                self._observer.chain_gap()
                self._chains.reached(chain, sequence - 1)
        found = list(self._let_through(self._ordering.drain(partition)))
        if lowest and not found:
            self._observer.chain_gap()  # two topics hold each other up: nobody of ours has written that
            found = list(self._let_through(self._ordering.release(partition)))
        return found

    def _topics_of(self, partition: int) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for topic in self._places.events]

    def _let_through(self, items: Iterable[Item]) -> Iterator[Event]:
        for item in items:
            view = item.view
            assert isinstance(view, EventView), "statuses are not read"
            if view.scope is not None and view.sequence is not None:
                self._chains.reached((view.account_id, view.scope), view.sequence)
            where = self._places.all[item.index]
            body = self._codec.brief(view.body)
            guarded = self._codec.guarded(body) if self._guards and view.names_others else body
            yield Event(where.topic, where.partition, item.offset, item.timestamp_ms, view, body, guarded)


def _chain_of(item: Item) -> Chain | None:
    view = item.view
    return None if view.scope is None or view.sequence is None else (view.account_id, view.scope)


def _in_sight(held: list[Item], last: Mapping[int, int]) -> list[Item]:
    """Return what waited up to these offsets, with what comes before it in its topic or its chain, and so on."""
    upto, highest = dict(last), dict[Chain, int]()
    found: list[Item] = []
    left = held
    while True:
        more = []
        for item in left:
            chain = _chain_of(item)
            sequence = item.view.sequence or 0
            if item.offset <= upto.get(item.index, -1) or (chain is not None and sequence <= highest.get(chain, -1)):
                upto[item.index] = max(upto.get(item.index, -1), item.offset)
                if chain is not None:
                    highest[chain] = max(highest.get(chain, -1), sequence)
                found.append(item)
            else:
                more.append(item)
        if len(more) == len(left):
            return found
        left = more
