from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from narrows.core.ledger.checkpoint import open_checkpoint
from narrows.core.ledger.entry import Draft, Kind, Tags, complete, encode_entry
from narrows.core.ledger.tree import EMPTY
from narrows.errors import LedgerUnavailable, MalformedRequest
from narrows.store.keys import new_key
from narrows.store.log import CHECKPOINT, HASHES, Item
from narrows.store.recovery import open_log

if TYPE_CHECKING:
    from tests.unit.store.conftest import MemoryFile, MemoryFiles

KEY = new_key("example.org/log", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def ignore(_index: int, _tags: Tags) -> None:
    return


def item(number: int) -> Item:
    draft = Draft(Kind.STARTED, None, {"number": number})
    return Item(encode_entry(complete(draft, "example.org/log", NOON, bytes)[0]), b"")


def test_openings_are_synced_before_entries_and_hashes_never(memory_files: "MemoryFiles") -> None:
    log, _ = open_log(memory_files, KEY, ignore)
    memory_files.operations.clear()
    log.write([Item(item(0).entry, b"opening")])
    log.write([item(1)])
    assert memory_files.operations == [
        *("append", "sync", "append", "sync", "append"),
        *("append", "sync", "append"),
    ]


def test_a_new_log_has_a_checkpoint_of_nothing(memory_files: "MemoryFiles") -> None:
    log, _ = open_log(memory_files, KEY, ignore)
    kept = open_checkpoint(memory_files.whole[CHECKPOINT], KEY.verifier)
    assert (kept.size, kept.root, log.origin) == (0, EMPTY.root, "example.org/log")


def test_there_are_no_entries_beyond_the_last(memory_files: "MemoryFiles") -> None:
    log, _ = open_log(memory_files, KEY, ignore)
    log.write([item(0)])
    assert log.entry(0) == item(0).entry
    assert log.openings(0) == ()
    for index in (-1, 1):
        with pytest.raises(MalformedRequest):
            log.entry(index)
        with pytest.raises(MalformedRequest):
            log.openings(index)


def test_hashes_that_are_gone_make_the_ledger_unavailable(memory_files: "MemoryFiles") -> None:
    log, _ = open_log(memory_files, KEY, ignore)
    log.write([item(0)])
    del memory_files.files[HASHES].written[5:]
    with pytest.raises(LedgerUnavailable):
        log.read([0])


def test_a_disk_that_fails_to_read_makes_the_ledger_unavailable(
    memory_files: "MemoryFiles", monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = open_log(memory_files, KEY, ignore)
    log.write([item(0)])

    def fail(_self: "MemoryFile", _offset: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(memory_files.files[HASHES]), "read", fail)
    with pytest.raises(LedgerUnavailable):
        log.read([0])
    with pytest.raises(LedgerUnavailable):
        log.entry(0)
    with pytest.raises(LedgerUnavailable):
        log.openings(0)
