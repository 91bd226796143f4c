"""Snapshot files: the committed image of a shard as zstd blocks, each chained to what stands before it by a checksum.

Bytes, folders and atomicity live here; when to write, and whether what was found may be used, is the application's.

Layout: magic, version; then blocks of (kind, raw length, packed length, digest, packed bytes). The digest is blake2b
over the digest before it, the head of the block and its bytes, so that nothing can be cut off, changed, moved or left
out. The first block is the description in JSON, the last an empty one. Blocks of records hold, each as one array: the
lengths of the names, for each name the number of its value (0: none), the lengths of the values; then all names, a
line each, and all values. Blocks of accounts hold facts and memory, whose names would be the same: the lengths of the
facts stand behind those of the values, the facts at the end. Where and when accounts were touched stands for values.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from monitor.app.second_thread import SecondThread
from monitor.app.snapshots import BadSnapshot, Snapshot, SnapshotName
from monitor.core.ahead import Begin, at_once, one_ahead

VERSION: Final = 3
_MAGIC: Final = b"LIQMON\x00S" + VERSION.to_bytes(2, "little")
_HEAD: Final = Struct("<2sII")
_DIGEST: Final = 16
_DESCRIPTION: Final = b"{}"
_END: Final = b"  "
_TOUCHED: Final = b"t|"
_PAIRS: Final = b"a|"
"""Accounts that have facts, with what was told of them where anything was."""
_ACCOUNTS: Final = (RULES, MEMORY, _PAIRS)
"""Written last, so that who wants the rest alone need not read them."""
_RECORDS: Final = 16_384
"""Of one block: few enough that no call holds the interpreter for long."""
_LARGEST: Final = 1 << 30
_LINE: Final = b"\n"
_LEVEL: Final = 1
_U4: Final = np.dtype("<u4")
_U8: Final = np.dtype("<u8")
V = TypeVar("V")


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
            with self.path_of(name).open("rb") as file, SecondThread() as second:
                return read_snapshot(file, brief=brief, begin=at_once if brief else second.begin)
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


def read_snapshot(file: BinaryIO, *, brief: bool = False, begin: Begin = at_once) -> Snapshot:
    """Read a snapshot; `begin` may unpack a block ahead. Raises BadSnapshot where anything is not as it was written."""
    magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        reason = "version" if magic[:-2] == _MAGIC[:-2] and len(magic) == len(_MAGIC) else "damaged"
        raise BadSnapshot(reason, f"it begins with {magic.hex()}, this version reads {_MAGIC.hex()}")
    blocks = one_ahead(_checked_blocks(file), begin)
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
    yield from _touched(image)
    kinds = image.kinds()
    facts, memory = kinds.pop(FACTS), kinds[MEMORY]
    kinds[MEMORY] = {name: value for name, value in memory.items() if name not in facts}
    for kind in sorted(kinds, key=lambda one: _ACCOUNTS.index(one) if one in _ACCOUNTS else -1):
        yield from ((kind, _packed(list(some), some.values())) for some in _parts(kinds[kind]))
    for some in _parts(facts):
        yield _PAIRS, _packed(list(some), map(memory.get, some), list(some.values()))
    yield _END, b""


def _touched(image: Image) -> Iterator[tuple[bytes, bytes]]:
    for some in _parts(image.touched):
        names = [name.encode() for name in some]
        heads = np.array([len(names), *map(len, names)], _U4)
        yield _TOUCHED, b"".join((heads.tobytes(), _LINE.join(names), np.array(list(some.values()), _U8).tobytes()))


def _parts(kept: dict[str, V]) -> Iterator[dict[str, V]]:
    items = iter(kept.items())
    while some := dict(islice(items, _RECORDS)):
        yield some


def _packed(ids: Sequence[str], values: Iterable[bytes | None], facts: Sequence[bytes] = ()) -> bytes:
    names = [name.encode() for name in ids]
    numbers: dict[bytes, int] = {}
    chosen = [0 if value is None else numbers.setdefault(value, len(numbers) + 1) for value in values]
    lengths = [len(names), len(numbers), *map(len, names), *chosen, *map(len, numbers), *map(len, facts)]
    return b"".join((np.array(lengths, _U4).tobytes(), _LINE.join(names), *numbers, *facts))


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
    if kind == _TOUCHED:
        _fill_touched(image, raw)
        return
    is_pair, kinds = kind == _PAIRS, image.kinds()
    count, distinct = (int(one) for one in np.frombuffer(raw, _U4, 2))
    lengths = np.frombuffer(raw, _U4, 2 * count + distinct + (count if is_pair else 0), 8)
    chosen, of_values, of_facts = lengths[count : 2 * count], lengths[2 * count :][:distinct], lengths[-count:]
    begin = 8 + lengths.nbytes
    names, middle = _names(raw, lengths[:count], begin)
    values = [b"", *_cut(raw, of_values, middle)]
    if is_pair:
        image.facts.update(zip(names, _cut(raw, of_facts, middle + int(of_values.sum())), strict=True))
        kind = MEMORY
    if kind == MEMORY:
        values = [image.once(value) for value in values]
    numbers = chosen.tolist()
    kept: Iterable[tuple[str, bytes]] = zip(names, map(values.__getitem__, numbers), strict=True)
    if not chosen.all():
        kept = [record for record, number in zip(kept, numbers, strict=True) if number]
    kinds[kind].update(kept)


def _fill_touched(image: Image, raw: bytes) -> None:
    count = int(np.frombuffer(raw, _U4, 1)[0])
    lengths = np.frombuffer(raw, _U4, count, 4)
    begin = 4 + lengths.nbytes
    names, middle = _names(raw, lengths, begin)
    written = np.frombuffer(raw, _U8, 2 * count, middle)
    pairs = zip(written[::2].tolist(), written[1::2].tolist(), strict=True)
    image.touched.update(zip(names, pairs, strict=True))


def _names(raw: bytes, lengths: NDArray[np.uint32], begin: int) -> tuple[list[str], int]:
    """Return the names that begin at a place, and where they end."""
    end = begin + int(lengths.sum()) + max(0, len(lengths) - 1)
    names = raw[begin:end].decode().split("\n") if len(lengths) else []
    if len(names) != len(lengths):  # a name of several lines
        names = [name.decode() for name in _cut(raw, lengths, begin, 1)]
    return names, end


def _cut(whole: bytes, lengths: NDArray[np.uint32], begin: int = 0, between: int = 0) -> list[bytes]:
    ends: list[int] = (np.cumsum(lengths + np.int64(between)) + (begin - between)).tolist()
    return [whole[start:end] for start, end in zip([begin, *(end + between for end in ends)], ends, strict=False)]
