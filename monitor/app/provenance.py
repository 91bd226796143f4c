"""Provenance: whether an image that was not read from the changelog itself is what the changelog says.

Snapshots and warm copies are proven alike: incarnation and offsets first, then the hash their tail leads to. From where
they come is in `snapshots` and `restoring`.
"""

from __future__ import annotations

import asyncio

from monitor.app.changelog import Meta, read_last_meta
from monitor.app.codec import Codec
from monitor.app.image import Image, follow, read_image
from monitor.app.ports import LogReader, TopicPartition
from monitor.app.snapshots import BadSnapshot, SnapshotName, Snapshots


async def prove(reader: LogReader, where: TopicPartition, codec: Codec, image: Image) -> BadSnapshot | None:
    """Bring a counted image, however old, to the present end of its changelog; return why it must not be used.

    None: it is what the changelog says, as far as the hash of the last transaction can tell.
    """
    bad = await _compare(reader, where, codec, image)
    if bad is not None:
        return bad
    await follow(reader, where, codec, image)
    if image.meta is None or image.meta.hash is None or image.meta.hash != image.hash:
        return BadSnapshot("hash", "with the tail of the changelog it has not the hash the last line states")
    return None


class MarketSource:
    """Read what is kept of the global inputs, terms and quiet prices, out of the changelog of shard 0.

    Where no snapshot helps, all of that changelog is read, and shard 0 itself, if it is restored here meanwhile, waits
    for that image instead of reading everything a second time. It then is shard 0's, and has to be proven like any.
    """

    def __init__(self, where: TopicPartition, codec: Codec, snapshots: Snapshots, name: SnapshotName) -> None:
        self._where = where
        self._codec = codec
        self._snapshots = snapshots
        self._name = name
        self._coming: asyncio.Future[Image] | None = None

    async def read(self, reader: LogReader) -> Image:
        """Return an image whose terms and prices are whole, perhaps no more; to be used before anything is awaited."""
        image = await self._snapshots.load(self._name, brief=True)
        if image is None:
            return await self._read_all(reader)
        bad = await _compare(reader, self._where, self._codec, image)
        if bad is not None:
            self._snapshots.ignore(self._name.shard, bad)
            return await self._read_all(reader)
        image.hash = None
        await follow(reader, self._where, self._codec, image)
        return image

    async def whole(self, where: TopicPartition) -> Image | None:
        """Return the image of a changelog if it is being read whole at the moment, for the only one who asks."""
        coming = self._coming
        if where != self._where or coming is None:
            return None
        await asyncio.wait({coming})
        return None if coming.cancelled() else coming.result()

    async def _read_all(self, reader: LogReader) -> Image:
        coming = self._coming = asyncio.get_running_loop().create_future()
        try:
            image = await read_image(reader, self._where, self._codec)
            coming.set_result(image)
        finally:
            self._coming = None
            coming.cancel()
        return image


async def _compare(reader: LogReader, where: TopicPartition, codec: Codec, image: Image) -> BadSnapshot | None:
    begin = (await reader.beginning_offsets([where]))[where]
    end = (await reader.end_offsets([where]))[where]
    return why_foreign(image, await read_last_meta(reader, where, codec), begin, end)


def why_foreign(image: Image, last: Meta | None, begin: int, end: int) -> BadSnapshot | None:
    """Return why an image does not belong to a changelog that holds [begin, end) and ends with the line `last`.

    None: it does, and its tail may be read. Whether the tail leads to the hash of the last line shows only then.
    """
    mine = image.meta
    if last is None or mine is None or not mine.incarnation or last.incarnation != mine.incarnation:
        found = "none" if last is None else last.incarnation or "none"
        return BadSnapshot("incarnation", f"the changelog is incarnation {found}, not {mine and mine.incarnation}")
    if last.hash is None:
        return BadSnapshot("hash", "the changelog does not state its hash")
    if image.next_offset > end or last.counter < mine.counter:
        return BadSnapshot("ahead", f"it ends at offset {image.next_offset}, the changelog at {end}")
    if image.next_offset < begin:
        return BadSnapshot("gap", f"it ends at offset {image.next_offset}, the changelog begins at {begin}")
    return None
