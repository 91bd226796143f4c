"""Snapshot files: the committed image of a shard as zstd blocks, each chained to what stands before it by a checksum.

Bytes, folders and atomicity live here; when to write, and whether what was found may be used, is the application's.

Layout: magic, version; then blocks of (kind, raw length, packed length, digest, packed bytes). The digest is blake2b
over the digest before it, the head of the block and its bytes, so that nothing can be cut off, changed, moved or left
out. The first block is the description in JSON, the last an empty one. Blocks of records hold, each as one array: the
lengths of the names, for each name the number of its value, the lengths of the values; then all names, all values.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

import numpy as np
from cramjam import DecompressionError, zstd
from numpy.typing import NDArray

from monitor.app.changelog import FACTS, MEMORY, RULES, Meta
from monitor.app.image import Image
from monitor.app.snapshots import BadSnapshot, Snapshot, SnapshotName

VERSION: Final = 2
_MAGIC: Final = b"LIQMON\x00S" + VERSION.to_bytes(2, "little")
_HEAD: Final = Struct("<2sII")
_WRITTEN: Final = Struct("<QQ")
_DIGEST: Final = 16
_DESCRIPTION: Final = b"{}"
_END: Final = b"  "
_TOUCHED: Final = b"t|"
_ACCOUNTS: Final = (RULES, MEMORY, FACTS)
"""Written last, so that who wants the rest alone need not read them."""
_RECORDS: Final = 16_384
"""Of one block: few enough that no call holds the interpreter for long."""
_LARGEST: Final = 1 << 30
_LEVEL: Final = 1
_U4: Final = np.dtype("<u4")
W = TypeVar("W", str, bytes)


class SnapshotFiles:
    """Keep one file for each shard in a folder that only its owner may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, name: SnapshotName) -> Path:
        """Return where the snapshot of a shard lies."""
        return self._folder / f"{quote(name.group, safe='')}-{name.shards}-{name.shard}.snapshot"

    def write(self, snapshot: Snapshot, is_given_up: Callable[[], bool]) -> int:
        """Write beside the last snapshot, force it to disk, then take its place."""
        path = self.path_of(snapshot.name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_over in self._folder.glob(f"{path.name}.*.tmp"):
            left_over.unlink(missing_ok=True)
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with open(temporary, "xb", opener=_only_for_us) as file:
                if not write_snapshot(file, snapshot, is_given_up):
                    return 0
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            temporary.replace(path)
            self._force_folder()
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return size

    def read(self, name: SnapshotName, *, brief: bool) -> Snapshot:
        """Read the file of a shard, checking every byte of what is read."""
        try:
            with self.path_of(name).open("rb") as file:
                return read_snapshot(file, brief=brief)
        except FileNotFoundError as error:
            raise BadSnapshot("absent", f"there is no {error.filename}") from error
        except OSError as error:
            raise BadSnapshot("unreadable", str(error)) from error

    def _force_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _only_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_snapshot(file: BinaryIO, snapshot: Snapshot, is_given_up: Callable[[], bool]) -> bool:
    """Write a snapshot; return whether it was finished."""
    file.write(_MAGIC)
    digest = _MAGIC
    for kind, raw in _blocks(snapshot):
        if is_given_up():
            return False
        packed = bytes(zstd.compress(raw, _LEVEL))
        head = _HEAD.pack(kind, len(raw), len(packed))
        digest = _chained(digest, head, packed)
        file.write(head + digest)
        file.write(packed)
    return True


def read_snapshot(file: BinaryIO, *, brief: bool = False) -> Snapshot:
    """Read a snapshot. Raises BadSnapshot where anything is not as it was written."""
    magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        reason = "version" if magic[:-2] == _MAGIC[:-2] and len(magic) == len(_MAGIC) else "damaged"
        raise BadSnapshot(reason, f"it begins with {magic.hex()}, this version reads {_MAGIC.hex()}")
    blocks = _checked_blocks(file)
    try:
        snapshot = _described(next(blocks)[1])
        for kind, raw in blocks:
            if brief and kind in _ACCOUNTS:
                break
            _fill(snapshot.image, kind, raw)
    except (ValueError, KeyError, TypeError, IndexError, StopIteration, DecompressionError) as error:
        raise BadSnapshot("damaged", f"its content is not understood: {error!r}") from error
    return snapshot


def _blocks(snapshot: Snapshot) -> Iterator[tuple[bytes, bytes]]:
    image = snapshot.image
    meta, name = image.meta, snapshot.name
    assert meta is not None and image.hash is not None, "a snapshot is of a committed image"
    body = {
        "group": name.group,
        "shards": name.shards,
        "shard": name.shard,
        "schema": name.schema,
        "created_ms": snapshot.created_ms,
        "next_offset": image.next_offset,
        "hash": f"{image.hash:016x}",
        "meta": meta.body(),
    }
    yield _DESCRIPTION, json.dumps(body).encode()
    touched = {account: _WRITTEN.pack(*written) for account, written in image.touched.items()}
    yield from _records(_TOUCHED, touched)
    kinds = image.kinds()
    for kind in sorted(kinds, key=lambda one: _ACCOUNTS.index(one) if one in _ACCOUNTS else -1):
        yield from _records(kind, kinds[kind])
    yield _END, b""


def _records(kind: bytes, kept: dict[str, bytes]) -> Iterator[tuple[bytes, bytes]]:
    items = iter(kept.items())
    while some := list(islice(items, _RECORDS)):
        names = [name.encode() for name, _ in some]
        numbers: dict[bytes, int] = {}
        chosen = [numbers.setdefault(value, len(numbers)) for _, value in some]
        yield (
            kind,
            b"".join(
                (
                    np.array([len(names), len(numbers)], _U4).tobytes(),
                    np.fromiter(map(len, names), _U4, len(names)).tobytes(),
                    np.array(chosen, _U4).tobytes(),
                    np.fromiter(map(len, numbers), _U4, len(numbers)).tobytes(),
                    *names,
                    *numbers,
                )
            ),
        )


def _checked_blocks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    digest = _MAGIC
    while True:
        head = _exactly(file, _HEAD.size)
        stated = _exactly(file, _DIGEST)
        kind, raw_length, packed_length = _HEAD.unpack(head)
        if max(raw_length, packed_length) > _LARGEST:
            raise BadSnapshot("damaged", "a block is larger than any that is written")
        packed = _exactly(file, packed_length)
        digest = _chained(digest, head, packed)
        if digest != stated:
            raise BadSnapshot("damaged", f"a checksum before byte {file.tell()} is wrong")
        if kind == _END:
            return
        yield kind, bytes(zstd.decompress(packed, output_len=raw_length))


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) != size:
        raise BadSnapshot("torn", f"it ends at byte {file.tell()}, amid a block")
    return found


def _chained(before: bytes, head: bytes, packed: bytes) -> bytes:
    digest = blake2b(before, digest_size=_DIGEST)
    digest.update(head)
    digest.update(packed)
    return digest.digest()


def _described(raw: bytes) -> Snapshot:
    body: dict[str, Any] = json.loads(raw)
    name = SnapshotName(body["group"], body["shards"], body["shard"], body["schema"])
    image = Image(meta=Meta.of(body["meta"]), next_offset=body["next_offset"], hash=int(body["hash"], 16))
    return Snapshot(name, body["created_ms"], image)


def _fill(image: Image, kind: bytes, raw: bytes) -> None:
    count, distinct = (int(one) for one in np.frombuffer(raw, _U4, 2))
    lengths = np.frombuffer(raw, _U4, 2 * count + distinct, 8)
    begin = 8 + lengths.nbytes
    middle = begin + int(lengths[:count].sum())
    names = _names(raw[begin:middle], lengths[:count])
    values = _cut(raw, lengths[2 * count :], middle)
    if kind == MEMORY:
        values = [image.once(value) for value in values]
    if distinct != count:
        values = [values[number] for number in lengths[count : 2 * count].tolist()]
    if kind == _TOUCHED:
        image.touched.update(zip(names, map(_WRITTEN.unpack, values), strict=True))
    else:
        image.kinds()[kind].update(zip(names, values, strict=True))


def _names(joined: bytes, lengths: NDArray[np.uint32]) -> Sequence[str]:
    if joined.isascii():
        return _cut(joined.decode("ascii"), lengths)
    return [name.decode() for name in _cut(joined, lengths)]


def _cut(whole: W, lengths: NDArray[np.uint32], begin: int = 0) -> list[W]:
    ends: list[int] = (np.cumsum(lengths, dtype=np.int64) + begin).tolist()
    return [whole[start:end] for start, end in zip([begin, *ends], ends, strict=False)]
