"""The file behind an embedded log: checksummed frames, appended; what they mean to the log is the store's business.

The process may be killed at any moment: at worst the last frame is torn, and opening cuts it off. Frames are forced to
the disk only when the log is closed, so a power failure may take the last seconds with it.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct as Layout

import msgspec

from monitor.app.ports import LogForbidden

_HEADER = Layout("<II")

StoredRecord = tuple[str, int, int, int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
StoredTopic = tuple[str, int, int, dict[str, str]]


class Change(msgspec.Struct, array_like=True):
    """Hold one atomic change: topics made and dropped, records, new ends and starts."""

    created: list[StoredTopic] = []
    deleted: list[str] = []
    records: list[StoredRecord] = []
    ends: list[tuple[str, int, int]] = []
    starts: list[tuple[str, int, int]] = []


class Journal:
    """Append changes to `journal.bin` in a directory, and give back what earlier processes appended."""

    def __init__(self, directory: Path) -> None:
        """Open or make the directory; raise `LogForbidden` when another process holds it."""
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "journal.bin"
        self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise LogForbidden(f"{directory} is in use by another process") from error
        self._file = self._open(self._path)
        self._encode = msgspec.msgpack.Encoder().encode
        self.size = 0

    def load(self) -> Iterator[Change]:
        """Yield all changes in order; a torn or damaged tail is cut off. Must be exhausted before `append`."""
        decode = msgspec.msgpack.Decoder(Change).decode
        good = 0
        with self._path.open("rb") as stream:
            while len(header := stream.read(_HEADER.size)) == _HEADER.size:
                length, checksum = _HEADER.unpack(header)
                body = stream.read(length)
                if len(body) < length or zlib.crc32(body) != checksum:
                    break
                good += _HEADER.size + length
                yield decode(body)
        os.ftruncate(self._file, good)
        self.size = good

    def append(self, change: Change) -> None:
        """Add one change."""
        self.size += self._write(self._file, change)

    def rewrite(self, changes: Iterable[Change]) -> None:
        """Replace everything by `changes`, all or nothing."""
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        file = self._open(fresh)
        self.size = sum(self._write(file, change) for change in changes)
        os.fsync(file)
        fresh.replace(self._path)
        os.close(self._file)
        self._file = file

    def close(self) -> None:
        """Force everything to the disk and let the directory go."""
        os.fsync(self._file)
        os.close(self._file)
        os.close(self._lock)

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def _write(self, file: int, change: Change) -> int:
        body = self._encode(change)
        frame = _HEADER.pack(len(body), zlib.crc32(body)) + body
        left = memoryview(frame)
        while left:
            left = left[os.write(file, left) :]
        return len(frame)
