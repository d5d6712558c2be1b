import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from narrows.core.ledger.checkpoint import Checkpoint, sign_checkpoint
from narrows.core.ledger.entry import Draft, Entry, Kind, encode_entry
from narrows.core.ledger.tree import EMPTY, append_leaf, leaf_hash
from narrows.core.terms import RequestId
from narrows.errors import ProofInvalid
from narrows.store.keys import new_key
from narrows.store.ledger import Ledger, open_ledger
from narrows.store.log import CHECKPOINT, ENTRIES, HASHES, SEALED
from narrows.store.records import encode_record, entry_records, sealed_records
from narrows.store.verify import Finding, verify_ledger

if TYPE_CHECKING:
    from tests.unit.store.conftest import MemoryFile, MemoryFiles

KEY = new_key("example.org/log", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SIZE = 5


def whole(file: "MemoryFile") -> bytes:
    return bytes(file.written)


def opened(files: "MemoryFiles") -> Ledger:
    salts = count(1)
    return open_ledger(files, KEY, clock=lambda: NOON, salt=lambda: bytes([next(salts)]) * 32)


@pytest.fixture
def sound(memory_files: "MemoryFiles") -> "MemoryFiles":
    async def live() -> None:
        ledger = opened(memory_files)
        for n in range(SIZE):
            sealed = {"officer": b"4471", "sql": b"SELECT 1"} if n != 2 else {}
            await ledger.append(Draft(Kind.INTENT, RequestId(f"{n:032x}"), {"n": n}, sealed))
        await ledger.close()

    asyncio.run(live())
    return memory_files


def found(files: "MemoryFiles") -> tuple[Finding, ...]:
    return verify_ledger(files, KEY.verifier).findings


def test_a_sound_ledger_has_no_findings(sound: "MemoryFiles") -> None:
    report = verify_ledger(sound, KEY.verifier)
    assert (report.entries, report.covered, report.openings, report.erased) == (5, 5, 8, 0)
    assert report.is_sound


def test_any_flipped_byte_of_the_entries_is_found_at_its_entry(sound: "MemoryFiles") -> None:
    file = sound.files[ENTRIES]
    for index, record in enumerate(list(entry_records(file))):
        for place in range(record.offset, record.end):
            bit = 1 << (place % 8)
            file.written[place] ^= bit
            findings = {finding.file: finding for finding in found(sound)}
            assert findings[ENTRIES].entry == index, (place, findings)
            assert findings[ENTRIES].offset == record.offset
            if place % 10 == 0:
                with pytest.raises(ProofInvalid):
                    opened(sound.after(whole))
            file.written[place] ^= bit


def test_any_flipped_byte_of_the_openings_is_found_at_its_entry(sound: "MemoryFiles") -> None:
    file = sound.files[SEALED]
    for record in list(sealed_records(file)):
        for place in range(record.offset, record.end):
            for bit in (1, 1 << (place % 8)):
                file.written[place] ^= bit
                (finding,) = found(sound)
                assert (finding.file, finding.entry) == (SEALED, record.index), place
                file.written[place] ^= bit


def test_any_flipped_byte_of_the_hashes_is_found(sound: "MemoryFiles") -> None:
    file = sound.files[HASHES]
    for place in range(file.size()):
        file.written[place] ^= 1 << (place % 8)
        (finding,) = found(sound)
        assert (finding.file, finding.offset) == (HASHES, place // 32 * 32)
        file.written[place] ^= 1 << (place % 8)


def test_any_flipped_byte_of_the_checkpoint_is_found(sound: "MemoryFiles") -> None:
    note = sound.whole[CHECKPOINT]
    for place in range(len(note)):
        changed = bytearray(note)
        changed[place] ^= 1 << (place % 8)
        sound.whole[CHECKPOINT] = bytes(changed)
        assert CHECKPOINT in {finding.file for finding in found(sound)}, place


@pytest.mark.parametrize("name", [ENTRIES, SEALED, HASHES])
def test_a_file_cut_anywhere_is_found(sound: "MemoryFiles", name: str) -> None:
    for size in range(0, sound.files[name].size(), 7):
        cut = sound.after(whole)
        del cut.files[name].written[size:]
        assert name in {finding.file for finding in found(cut)}, size


@pytest.mark.parametrize("name", [ENTRIES, SEALED, HASHES])
def test_a_file_that_is_missing_is_found(sound: "MemoryFiles", name: str) -> None:
    del sound.files[name]
    assert name in {finding.file for finding in found(sound)}


def test_a_checkpoint_that_is_missing_is_found(sound: "MemoryFiles") -> None:
    del sound.whole[CHECKPOINT]
    (finding,) = found(sound)
    assert str(finding) == "checkpoint, byte 0: there is no checkpoint"
    sound.files[ENTRIES].written += b"\x00\x09torn"
    assert {finding.file for finding in found(sound)} == {CHECKPOINT, ENTRIES}


def test_an_entry_past_the_checkpoint_is_held_to_its_hash(sound: "MemoryFiles") -> None:
    old = Checkpoint("example.org/log", 0, EMPTY.root)
    sound.whole[CHECKPOINT] = sign_checkpoint(old, KEY)
    assert found(sound) == ()
    place = sound.files[ENTRIES].written.index(b'"n":3') + 4
    sound.files[ENTRIES].written[place] ^= 1
    (finding,) = found(sound)
    assert (finding.file, finding.entry) == (ENTRIES, 3)
    assert str(finding).endswith("entry 3: the entry was changed, or its stored hash")


def test_an_erased_opening_is_counted_and_proofs_still_pass(sound: "MemoryFiles") -> None:
    file = sound.files[SEALED]
    record = next(sealed_records(file))
    value_bytes = len(record.opening.salt) + len(record.opening.value)
    file.written[record.offset] = 0
    (finding,) = found(sound)
    assert finding.what == "the opening of `officer` is not wholly erased"
    file.written[record.end - value_bytes : record.end] = bytes(value_bytes)
    report = verify_ledger(sound, KEY.verifier)
    assert (report.is_sound, report.openings, report.erased) == (True, 8, 1)


def test_more_hashes_than_entries_are_found(sound: "MemoryFiles") -> None:
    sound.files[HASHES].written += bytes(32)
    (finding,) = found(sound)
    assert finding.what == "there are more hashes than entries"


def written_by_a_thief(files: "MemoryFiles", entries: list[Entry]) -> None:
    """A ledger written afresh, with the key, by somebody who does not keep its rules."""
    frontier = EMPTY
    for entry in entries:
        data = encode_entry(entry)
        files.open(ENTRIES).append(encode_record(data))
        frontier, fresh = append_leaf(frontier, leaf_hash(data))
        files.open(HASHES).append(b"".join(fresh))
    checkpoint = Checkpoint("example.org/log", frontier.size, frontier.root)
    files.replace(CHECKPOINT, sign_checkpoint(checkpoint, KEY))


def plain(origin: str, time: datetime) -> Entry:
    return Entry(origin, Kind.STARTED, time, None, {}, {})


def test_entries_of_another_origin_or_out_of_time_are_found(memory_files: "MemoryFiles") -> None:
    own = "example.org/log"
    late, early = plain(own, NOON), plain(own, NOON - timedelta(microseconds=1))
    written_by_a_thief(memory_files, [late, early, plain("other", NOON)])
    (finding,) = found(memory_files)
    assert (finding.entry, finding.what) == (1, "the entry is older than the one before it")


def test_a_ledger_written_afresh_does_not_fit_the_old_checkpoint(
    sound: "MemoryFiles", folder_type: "type[MemoryFiles]"
) -> None:
    other = folder_type()
    written_by_a_thief(other, [plain("example.org/log", NOON)] * SIZE)
    other.whole[CHECKPOINT] = sound.whole[CHECKPOINT]
    (finding,) = found(other)
    assert finding.what == "the entries do not have the root that was signed"
    foreign = folder_type()
    written_by_a_thief(foreign, [plain("other", NOON)])
    assert [finding.entry for finding in found(foreign)] == [0]
