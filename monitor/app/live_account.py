"""One account as the running monitor knows it: its facts from the changelog, the market from the inputs.

Nothing is fenced, judged or written: whoever looks does not disturb the owners of the shards.
"""

from __future__ import annotations

import asyncio

from monitor.app.codec import Codec
from monitor.app.feed import GlobalFeed
from monitor.app.image import read_image
from monitor.app.ports import Log, LogUnavailable, TopicPartition
from monitor.core.accounts import Account
from monitor.core.board import MarketBoard
from monitor.core.engine import MarginEngine
from monitor.core.facts import unpack
from monitor.core.partitioning import partition_of

PATIENCE_SECONDS = 30.0
"""A log that has not shown its inputs by then does not answer."""


class NoSuchAccount(LookupError):
    """The changelog knows no account of that name."""


async def live_account(
    account_id: str, log: Log, feed: GlobalFeed, engine: MarginEngine, codec: Codec
) -> tuple[Account, MarketBoard]:
    """Return the facts of an account and the market, as of now.

    `feed` and `engine` are new ones, used for this only. Raises `NoSuchAccount`, and the faults of the log.
    """
    following = asyncio.create_task(feed.run(), name="inputs")
    caught_up = asyncio.create_task(feed.caught_up.wait())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({following, caught_up}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            facts = await _facts_of(account_id, log, feed.settings.topics.state, codec)
    except TimeoutError:
        raise LogUnavailable("the inputs could not be read to their end in time") from None
    finally:
        for task in (following, caught_up):
            task.cancel()
        await asyncio.gather(following, caught_up, return_exceptions=True)
    entries = (entry.input for entry in feed.entries(feed.first, feed.end))
    engine.absorb([*feed.base_inputs(), *(entry for entry in entries if entry is not None)], 0)
    return facts, engine.board


async def _facts_of(account_id: str, log: Log, state: str, codec: Codec) -> Account:
    reader = log.reader()
    try:
        await reader.start()
        shards = await reader.partition_count(state)
        if not shards:
            raise NoSuchAccount(account_id)
        image = await read_image(reader, TopicPartition(state, partition_of(account_id.encode(), shards)), codec)
    finally:
        await reader.stop()
    record = image.facts.get(account_id)
    account = None if record is None else unpack(record)
    if account is None or account.deleted:
        raise NoSuchAccount(account_id)
    return account
