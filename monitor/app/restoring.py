"""Restoring: from where a shard's image is had, the fastest source that can be proven first, the changelog last.

What is done with an image is the takeover's business; what an image must be to be used is in `provenance`.
"""

from __future__ import annotations

import asyncio
import logging
import time

from monitor.app.image import Image, read_image
from monitor.app.ledger import RETRY_SECONDS, LedgerSettings
from monitor.app.ports import LogReader, LogUnavailable
from monitor.app.provenance import prove
from monitor.app.shared import Shared
from monitor.app.snapshots import SnapshotName
from monitor.app.warm_copy import WarmCopy

log = logging.getLogger(__name__)


def name_of(settings: LedgerSettings) -> SnapshotName:
    """Return the name of a shard's snapshot."""
    return SnapshotName(settings.group, settings.shards, settings.shard)


async def restored_image(shared: Shared, settings: LedgerSettings, warm: WarmCopy | None) -> Image:
    """Return the counted image of a shard whose older writers are fenced; waits out a log that is away.

    Raises `UnfitCopy` where it is to be that of a warm copy, and that is not what the log holds.
    """
    while True:
        started = time.perf_counter()
        reader = shared.log.reader()
        try:
            await reader.start()
            image, source = None, "standby"
            if warm is not None:
                image = await warm.read_tail(reader, shared.on_kernel_thread)
            if image is None:
                image, source = await _from_snapshot(reader, shared, settings), "snapshot"
            if image is None:
                image, source = await _from_changelog(reader, shared, settings), "changelog"
        except LogUnavailable as fault:
            shared.observer.log_fault(type(fault).__name__)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            seconds = time.perf_counter() - started
            log.info(
                "shard %d: %d accounts read from the %s in %.1f s", settings.shard, len(image.facts), source, seconds
            )
            shared.observer.image_read(settings.shard, source, seconds)
            shared.snapshots.restored(settings.shard, source)
            return image
        finally:
            await reader.stop()


async def _from_snapshot(reader: LogReader, shared: Shared, settings: LedgerSettings) -> Image | None:
    image = await shared.snapshots.load(name_of(settings))
    if image is None:
        return None
    bad = await prove(reader, settings.where, shared.codec, image)
    if bad is not None:
        shared.snapshots.ignore(settings.shard, bad)
        return None
    return image


async def _from_changelog(reader: LogReader, shared: Shared, settings: LedgerSettings) -> Image:
    image = await shared.market.whole(settings.where)
    if image is not None:
        await shared.aside(image.count)
        bad = await prove(reader, settings.where, shared.codec, image)
        if bad is None:
            return image
        log.warning("shard %d: what the feed read of its changelog is not used: %s", settings.shard, bad)
    image = await read_image(reader, settings.where, shared.codec)
    await shared.aside(image.count)
    return image
