"""The terms part of a feed: asks the venue for its terms on a schedule, and writes what has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from monitor.app.topics import TopicNames
from monitor.app.venue_feed.line_group import Tools
from monitor.app.venue_feed.outbox import Outbox
from monitor.app.venue_feed.ports import ApiKey, NativeMessage, Rest, RestFault, TermsDialect
from monitor.app.venue_feed.readings import BadFrame
from monitor.app.venue_feed.terms import DoubtfulTerms, TermsBook
from monitor.app.venue_feed.writing import Encode

log = logging.getLogger(__name__)

_LOGGED_ONE_BY_ONE = 50


class TermsWatch:
    """Keep the topics of terms as the venue states them; assets only where no stream does (`writes_assets`)."""

    def __init__(
        self,
        dialect: TermsDialect,
        rest: Rest,
        key: ApiKey | None,
        book: TermsBook,
        tools: Tools,
        outbox: Outbox,
        topics: TopicNames,
        encode: Encode,
        *,
        writes_assets: bool,
    ) -> None:
        self._dialect = dialect
        self._rest = rest
        self._key = key
        self._book = book
        self._tools = tools
        self._outbox = outbox
        self._topics = topics
        self._encode = encode
        self._writes_assets = writes_assets
        self._margin_available: Mapping[str, bool] | None = None
        self._trouble: str | None = "terms: not asked for yet"
        self._asked_at_ms = 0
        self._said: dict[str, int] = {}

    def margin_available(self, asset: str) -> bool | None:
        """Return whether the venue counts an asset, None while it is not known."""
        return None if self._margin_available is None else self._margin_available.get(asset)

    async def run(self) -> None:
        """Ask on schedule until cancelled; after a failure again, after the longest backoff or as the venue asks."""
        settings = self._tools.settings
        while True:
            wait = settings.terms_interval_ms / 1000
            try:
                await self._ask()
            except RestFault as fault:
                wait = max(settings.max_backoff_ms / 1000, fault.retry_after or 0)
                self._fail(str(fault))
            except (BadFrame, DoubtfulTerms) as fault:
                wait = settings.max_backoff_ms / 1000
                self._fail(str(fault))
            else:
                self._trouble = None
            await asyncio.sleep(wait)

    def why_not_ready(self) -> list[str]:
        """Return why the last attempt came to nothing."""
        return [] if self._trouble is None else [self._trouble]

    def seen(self) -> dict[str, dict[str, Any]]:
        """Return when terms came last, and where brackets come from."""
        return {"terms": {"received_at_ms": self._asked_at_ms, "brackets": self._book.brackets}}

    def _fail(self, why: str) -> None:
        self._trouble = f"terms: {why}"
        self._tools.observer.terms_failed()
        log.warning("%s", self._trouble)

    async def _ask(self) -> None:
        now_ms = self._tools.now_ms()
        answers = [await self._rest.ask(request) for request in self._dialect.requests(self._key, now_ms)]
        terms = self._dialect.read(answers, now_ms)
        changes = [one for one in self._book.changes(terms) if one.role == "instruments" or self._writes_assets]
        self._margin_available = terms.margin_available
        self._asked_at_ms = now_ms
        for change in changes if len(changes) <= _LOGGED_ONE_BY_ONE else ():
            log.info("%s %s: %s", change.role, change.name, change.difference)
        if len(changes) > _LOGGED_ONE_BY_ONE:
            log.info("%d contracts and assets are new or have changed", len(changes))
        for fault in terms.faults:
            log.warning("terms: %s", fault)
        self._tell_brackets()
        self._outbox.put(
            NativeMessage(
                getattr(self._topics, change.role),
                change.name.encode(),
                self._encode(change.document),
                lost=partial(self._book.forget, change),
            )
            for change in changes
        )
        for change in changes:
            self._tools.observer.terms_changed(change.role)

    def _tell_brackets(self) -> None:
        """Say where brackets come from, whenever that changes."""
        counts: Mapping[str, int] = self._book.brackets
        self._tools.observer.brackets(counts)
        if counts != self._said:
            self._said = dict(counts)
            log.info("brackets: %d contracts from the venue, %d from the profile", counts["venue"], counts["profile"])
            if counts["none"]:
                log.warning(
                    "%d contracts have brackets from nowhere and are not written: the venue tells them with a key only "
                    "(feed.key_file), and the profile has none",
                    counts["none"],
                )
