"""Kill the process at every operation on a file; what was acknowledged is there afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from narrows.core.ledger.entry import Draft, Kind, Tags, complete, encode_entry
from narrows.errors import LedgerUnavailable, ProofInvalid
from narrows.store.keys import new_key
from narrows.store.log import CHECKPOINT, ENTRIES, HASHES, SEALED, Item, Log
from narrows.store.records import encode_opening
from narrows.store.recovery import CUT, Recovery, open_log
from narrows.store.verify import verify_ledger

if TYPE_CHECKING:
    from tests.unit.store.conftest import Fault, MemoryFile, MemoryFiles

KEY = new_key("example.org/log", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GROUPS = (1, 3, 2)


def ignore(_index: int, _tags: Tags) -> None:
    return


def item(index: int) -> Item:
    draft = Draft(Kind.INTENT, None, {"number": index}, {"officer": b"4471", "sql": b"SELECT"})
    entry, openings = complete(draft, "example.org/log", NOON, lambda: bytes([index + 1]) * 32)
    return Item(encode_entry(entry), b"".join(encode_opening(index, o) for o in openings))


def live(files: "MemoryFiles", acknowledged: list[bytes]) -> None:
    """Open, write three groups, keep a checkpoint after the second, close."""
    log, _ = open_log(files, KEY, ignore)
    for number, count in enumerate(GROUPS):
        group = [item(log.size + n) for n in range(count)]
        log.write(group)
        acknowledged.extend(found.entry for found in group)
        if number == 1:
            log.keep_checkpoint()
    log.close()


def entries_of(log: Log) -> list[bytes]:
    return [log.entry(index) for index in range(log.size)]


def all_that_was_written(file: "MemoryFile") -> bytes:
    return bytes(file.written)


def only_what_was_synced(file: "MemoryFile") -> bytes:
    return bytes(file.written[: file.synced_bytes])


def half_of_the_rest(file: "MemoryFile") -> bytes:
    return bytes(file.written[: (file.synced_bytes + len(file.written)) // 2])


def zeros_for_the_rest(file: "MemoryFile") -> bytes:
    return only_what_was_synced(file).ljust(len(file.written), b"\0")


SURVIVALS: list[Callable[["MemoryFile"], bytes]] = [
    all_that_was_written,
    only_what_was_synced,
    half_of_the_rest,
    zeros_for_the_rest,
]


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("survive", SURVIVALS)
def test_a_crash_at_any_moment_loses_nothing_acknowledged(
    folder_type: "type[MemoryFiles]",
    fault_type: "type[Fault]",
    survive: Callable[["MemoryFile"], bytes],
    fraction: float,
) -> None:
    calm = folder_type()
    live(calm, [])
    moments = len(calm.operations)
    assert moments > 15
    for moment in range(moments):
        files, acknowledged = folder_type(fault=fault_type(moment, fraction)), list[bytes]()
        with pytest.raises(Exception, match=r"^$") as stopped:
            live(files, acknowledged)
        assert type(stopped.value).__name__ == "Stopped"
        found = files.after(survive)
        log, _ = open_log(found, KEY, ignore)
        entries = entries_of(log)
        assert entries[: len(acknowledged)] == acknowledged
        assert len(entries) <= len(acknowledged) + max(GROUPS)
        assert entries == [item(n).entry for n in range(len(entries))]
        log.write([item(log.size)])
        log.keep_checkpoint()
        log.close()
        assert verify_ledger(found, KEY.verifier).findings == ()
        again, recovery = open_log(found.after(all_that_was_written), KEY, ignore)
        assert (again.size, recovery) == (len(entries) + 1, Recovery())


def test_a_crash_while_mending_is_mended_too(
    folder_type: "type[MemoryFiles]", fault_type: "type[Fault]"
) -> None:
    broken = folder_type()
    live(broken, [])
    broken.files[ENTRIES].written += b"\x01\x00half"
    broken.files[SEALED].written += item(6).sealed
    del broken.files[HASHES].written[40:]
    calm = broken.after(all_that_was_written)
    _, recovery = open_log(calm, KEY, ignore)
    assert recovery.found == (
        "6 bytes of entries never acknowledged were cut off",
        f"{len(item(6).sealed)} bytes of openings of such entries were cut off",
        "9 hashes were computed again",
        "2 entries stood past the stored checkpoint",
    )
    assert calm.whole[CUT] == b"\x01\x00half"
    for moment in range(len(calm.operations)):
        for fraction in (0.0, 0.5, 1.0):
            files = broken.after(all_that_was_written)
            files.fault = fault_type(moment, fraction)
            with pytest.raises(Exception, match=r"^$"):
                open_log(files, KEY, ignore)
            log, _ = open_log(files.after(all_that_was_written), KEY, ignore)
            assert log.size == sum(GROUPS)


def without_the_last_entry(files: "MemoryFiles") -> None:
    del files.files[ENTRIES].written[-50:]


def without_covered_entries(files: "MemoryFiles") -> None:
    files.files[ENTRIES].written.clear()
    files.files[HASHES].written.clear()


def without_a_checkpoint(files: "MemoryFiles") -> None:
    del files.whole[CHECKPOINT]


def with_an_old_entry_changed(files: "MemoryFiles") -> None:
    files.files[ENTRIES].written[:] = files.files[ENTRIES].written.replace(b'r":0', b'r":9')


def with_a_new_entry_changed(files: "MemoryFiles") -> None:
    files.files[ENTRIES].written[:] = files.files[ENTRIES].written.replace(b'r":5', b'r":9')


def without_openings(files: "MemoryFiles") -> None:
    files.files[SEALED].written.clear()


def of_another_key(files: "MemoryFiles") -> None:
    other, _ = open_log(type(files)(), new_key("example.org/log", seed=b"x" * 32), ignore)
    files.whole[CHECKPOINT] = other.sign()[1]


@pytest.mark.parametrize(
    "tamper",
    [
        without_the_last_entry,
        without_covered_entries,
        without_a_checkpoint,
        with_an_old_entry_changed,
        with_a_new_entry_changed,
        without_openings,
        of_another_key,
    ],
)
def test_what_no_crash_can_do_is_refused_and_left_as_it_is(
    memory_files: "MemoryFiles", tamper: Callable[["MemoryFiles"], None]
) -> None:
    live(memory_files, [])
    tamper(memory_files)
    before = memory_files.after(all_that_was_written)
    with pytest.raises(ProofInvalid):
        open_log(memory_files, KEY, ignore)
    assert memory_files.whole == before.whole
    for name, file in before.files.items():
        assert memory_files.files[name].written == file.written
    assert not memory_files.is_locked


def test_a_damaged_hash_under_the_checkpoint_is_computed_again(
    memory_files: "MemoryFiles",
) -> None:
    live(memory_files, [])
    memory_files.files[HASHES].written[3] ^= 1
    log, recovery = open_log(memory_files, KEY, ignore)
    assert recovery.hashes_rebuilt == 10
    log.close()
    assert verify_ledger(memory_files, KEY.verifier).is_sound


def test_hashes_past_the_entries_that_are_zeros_are_cut(memory_files: "MemoryFiles") -> None:
    live(memory_files, [])
    memory_files.files[HASHES].written += bytes(64)
    log, _ = open_log(memory_files, KEY, ignore)
    log.close()
    assert verify_ledger(memory_files, KEY.verifier).is_sound


def test_a_disk_that_cannot_be_read_is_unavailable(
    memory_files: "MemoryFiles", fault_type: "type[Fault]"
) -> None:
    memory_files.fault = fault_type(0, 0, lambda: OSError(30, "Read-only file system"))
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        open_log(memory_files, KEY, ignore)
    assert not memory_files.is_locked
