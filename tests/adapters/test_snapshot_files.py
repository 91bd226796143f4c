"""Tests of snapshot files: what is written comes back, and nothing that is not what was written does."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters import snapshots as files
from monitor.adapters.snapshots import SnapshotFiles, read_snapshot, write_snapshot
from monitor.app.changelog import Meta
from monitor.app.image import Image
from monitor.app.ports import TopicPartition
from monitor.app.snapshots import BadSnapshot, Snapshot, SnapshotName

NAME = SnapshotName("eu/west.liqmon", 8, 3)
KINDS = ["facts", "memory", "rules", "samples", "instruments", "prices", "own_claims", "fund_claims", "promises"]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def snapshot_of(**kinds: dict[str, bytes]) -> Snapshot:
    """Return a snapshot of an image with some records."""
    image = Image(meta=Meta("eu/west.liqmon", 8, "w", 7, {TopicPartition("t", 1): 5}, 1, "ab" * 8, 1), next_offset=99)
    for kind, kept in kinds.items():
        getattr(image, kind).update(kept)
    image.touched = dict.fromkeys(list(image.facts)[:2], (98, 1_700_000_000_123))
    image.count()
    return Snapshot(NAME, 1_700_000_000_000, image)


def bytes_of(snapshot: Snapshot) -> bytes:
    """Return the content of its file."""
    file = io.BytesIO()
    assert write_snapshot(file, snapshot, lambda: False)
    return file.getvalue()


SMALL = snapshot_of(
    facts={f"account {number}é": f"facts of {number}".encode() * 5 for number in range(40)},
    memory={f"account {number}é": b"healthy" if number % 3 else b"watch" for number in range(40)},
    prices={"X": b"1"},
)


@given(st.fixed_dictionaries({kind: st.dictionaries(texts, st.binary(max_size=40), max_size=9) for kind in KINDS}))
def test_what_is_written_is_read(kinds: dict[str, dict[str, bytes]]) -> None:
    """Any names and values of every kind, the description and who was touched; without accounts: all the rest."""
    written = snapshot_of(**kinds)
    content = bytes_of(written)
    read = read_snapshot(io.BytesIO(content))
    assert (read.name, read.created_ms) == (written.name, written.created_ms)
    for part in (*KINDS, "fund_windows", "meta", "touched", "next_offset", "hash"):
        assert getattr(read.image, part) == getattr(written.image, part)
    brief = read_snapshot(io.BytesIO(content), brief=True)
    assert not brief.image.facts
    assert (brief.image.instruments, brief.image.prices) == (kinds["instruments"], kinds["prices"])


def test_many_records_take_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing depends on how many records a block holds."""
    monkeypatch.setattr(files, "_RECORDS", 7)
    assert read_snapshot(io.BytesIO(bytes_of(SMALL))).image.facts == SMALL.image.facts


def test_a_file_cut_off_anywhere_is_refused() -> None:
    """Whatever was torn off its end."""
    content = bytes_of(SMALL)
    for size in range(len(content)):
        with pytest.raises(BadSnapshot) as bad:
            read_snapshot(io.BytesIO(content[:size]))
        assert bad.value.reason in {"torn", "damaged"}


def test_a_bit_flipped_anywhere_is_refused() -> None:
    """In the magic, a head, a checksum or the packed records."""
    content = bytes_of(SMALL)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        with pytest.raises(BadSnapshot):
            read_snapshot(io.BytesIO(bytes(flipped)))


def test_a_block_that_was_left_out_or_moved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each checksum holds what stands before it."""
    monkeypatch.setattr(files, "_RECORDS", 7)
    content = bytes_of(SMALL)
    start, blocks = len(files._MAGIC), []
    while start < len(content):
        packed = files._HEAD.unpack(content[start : start + files._HEAD.size])[2]
        end = start + files._HEAD.size + 16 + packed
        blocks.append(content[start:end])
        start = end
    assert len(blocks) > 8
    for place in range(1, len(blocks) - 2):
        without = blocks[:place] + blocks[place + 1 :]
        swapped = [*blocks[:place], blocks[place + 1], blocks[place], *blocks[place + 2 :]]
        for others in (without, swapped):
            with pytest.raises(BadSnapshot):
                read_snapshot(io.BytesIO(files._MAGIC + b"".join(others)))


def test_another_version_is_named() -> None:
    """A file of a later version is not damaged, it is of another version."""
    content = bytearray(bytes_of(SMALL))
    content[len(files._MAGIC) - 2] = files.VERSION + 1
    with pytest.raises(BadSnapshot) as bad:
        read_snapshot(io.BytesIO(bytes(content)))
    assert bad.value.reason == "version"


def test_a_crash_before_the_name_is_taken_leaves_the_last_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a crash left beside it is cleared away by the next writer."""
    store = SnapshotFiles(tmp_path)
    store.write(SMALL, lambda: False)

    class Killed(BaseException):
        pass

    def kill(*_args: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(Path, "replace", kill)
        crash.setattr(Path, "unlink", kill)
        with pytest.raises(Killed):
            store.write(snapshot_of(facts={"a": b"1"}), lambda: False)
    assert len(list(tmp_path.iterdir())) == 2
    assert store.read(NAME, brief=False).image.facts == SMALL.image.facts
    store.write(snapshot_of(facts={"a": b"2"}), lambda: False)
    assert store.read(NAME, brief=False).image.facts == {"a": b"2"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_leaves_the_last_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when only forcing it to disk fails."""
    store = SnapshotFiles(tmp_path)
    store.write(SMALL, lambda: False)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(snapshot_of(facts={"a": b"1"}), lambda: False)
    assert store.read(NAME, brief=False).image.facts == SMALL.image.facts
    assert len(list(tmp_path.iterdir())) == 1


def test_a_write_that_is_given_up_changes_nothing(tmp_path: Path) -> None:
    """A stop does not wait for a large snapshot."""
    store = SnapshotFiles(tmp_path)
    store.write(SMALL, lambda: False)
    calls = iter([False, False, True])
    assert store.write(snapshot_of(facts={"a": b"1"}, memory={"a": b"1"}), lambda: next(calls)) == 0
    assert store.read(NAME, brief=False).image.facts == SMALL.image.facts
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A missing file and an unreadable one have reasons of their own."""
    store = SnapshotFiles(tmp_path)
    with pytest.raises(BadSnapshot) as absent:
        store.read(NAME, brief=False)
    store.path_of(NAME).mkdir()
    with pytest.raises(BadSnapshot) as unreadable:
        store.read(NAME, brief=False)
    assert (absent.value.reason, unreadable.value.reason) == ("absent", "unreadable")
