"""The hub: records come in, are put in order and on the board, and go out to the subscriptions that ask for them.

Reading the log and carrying bytes are others' business; nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.app.gateway.backlog import Backlog
from monitor.app.gateway.notices import Detail, Notice
from monitor.app.gateway.observing import GatewayObserver
from monitor.app.gateway.ordering import Item, Ordering
from monitor.app.gateway.places import Cut, Places, TokenRefused, read_token
from monitor.app.gateway.settings import GatewaySettings
from monitor.app.gateway.standings import Board
from monitor.app.gateway.subscription import Subscription
from monitor.app.gateway.views import EventView, StatusView, Unreadable, ViewCodec
from monitor.app.ports import Record, TopicPartition


class Hub:
    """Pass on what is read; `cut` is how far that has come."""

    def __init__(
        self,
        places: Places,
        settings: GatewaySettings,
        codec: ViewCodec,
        observer: GatewayObserver,
        now_ms: Callable[[], int],
    ) -> None:
        self.places = places
        self.codec = codec
        self.now_ms = now_ms
        self._settings = settings
        self._observer = observer
        self._of_events = [index for index in range(len(places.all)) if not places.is_status(index)]
        self._by_account: dict[str, set[Subscription]] = {}
        self._everybody: set[Subscription] = set()
        self._moved = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Know nothing; called again where loading is begun anew, before anybody has subscribed."""
        self.cut = Cut(self.places)
        self.board = Board(self.places.partitions, self._settings.max_scopes)
        self.backlog = Backlog(len(self.places.all), self._settings.backlog_bytes)
        self.ordering = Ordering(self.places, self.board)

    def begin_place(self, where: TopicPartition, offset: int) -> None:
        """State from which offset on the events of a place are held."""
        index = self.places.index(*where)
        self.cut.advance(index, offset)
        self.backlog.begin(index, offset)

    def token(self) -> str:
        """Return the token of the present cut."""
        return self.cut.token(self.now_ms())

    def read(self, record: Record) -> Item | None:
        """Return what is known of a record, None where that is nothing."""
        index = self.places.index(record.topic, record.partition)
        try:
            is_status = self.places.is_status(index)
            view = self.codec.status(record) if is_status else self.codec.event(record)
        except Unreadable:
            self._observer.unreadable(record.topic)
            return None
        return Item(index, record.offset, record.timestamp_ms, view)

    def feed(self, item: Item) -> None:
        """Take a record and pass on what may go. Raises `TooManyScopes`."""
        for ready in self.ordering.feed(item):
            self._pass_on(ready)

    def release(self, partition: int) -> None:
        """Pass on what waits for a predecessor that does not exist."""
        self._observer.chain_gap()
        for ready in self.ordering.release(partition):
            self._pass_on(ready)

    def load_status(self, item: Item) -> None:
        """Take a status of before our time over: nobody is told of it."""
        assert isinstance(item.view, StatusView)
        self.board.put_status(item.view, item.index // self.places.width, item.offset)
        self.cut.advance(item.index, item.offset + 1)

    def reached(self, index: int, position: int) -> None:
        """Note that a place was read up to a position: what lies between is nobody's record."""
        if self.ordering.is_idle(index):
            self.cut.advance(index, position)

    def batch_over(self) -> None:
        """Note what is kept, and wake whoever waits for the cut to move."""
        self._observer.held(self.board.scopes, self.backlog.bytes, self.ordering.waiting)
        self._moved.set()
        self._moved = asyncio.Event()

    def add(self, subscription: Subscription) -> None:
        """Pass on to a subscription from here on."""
        subscription.is_live = True
        accounts = subscription.filter.accounts
        if accounts is None:
            self._everybody.add(subscription)
        for name in accounts or ():
            self._by_account.setdefault(name, set()).add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Pass on to it no more."""
        self._everybody.discard(subscription)
        for name in subscription.filter.accounts or ():
            if (asking := self._by_account.get(name)) is not None:
                asking.discard(subscription)
                if not asking:
                    del self._by_account[name]

    async def cut_of(self, token: str) -> Cut:
        """Return the cut a token stands for, once we are as far. Raises `TokenRefused` with the reason.

        A gateway that has just started, or is a little behind another one, is waited for; a token that lies beyond
        what the log holds is of other topics.
        """
        time_ms, cut = read_token(token, self.places)
        if time_ms < self.now_ms() - self._settings.resume_ms:
            raise TokenRefused("too_old")
        try:
            async with asyncio.timeout(self._settings.send_ms / 1000):
                while any(theirs > ours for theirs, ours in zip(cut.positions, self.cut.positions, strict=True)):
                    await self._moved.wait()
        except TimeoutError:
            raise TokenRefused("foreign") from None
        if self.backlog.contradicts(cut.positions, time_ms, self._of_events):
            raise TokenRefused("foreign")
        if not self.holds(cut):
            raise TokenRefused("too_old")
        return cut

    def holds(self, cut: Cut) -> bool:
        """Tell whether everything since a cut is still known."""
        return self.backlog.holds(cut.positions, self._of_events) and self.board.remembers(self.statuses_of(cut))

    def statuses_of(self, cut: Cut) -> dict[int, int]:
        """Return the positions of a cut in the partitions of statuses."""
        width = self.places.width
        return {number: cut.positions[(number + 1) * width - 1] for number in range(self.places.partitions)}

    def _pass_on(self, item: Item) -> None:
        view, partition = item.view, item.index // self.places.width
        rank = view.rank
        self.cut.advance(item.index, item.offset + 1)
        if isinstance(view, StatusView):
            rank = max(rank, self.board.put_status(view, partition, item.offset))
        notice = Notice(
            view,
            self.places.all[item.index].topic,
            item.index,
            item.offset,
            item.timestamp_ms,
            rank,
            self.token(),
            self.codec,
        )
        if isinstance(view, EventView):
            if view.sequence is not None:
                self.board.put_event(view, partition, notice.body(Detail()))
            self.backlog.add(notice)
        self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        told = 0
        for group in (self._by_account.get(notice.view.account_id), self._everybody):
            for subscription in tuple(group or ()):
                told += subscription.offer(notice)
        notice.forget_texts()
        kind = "event" if isinstance(notice.view, EventView) else "status"
        self._observer.passed_on(kind, told, max(0, self.now_ms() - notice.timestamp_ms) / 1000)
