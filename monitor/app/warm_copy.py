"""A warm copy of a shard that another instance owns: its committed image and an engine that follows it.

What may be followed, and how it is handed to a takeover, lives here; reading and pacing are the standby's business.

The engine holds what the owner has committed and the market as the owner has judged it, never more: it is brought to
where a restored one would stand, no judgement is made and nothing told. Funds and claims are few and are taken over
whole when the copy is handed over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice

from monitor.app.changelog import FACTS, MEMORY, META_KEY, RULES
from monitor.app.codec import Codec
from monitor.app.feed import GlobalFeed
from monitor.app.image import DamagedState, Image
from monitor.app.kernel_thread import KernelThread
from monitor.app.ports import LogReader, PositionLost, Record, TopicPartition
from monitor.app.reading import FeedEntry, GlobalInput
from monitor.core.board import MarketBoard
from monitor.core.engine import MarginEngine
from monitor.core.following import Follower
from monitor.core.inputs import AssetTerms, FundTerms, InstrumentTerms, Origin, Prices

ACCOUNTS_AT_ONCE = 100
"""Accounts a turn takes over anew: some 15 ms of the kernel thread, for which our own shards wait."""
FILLED_AT_ONCE = 2_000
"""Accounts a turn takes over that were never seen, where there are more of them than it could take one by one."""
MARKS_AT_ONCE = 1_000
"""Marks a turn takes over."""
_TERMS_COUNT_FOR = 20
_READ_AT_ONCE = 2_000
_POLL_MS = 200
_OF_ACCOUNTS = (FACTS, MEMORY, RULES)


class UnfitCopy(Exception):
    """A warm copy is not what its owner has left, or cannot be known to be: it is dropped, and the log is read."""


class WarmMarket:
    """Say which global inputs the engine of a copy may take: what was judged, and what the window has let go.

    Funds are left out. Runs in the event loop, while nothing of the copy is at work in the kernel thread.
    """

    def __init__(self, feed: GlobalFeed, board: MarketBoard) -> None:
        self._feed = feed
        self._board = board
        self._next = -1
        self._waiting: list[tuple[int, FeedEntry]] = []
        self._judged: Mapping[TopicPartition, int] = {}

    def due(self, judged: Mapping[TopicPartition, int]) -> list[GlobalInput]:
        """Return what may be taken now that inputs are judged so far, each once."""
        feed = self._feed
        due: list[GlobalInput] = []
        if self._next < feed.first:  # at the beginning, or the window went on faster than we looked
            due += self._whole()
            self._next, self._waiting = feed.first, [one for one in self._waiting if one[0] >= feed.first]
        new = list(enumerate(feed.entries(self._next, feed.end - self._next), self._next))
        self._next = feed.end
        kept: list[tuple[int, FeedEntry]] = []
        if judged is self._judged and not (self._waiting and self._waiting[0][0] < feed.first):
            kept = self._waiting
        else:
            new = self._waiting + new
        self._judged, self._waiting = judged, kept
        for number, entry in new:
            if number >= feed.first and entry.offset >= judged.get(entry.where, 0):
                self._waiting.append((number, entry))
            elif entry.input is not None and not isinstance(entry.input, FundTerms):
                due.append(entry.input)
        return due

    def _whole(self) -> list[GlobalInput]:
        """Return the market before the window, and that what is not in it any more is gone."""
        found: list[GlobalInput] = [item for item in self._feed.base_inputs() if not isinstance(item, FundTerms)]
        base, nowhere = self._feed.base, Origin("", 0, 0)
        gone = self._board.instruments.keys() - base.instruments.keys()
        unlisted = self._board.assets.keys() - base.assets.keys()
        return [
            *(InstrumentTerms(symbol, None, nowhere) for symbol in sorted(gone)),
            *(AssetTerms(name, None, nowhere, 0) for name in sorted(unlisted)),
            *found,
        ]


class WarmCopy:
    """Keep one shard's image and engine; every method that is not a coroutine runs in the kernel thread."""

    def __init__(self, where: TopicPartition, engine: MarginEngine, feed: GlobalFeed, codec: Codec) -> None:
        self.where = where
        self.engine = engine
        self.market = WarmMarket(feed, engine.board)
        self.image = Image(hash=0)
        self.is_filled = False
        self.is_given = False
        self._codec = codec
        self._follower = Follower(engine)
        self._changed: dict[str, None] = {}
        self._inputs: deque[GlobalInput] = deque()
        self._incarnation = ""

    @property
    def judged(self) -> Mapping[TopicPartition, int]:
        """How far the owner has come with each input."""
        return {} if self.image.meta is None else self.image.meta.inputs

    @property
    def backlog(self) -> int:
        """How many accounts and messages the engine has still to take over."""
        return len(self._changed) + len(self._inputs)

    def turn(self, records: Sequence[Record], position: int, inputs: Sequence[GlobalInput], now_ms: int) -> None:
        """Take committed records up to a position, some of what the owner has judged and of the accounts that changed.

        Accounts wait for the market, else all that were placed before their terms had to be placed again at once.
        Raises `UnfitCopy`, and what records raise that this version cannot read.
        """
        self._take(records, position)
        self._inputs += inputs
        self._absorb(now_ms)
        if self.is_filled and not self._inputs:
            self._renew()

    async def read_tail(self, reader: LogReader, kernel: KernelThread) -> Image:
        """Return the image as of the present end, which is asked for after the fence; raises `UnfitCopy`."""
        start = await kernel(lambda: self.image.next_offset)  # what the standby had begun is done by now
        try:
            begin = (await reader.beginning_offsets([self.where]))[self.where]
            end = (await reader.end_offsets([self.where]))[self.where]
            if not begin <= start <= end:
                raise UnfitCopy(f"it stands at {start}, the changelog holds {begin} to {end}")
            reader.assign({self.where: start})
            while reader.position(self.where) < end:
                records = await reader.poll(_READ_AT_ONCE, _POLL_MS)
                position = reader.position(self.where)
                await kernel(lambda: self._take(records, position))  # noqa: B023
            self.image.check()
        except PositionLost as fault:
            raise UnfitCopy(str(fault)) from fault
        except DamagedState as damage:
            raise UnfitCopy(str(damage)) from damage
        if self.image.meta is None:
            raise UnfitCopy("the changelog has no __meta__")
        return self.image

    async def complete(self, inputs: Sequence[GlobalInput], now_ms: int, kernel: KernelThread) -> None:
        """Take the funds and the rest of what was judged, and bring the engine to where a restored one stands.

        In the same turns as before: whatever was left to do must not hold up the shards that are judged.
        """
        self._inputs += inputs
        while self._inputs:
            await kernel(lambda: self._absorb(now_ms))
        while self._changed:
            await kernel(self._renew)
        await kernel(lambda: self.engine.rules.restore({}, self.image.samples))

    def _take(self, records: Sequence[Record], position: int) -> None:
        for record in records:
            key = record.key or b""
            if key[:2] in _OF_ACCOUNTS:
                name = key[2:].decode()
                if record.value is None and key[:2] == FACTS and self.engine.book.number_of(name) is not None:
                    raise UnfitCopy(f"the facts of an account were taken out of the changelog at {record.offset}")
                self._changed[name] = None
            self.image.take(record, self._codec)
            if key == META_KEY:
                self._check_incarnation()
        self.image.next_offset = max(self.image.next_offset, position)

    def _check_incarnation(self) -> None:
        found = "" if self.image.meta is None else self.image.meta.incarnation
        if self._incarnation and found != self._incarnation:
            raise UnfitCopy(f"the changelog is another: incarnation {found or 'none'} instead of {self._incarnation}")
        self._incarnation = found

    def _absorb(self, now_ms: int) -> None:
        some: list[GlobalInput] = []
        left = MARKS_AT_ONCE
        while self._inputs and left > 0:
            item = self._inputs.popleft()
            left -= len(item.updates) if isinstance(item, Prices) else _TERMS_COUNT_FOR
            some.append(item)
        if some:
            self._follower.absorb(some, now_ms)

    def _renew(self) -> None:
        image, follower = self.image, self._follower
        some = list(islice(self._changed, FILLED_AT_ONCE))
        new = [name for name in some if follower.can_fill(name, image.facts)]
        is_filling = len(new) > ACCOUNTS_AT_ONCE
        chosen = new if is_filling else some[:ACCOUNTS_AT_ONCE]
        for name in chosen:
            del self._changed[name]
        if is_filling:
            self._changed |= dict.fromkeys(follower.fill(chosen, image.facts, image.memory, image.rules))
        elif chosen:
            follower.renew(chosen, image.facts, image.memory, image.rules)
