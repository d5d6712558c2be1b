"""Opening a log: what a crash left is mended, what a crash cannot have done is refused.

Mended: records cut short past the stored checkpoint whose hashes were never written (such entries
were never acknowledged), openings of such entries, and hashes, which are computed again. Refused,
with `ProofInvalid`: fewer entries than the checkpoint or the hashes speak of, another root, an
entry without its openings. The bytes that are cut off `entries` are kept in `entries.cut`.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from narrows.core.ledger.checkpoint import Checkpoint, open_checkpoint
from narrows.core.ledger.entry import Tags, tags_of
from narrows.core.ledger.note import Signer
from narrows.core.ledger.tree import EMPTY, HASH_BYTES, append_leaf, leaf_hash, stored_count
from narrows.errors import LedgerUnavailable, ProofInvalid
from narrows.store.files import AppendFile, Files
from narrows.store.log import CHECKPOINT, ENTRIES, HASHES, SEALED, Log, LogFiles, Places
from narrows.store.records import SealedRecord, entry_records, sealed_records

CUT = "entries.cut"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found, and mended, when a log was opened; all zero after a clean end."""

    entry_bytes_cut: int = 0
    sealed_bytes_cut: int = 0
    hashes_rebuilt: int = 0
    entries_past_checkpoint: int = 0

    @property
    def found(self) -> tuple[str, ...]:
        """The findings in words, none after a clean end: for a log line and the first entry."""
        words = (
            (self.entry_bytes_cut, "bytes of entries never acknowledged were cut off"),
            (self.sealed_bytes_cut, "bytes of openings of such entries were cut off"),
            (self.hashes_rebuilt, "hashes were computed again"),
            (self.entries_past_checkpoint, "entries stood past the stored checkpoint"),
        )
        return tuple(f"{count} {what}" for count, what in words if count)


def open_log(
    files: Files, signer: Signer, note: Callable[[int, Tags], None]
) -> tuple[Log, Recovery]:
    """The log in this folder, mended and locked, and what had to be mended.

    `note` is called with each entry's index and tags, in order.
    Raises: LedgerUnavailable where the folder is in use or the disk fails; ProofInvalid where the
    files are not those of this key's ledger, or were changed.
    """
    files.lock()
    try:
        return _open(files, signer, note)
    except OSError as cause:
        files.close()
        raise LedgerUnavailable(
            "the ledger cannot be opened", hint="see whether its disk is full or read-only"
        ) from cause
    except ProofInvalid:
        files.close()
        raise


def _open(files: Files, signer: Signer, note: Callable[[int, Tags], None]) -> tuple[Log, Recovery]:
    kept = files.load(CHECKPOINT)
    opened = LogFiles(files.open(ENTRIES), files.open(HASHES), files.open(SEALED))
    try:
        if kept is None and opened.entries.size():
            raise ProofInvalid("the ledger has entries and no checkpoint")
        checkpoint = (
            Checkpoint(signer.verifier.name, 0, EMPTY.root)
            if kept is None
            else open_checkpoint(kept, signer.verifier)
        )
        scan = _Scan(opened, checkpoint)
        for index, tags in scan.run():
            note(index, tags)
        recovery = _mend(files, opened, scan, checkpoint)
        log = Log(files, opened, signer, scan.places, scan.frontier)
        if kept is None or checkpoint.size != log.size:
            log.keep_checkpoint()
        log.kept_size = log.size
    except (OSError, ProofInvalid):
        opened.close()
        raise
    return log, recovery


class _Scan:
    """One reading of `entries` and `sealed` side by side, up to the first record cut short."""

    def __init__(self, opened: LogFiles, checkpoint: Checkpoint) -> None:
        self._opened = opened
        self._checkpoint = checkpoint
        self._sealed = sealed_records(opened.sealed)
        self.places = Places(array("Q", [0]), array("Q", [0]))
        self.frontier = EMPTY
        self.hashes = bytearray()

    def run(self) -> Iterator[tuple[int, Tags]]:
        """The index and tags of each whole entry, once the checkpoint is known to hold so far."""
        for record in entry_records(self._opened.entries):
            index = self.frontier.size
            try:
                tags = tags_of(record.data)
            except ProofInvalid:
                break
            self.places.sealed.append(self._sealed_end(index, tags))
            self.places.entries.append(record.end)
            self.frontier, fresh = append_leaf(self.frontier, leaf_hash(record.data))
            self.hashes += b"".join(fresh)
            if self.frontier.size == self._checkpoint.size:
                self._check_root()
            yield index, tags
        if self.frontier.size < self._checkpoint.size:
            raise ProofInvalid(
                f"entry `{self.frontier.size}` is missing or damaged, and the checkpoint covers it"
            )

    def _check_root(self) -> None:
        if self.frontier.root != self._checkpoint.root:
            raise ProofInvalid(
                "the entries are not those of the checkpoint",
                hint="`narrows ledger verify` names the first that was changed",
            )

    def _sealed_end(self, index: int, tags: Tags) -> int:
        end = self.places.sealed[-1]
        for name in tags.sealed:
            found: SealedRecord | None = next(self._sealed, None)
            if found is None or (found.index, found.opening.field) != (index, name):
                raise ProofInvalid(f"the opening of `{name}` of entry `{index}` is missing")
            end = found.end
        return end


def _mend(files: Files, opened: LogFiles, scan: _Scan, checkpoint: Checkpoint) -> Recovery:
    """What was mended; nothing is cut before all is known to be the work of a crash."""
    rebuild_from = _first_unsound_hash(opened.hashes, bytes(scan.hashes), checkpoint.size)
    entries_end, sealed_end = scan.places.entries[-1], scan.places.sealed[-1]
    torn_bytes = opened.entries.size() - entries_end
    if torn_bytes:
        files.replace(CUT, opened.entries.read(entries_end, torn_bytes))
        opened.entries.truncate(entries_end)
    loose_bytes = opened.sealed.size() - sealed_end
    if loose_bytes:
        opened.sealed.truncate(sealed_end)
    lacking = scan.hashes[rebuild_from * HASH_BYTES :]
    if lacking or opened.hashes.size() != len(scan.hashes):
        opened.hashes.truncate(rebuild_from * HASH_BYTES)
        opened.hashes.append(bytes(lacking))
    return Recovery(
        entry_bytes_cut=torn_bytes,
        sealed_bytes_cut=loose_bytes,
        hashes_rebuilt=len(lacking) // HASH_BYTES,
        entries_past_checkpoint=scan.frontier.size - checkpoint.size,
    )


def _first_unsound_hash(file: AppendFile, expected: bytes, covered: int) -> int:
    """The index of the first stored hash that must be written again.

    Under the checkpoint the entries are proven, so a hash that differs is a damaged hash. Past it,
    a crash leaves hashes out, or zeros where a block was never written, and nothing else.
    """
    stored = file.read(0, file.size())
    proven = stored_count(covered) * HASH_BYTES
    for place, (found, wanted) in enumerate(zip(stored[proven:], expected[proven:], strict=False)):
        if found not in (wanted, 0):
            raise ProofInvalid(
                "an entry past the checkpoint differs from its stored hash",
                metadata={"hashOffset": str(proven + place)},
            )
    if stored[len(expected) :].strip(b"\0"):
        raise ProofInvalid("the hashes speak of more entries than there are")
    return _common_bytes(stored, expected) // HASH_BYTES


def _common_bytes(left: bytes, right: bytes) -> int:
    """How many bytes both begin with, found without a loop over bytes where they are alike."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
