"""Snapshots: the committed images of shards, kept outside the log so that a restart need not read all of it.

When one is written, and whether one that was found may be used, is decided here. The bytes and files are an adapter's.
A snapshot is a cache: whatever is wrong with it, it is ignored with a word why, and the changelog is read instead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Protocol

from monitor.app.changelog import SCHEMA, Meta
from monitor.app.image import Image
from monitor.app.observing import Observer
from monitor.app.recovery_settings import RecoverySettings

log = logging.getLogger(__name__)

MAX_AGE_MS: Final = 12 * 3_600_000
"""Half the `delete.retention.ms` of the changelog: of an older snapshot a tombstone may be gone that it lacks."""
_UNCHANGED_MS: Final = MAX_AGE_MS // 12
"""A snapshot of a shard that has not changed is written anew this often, so that it does not grow too old."""


@dataclass(frozen=True, slots=True)
class SnapshotName:
    """Name whose snapshot it is: the group with the topic prefix before it, the number of shards, and the shard."""

    group: str
    shards: int
    shard: int
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold a committed image, whose it is, and when it was taken."""

    name: SnapshotName
    created_ms: int
    image: Image


class BadSnapshot(Exception):
    """A snapshot that is not used; `reason` is one of a closed set, the text says more."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class SnapshotStore(Protocol):
    """Keep the last snapshot of each shard. Both verbs are called outside the event loop."""

    def write(self, snapshot: Snapshot, is_given_up: Callable[[], bool]) -> int:
        """Replace the snapshot of a shard, all of it or nothing; return its bytes. Raises OSError.

        Where `is_given_up` says so meanwhile, nothing is replaced and 0 is returned.
        """

    def read(self, name: SnapshotName, *, brief: bool) -> Snapshot:
        """Return the snapshot of a shard, with `brief` without its accounts. Raises BadSnapshot."""


class Snapshots:
    """Write the snapshots of this instance's shards, one at a time, and find those that may be used."""

    def __init__(
        self,
        settings: RecoverySettings,
        store: SnapshotStore | None,
        aside: Callable[[Callable[[], Any]], Awaitable[Any]],
        observer: Observer,
        now_ms: Callable[[], int],
    ) -> None:
        self._interval_seconds = settings.snapshot_interval_ms / 1000
        self._store = store
        self._aside = aside
        self._observer = observer
        self._now_ms = now_ms
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: dict[int, float] = {}
        self._written: dict[int, tuple[str, int, int]] = {}
        self._given_up = Event()

    async def load(self, name: SnapshotName, *, brief: bool = False) -> Image | None:
        """Return the image of a shard as it was last kept, None where there is none that could be of use.

        Whether it belongs to the changelog that is there now remains to be seen: see `provenance`.
        """
        store = self._store
        if store is None:
            return None
        try:
            snapshot: Snapshot = await self._aside(lambda: store.read(name, brief=brief))
            self._check(snapshot, name)
        except BadSnapshot as bad:
            self.ignore(name.shard, bad)
            return None
        return snapshot.image

    def ignore(self, shard: int, bad: BadSnapshot) -> None:
        """Say why a snapshot is not used."""
        self._observer.snapshot_ignored(shard, bad.reason)
        level = logging.INFO if bad.reason == "absent" else logging.WARNING
        log.log(level, "shard %d: snapshot ignored (%s), the changelog is read: %s", shard, bad.reason, bad)

    def restored(self, shard: int, source: str) -> None:
        """Plan the first snapshot of a shard that is steady: at once where there was none to restore from."""
        wait = self._interval_seconds if source != "changelog" else 0.0
        self._due[shard] = asyncio.get_running_loop().time() + wait

    def consider(self, name: SnapshotName, image: Image, *, last: bool = False) -> None:
        """Begin to write a shard's image if it is due, or this is its last moment here.

        Called between a commit and the next change of the image: it is copied at once (its records are shared, not
        copied), and written in the background.
        """
        now = asyncio.get_running_loop().time()
        if self._store is None or image.meta is None or image.hash is None:
            return
        if not last and (self._tasks or now < self._due.get(name.shard, 0.0)):
            return
        self._due[name.shard] = now + self._interval_seconds
        if self._is_unchanged(name.shard, image.meta):
            return
        snapshot = Snapshot(name, self._now_ms(), image.frozen())
        task = asyncio.create_task(self._write(snapshot), name=f"snapshot of shard {name.shard}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, seconds: float) -> None:
        """Wait for what is being written, then give it up: what was there before stays."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if not self._tasks:
            return
        log.warning("snapshots given up while stopping: %s", sorted(task.get_name() for task in self._tasks))
        self._given_up.set()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_unchanged(self, shard: int, meta: Meta) -> bool:
        incarnation, counter, written_ms = self._written.get(shard, ("", 0, 0))
        same = (incarnation, counter) == (meta.incarnation, meta.counter)
        return same and self._now_ms() - written_ms < _UNCHANGED_MS

    async def _write(self, snapshot: Snapshot) -> None:
        store, shard, meta = self._store, snapshot.name.shard, snapshot.image.meta
        assert store is not None and meta is not None, "only asked where there is a store and something to write"

        def write() -> tuple[int, float]:
            started = time.perf_counter()
            return checked_write(store, snapshot, self._given_up.is_set), time.perf_counter() - started

        async with self._lock:
            try:
                size, seconds = await self._aside(write)
            except OSError as error:
                self._observer.snapshot_failed(shard)
                log.warning("shard %d: its snapshot could not be written, the last one stays: %s", shard, error)
            except BadSnapshot as bad:
                self._observer.snapshot_failed(shard)
                log.critical("shard %d: no snapshot written, a restart will read the changelog: %s", shard, bad)
            else:
                if size:
                    self._written[shard] = meta.incarnation, meta.counter, snapshot.created_ms
                    self._observer.snapshot_written(shard, size, seconds, snapshot.created_ms)

    def _check(self, snapshot: Snapshot, name: SnapshotName) -> None:
        for part in ("group", "shards", "shard", "schema"):
            found, wanted = getattr(snapshot.name, part), getattr(name, part)
            if found != wanted:
                raise BadSnapshot(part, f"it is of {part} {found}, not {wanted}")
        age_ms = self._now_ms() - snapshot.created_ms
        if age_ms > MAX_AGE_MS:
            raise BadSnapshot("old", f"it is {age_ms // 60_000} minutes old, {MAX_AGE_MS // 60_000} are allowed")


def checked_write(store: SnapshotStore, snapshot: Snapshot, is_given_up: Callable[[], bool]) -> int:
    """Write a snapshot whose records have the hash it states. Raises BadSnapshot where they have not, and OSError."""
    image, stated = snapshot.image, snapshot.image.hash
    if image.count() != stated:
        raise BadSnapshot("hash", "what is in memory has not the hash that was kept beside it")
    return store.write(snapshot, is_given_up)
